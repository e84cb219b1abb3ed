// Why: <slug>.sandbox.test speaks like a tenant platform: rate limit, then tenant guard, then
// routes, in that order, and a canvas page for everything that nobody routes.
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

// The edge in front of a tenant answers in HTML, whatever the client wanted.
Reply edge_error() {
    return html_reply(502, "<!doctype html><title>502 Bad gateway</title><h1>Bad gateway</h1>\n");
}

Reply splash() {
    return html_reply(200,
                      "<!doctype html><title>Your workspace is starting</title>"
                      "<p>This usually takes a few minutes.\n");
}

// The fixed window of the platform; the headers come with every answer.
struct Budget {
    int limit = 0;
    int left = 0;
    std::int64_t reset_seconds = 0;
    bool spent = false;
};

Budget take_budget(const World& world, Tenant& tenant) {
    constexpr std::int64_t kWindow = 60'000;
    if (world.now() - tenant.window_start >= kWindow) {
        tenant.window_start = world.now();
        tenant.window_used = 0;
    }
    ++tenant.window_used;
    Budget budget;
    budget.limit = tenant.rate_limit;
    budget.left = std::max(0, tenant.rate_limit - tenant.window_used);
    budget.reset_seconds = (tenant.window_start + kWindow - world.now() + 999) / 1000;
    budget.spent = tenant.window_used > tenant.rate_limit;
    return budget;
}

void add_budget_headers(Reply& reply, const Budget& budget) {
    reply.headers.emplace_back("X-RateLimit-Limit", std::to_string(budget.limit));
    reply.headers.emplace_back("X-RateLimit-Remaining", std::to_string(budget.left));
    reply.headers.emplace_back("X-RateLimit-Reset", std::to_string(budget.reset_seconds));
}

Reply too_many(std::int64_t seconds) {
    Reply reply =
        json_reply(429, json::object({{"error", "rate limit exceeded"}, {"retry_after", seconds}}));
    reply.headers.emplace_back("Retry-After", std::to_string(seconds));
    return reply;
}

bool same_origin(const Request& request) {
    for (const char* name : {"origin", "referer"}) {
        const std::string& value = request.header(name);
        const std::string wanted = "https://" + request.host_header;
        if (value == wanted || value.starts_with(wanted + "/")) {
            return true;
        }
    }
    return false;
}

bool guard_passes(const Tenant& tenant, const Request& request) {
    static constexpr std::array kOpen{"/health", "/metrics", "/registry/register",
                                      "/registry/heartbeat"};
    if (std::find(kOpen.begin(), kOpen.end(), request.path) != kOpen.end() ||
        request.path.starts_with("/cp/")) {
        return true;
    }
    return request.header("x-molecule-org-id") == tenant.org_id || same_origin(request);
}

// What stands between client and process while the tenant is broken; nothing when nothing does.
std::optional<Reply> broken(const World& world, const Tenant& tenant) {
    switch (world.presence(tenant)) {
        case Presence::up:
            break;
        case Presence::cut:
            return wire_reply(Wire::cut);
        case Presence::bad_gateway:
            return edge_error();
        case Presence::splash:
            return splash();
    }
    const std::string& how = tenant.down;
    if (how == "refuse" || how == "cut" || how == "dead_machine") {
        return wire_reply(Wire::cut);
    }
    if (how == "hang") {
        return wire_reply(Wire::hang);
    }
    if (how == "5xx") {
        return edge_error();
    }
    if (how == "splash") {
        return splash();
    }
    if (how == "guard404") {
        return text_reply(404, "", "");
    }
    if (how == "401") {
        return error_reply(401, "invalid admin auth token");
    }
    if (how == "429") {
        return too_many(3);
    }
    return std::nullopt;
}

Reply metrics(const World& world, const Tenant& tenant) {
    std::string out =
        "# HELP molecule_http_requests_total Total HTTP requests served, by method, path and "
        "status code.\n# TYPE molecule_http_requests_total counter\n";
    for (const auto& [labels, count] : tenant.counters) {
        out += "molecule_http_requests_total{" + labels + "} " + std::to_string(count) + "\n";
    }
    out +=
        "# HELP molecule_websocket_connections_active Active WebSocket connections.\n"
        "# TYPE molecule_websocket_connections_active gauge\n"
        "molecule_websocket_connections_active 2\n"
        "# HELP go_goroutines Number of goroutines.\n# TYPE go_goroutines gauge\n"
        "go_goroutines " +
        std::to_string(40 + (world.now() / 1000) % 7) + "\n";
    return text_reply(200, out, "text/plain; version=0.0.4; charset=utf-8");
}

Reply liveness(const World& world) {
    const std::int64_t seconds = (world.now() / 1000) % 30;
    const json tick = json::object({{"seconds_ago", seconds}});
    return json_reply(
        200, json::object({{"subsystems",
                            json::object({{"scheduler", tick}, {"hibernation-monitor", tick}})}}));
}

// The commit that the running image was built from: its build's tag is "staging-<commit>".
std::string commit_of(const World& world, const Tenant& tenant) {
    static const std::string prefix = "staging-";
    const Repository* repository = world.registry.find(kPlatform);
    for (const auto& [tag, digest] : repository->tags) {
        if (digest == tenant.platform_digest && tag.starts_with(prefix)) {
            return tag.substr(prefix.size());
        }
    }
    return "unknown";
}

std::string route_label(const std::vector<std::string>& parts) {
    std::string label;
    for (std::size_t i = 0; i < parts.size() && i < 5; ++i) {
        label += "/" + (i == 1 && parts[0] == "workspaces" ? ":id" : parts[i].substr(0, 32));
    }
    return label.empty() ? "/" : label;
}

Reply platform_routes(World& world, Tenant& tenant, const Request& request,
                      const std::vector<std::string>& parts) {
    const bool get = request.method == "GET" || request.method == "HEAD";
    if (get && request.path == "/health") {
        return json_reply(200, json::object({{"status", "ok"}}));
    }
    if (get && request.path == "/metrics") {
        return metrics(world, tenant);
    }
    if (!guard_passes(tenant, request)) {
        return text_reply(404, "", "");
    }
    const bool data =
        !parts.empty() && (parts[0] == "workspaces" || parts[0] == "events" || parts[0] == "admin");
    if (data && tenant.down == "datastore") {
        return json_reply(
            503,
            json::object({{"error", "platform datastore unavailable \xe2\x80\x94 retry shortly"},
                          {"code", "platform_unavailable"}}));
    }
    if (!parts.empty() && parts[0] == "workspaces") {
        return workspaces_routes(world, tenant, request, parts);
    }
    if (get && request.path == "/ws") {
        return stream_route(world, tenant, request);
    }
    if (get && (request.path == "/admin/liveness" || request.path == "/events")) {
        if (std::optional<Reply> refused = refuse_admin(tenant, request)) {
            return std::move(*refused);
        }
        return request.path == "/events" ? json_reply(200, json::array()) : liveness(world);
    }
    if (tenant.later_build && get && request.path == "/buildinfo") {
        return json_reply(200, json::object({{"git_sha", commit_of(world, tenant)}}));
    }
    return canvas_fallback(request.path == "/" ? 200 : 404);
}

}  // namespace

Reply canvas_fallback(int status) {
    return html_reply(status,
                      "<!doctype html><html><head><title>Canvas</title></head><body>"
                      "<div id=\"__next\"></div></body></html>\n");
}

std::optional<Reply> refuse_admin(const Tenant& tenant, const Request& request) {
    if (request.header("authorization").empty()) {
        return error_reply(401, "admin auth required");
    }
    if (request.bearer() != tenant.admin_token) {
        return error_reply(401, "invalid admin auth token");
    }
    return std::nullopt;
}

Reply tenant_host(World& world, Tenant& tenant, const Request& request) {
    if (std::optional<Reply> reply = broken(world, tenant)) {
        return std::move(*reply);
    }
    const Budget budget = take_budget(world, tenant);
    const std::vector<std::string> parts = path_parts(request.path);
    Reply reply = budget.spent ? too_many(budget.reset_seconds)
                               : platform_routes(world, tenant, request, parts);
    add_budget_headers(reply, budget);
    ++tenant.counters["method=\"" + request.method + "\",path=\"" + route_label(parts) +
                      "\",status=\"" + std::to_string(reply.status) + "\""];
    return reply;
}

}  // namespace sandbox
