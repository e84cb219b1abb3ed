// Why: api.sandbox.test speaks like the closed-source control plane as its callers know it.
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

Reply unrouted() {
    return text_reply(404, "404 page not found");
}

Reply org_not_found(const std::string& slug) {
    return json_reply(404, json::object({{"error", "org not found"}, {"slug", slug}}));
}

json org_row(const Tenant& tenant) {
    json row = json::object();
    row["id"] = tenant.org_id;
    row["slug"] = tenant.slug;
    row["name"] = tenant.slug + " Inc.";
    row["plan"] = "team";
    row["instance_status"] = tenant.instance_status;
    row["created_at"] = tenant.created_at;
    return row;
}

// The order is nobody's promise: newest first here, and a page cuts it off without a word.
Reply orgs_list(const World& world, const Request& request) {
    const std::string& mode = world.modes.control_plane;
    std::int64_t limit = query_number(request, "limit", 20);
    if (limit < 1) {
        limit = 20;
    }
    json orgs = json::array();
    if (mode != "empty_list") {
        const std::size_t all = world.tenants.size();
        const std::size_t shown = mode == "half_list" ? all / 2 : all;
        for (std::size_t i = 0; i < shown && static_cast<std::int64_t>(i) < limit; ++i) {
            orgs.push_back(org_row(world.tenants[all - 1 - i]));
        }
    }
    return json_reply(200, json::object({{"orgs", orgs}}));
}

Reply boot_events(const Tenant& tenant, const Request& request) {
    const auto limit = static_cast<std::size_t>(
        std::clamp<std::int64_t>(query_number(request, "limit", 50), 1, 500));
    json events = json::array();
    const std::size_t all = tenant.boot_events.size();
    for (std::size_t i = all > limit ? all - limit : 0; i < all; ++i) {
        events.push_back(tenant.boot_events[i]);
    }
    json body = json::object();
    body["slug"] = tenant.slug;
    body["org_id"] = tenant.org_id;
    body["events"] = events;
    return json_reply(200, body);
}

json result_row(const Tenant& tenant, bool ok, const std::string& error) {
    json row = json::object();
    row["slug"] = tenant.slug;
    row["phase"] = "redeploy";
    row["ssm_status"] = ok ? "Success" : "Failed";
    row["ssm_exit_code"] = ok ? 0 : 1;
    row["healthz_ok"] = ok;
    row["error"] = error;
    return row;
}

Reply redeploy_answer(const Tenant& tenant, bool rows, bool ok, const std::string& error) {
    json body = json::object();
    body["ok"] = ok;
    if (rows || !ok) {
        body["results"] = json::array({result_row(tenant, ok, error)});
    } else {
        body["slug"] = tenant.slug;
        body["instance_status"] = tenant.instance_status;
    }
    return json_reply(200, body);
}

// `rows`: the tenants/ form of the path answers with SSM rows, the orgs/ form does not.
Reply redeploy(World& world, Tenant& tenant, const Request& request, bool rows) {
    const json body = parse(request.body);
    const std::string tag = rows ? text_of(body, "target_tag") : std::string();
    const std::string mode = world.modes.redeploy.take();
    if (mode == "lost_before_effect") {
        return wire_reply(Wire::cut);
    }
    if (mode == "http_500") {
        return error_reply(500, "internal error");
    }
    if (mode == "ok_false") {
        return redeploy_answer(tenant, rows, false, "ssm command failed");
    }
    if (tenant.down == "dead_machine") {
        return redeploy_answer(tenant, rows, false, "the machine does not answer: Undeliverable");
    }
    if (mode == "noop") {
        return redeploy_answer(tenant, rows, true, "");
    }
    if (!world.redeploy(tenant, tag)) {
        return redeploy_answer(tenant, rows, false, "manifest unknown: " + tag.substr(0, 128));
    }
    Reply reply = mode == "lost" ? wire_reply(Wire::cut) : redeploy_answer(tenant, rows, true, "");
    reply.effect = "redeploy " + tenant.slug;
    reply.delay_ms = 150;
    return reply;
}

Reply redeploy_fleet(World& world, const Request& request) {
    const json body = parse(request.body);
    const bool named = body.is_object() && body.contains("only_slugs") &&
                       body["only_slugs"].is_array() && !body["only_slugs"].empty();
    if (!named && !flag_of(body, "confirm", false)) {
        return error_reply(400, "confirm:true or only_slugs is required");
    }
    const std::string tag = text_of(body, "target_tag");
    const bool dry = flag_of(body, "dry_run", false);
    // A dry run spends no fault: it is the real call that a story breaks.
    const std::string mode = dry ? std::string() : world.modes.redeploy.take();
    if (mode == "lost_before_effect") {
        return wire_reply(Wire::cut);
    }
    if (mode == "http_500") {
        return error_reply(500, "internal error");
    }
    json results = json::array();
    bool all_ok = true;
    std::string effect;
    for (Tenant& tenant : world.tenants) {
        const bool wanted =
            !named || std::any_of(body["only_slugs"].begin(), body["only_slugs"].end(),
                                  [&](const json& slug) { return slug == tenant.slug; });
        if (!wanted) {
            continue;
        }
        const bool dead = tenant.down == "dead_machine" || mode == "ok_false";
        const bool acts = !dry && !dead && mode != "noop";
        const bool ok = dry || (!dead && (!acts || world.redeploy(tenant, tag)));
        json row = result_row(tenant, ok, ok ? "" : dead ? "Undeliverable" : "manifest unknown");
        if (dry) {
            row["ssm_status"] = "DryRun";
        } else if (acts && ok) {
            effect += (effect.empty() ? "redeploy " : ",") + tenant.slug;
        }
        all_ok = all_ok && ok;
        results.push_back(std::move(row));
    }
    Reply reply = mode == "lost"
                      ? wire_reply(Wire::cut)
                      : json_reply(200, json::object({{"ok", all_ok}, {"results", results}}));
    reply.effect = effect;
    return reply;
}

// Neither waits for the machine: the status goes on through `stopping` and `provisioning`.
Reply stop_or_start(World& world, Tenant& tenant, bool start) {
    const std::string mode = (start ? world.modes.start : world.modes.stop).take();
    if (mode == "lost_before_effect") {
        return wire_reply(Wire::cut);
    }
    if (mode == "http_500") {
        return error_reply(500, "internal error");
    }
    if (tenant.instance_status != (start ? "stopped" : "running")) {
        return error_reply(409, "instance is " + tenant.instance_status);
    }
    const json said = json::object({{"slug", tenant.slug}, {"ok", mode != "ok_false"}});
    if (mode == "noop" || mode == "ok_false") {
        return json_reply(200, said);
    }
    if (start) {
        world.start(tenant, mode == "stuck");
    } else {
        world.stop(tenant);
    }
    Reply reply = mode == "lost" ? wire_reply(Wire::cut) : json_reply(200, said);
    reply.effect = (start ? "start " : "stop ") + tenant.slug;
    return reply;
}

Reply tenant_action(World& world, const Request& request, const std::vector<std::string>& parts) {
    const std::string& family = parts[2];
    const std::string& slug = parts[3];
    const std::string action = parts.size() > 4 ? parts[4] : std::string();
    Tenant* tenant = world.tenant(slug);
    const bool get = request.method == "GET";
    const bool post = request.method == "POST";
    const bool known = (get && action == "boot-events" && family == "tenants") ||
                       (get && action == "admin-token" && family == "orgs") ||
                       (post && action == "redeploy") ||
                       (post && family == "tenants" && (action == "stop" || action == "start")) ||
                       (request.method == "DELETE" && family == "tenants" && action.empty());
    if (!known || parts.size() > 5) {
        return unrouted();
    }
    if (tenant == nullptr) {
        return org_not_found(slug);
    }
    if (action == "boot-events") {
        return boot_events(*tenant, request);
    }
    if (action == "admin-token") {
        return json_reply(200, json::object({{"admin_token", tenant->admin_token}}));
    }
    if (action == "redeploy") {
        return redeploy(world, *tenant, request, family == "tenants");
    }
    if (action == "stop" || action == "start") {
        return stop_or_start(world, *tenant, action == "start");
    }
    // Nobody may ever call this one; the journal shows it if somebody does.
    Reply reply = json_reply(200, json::object({{"deleted", true}, {"slug", slug}}));
    reply.effect = "destroy tenant " + slug;
    return reply;
}

Reply admin_routes(World& world, const Request& request, const std::vector<std::string>& parts) {
    const std::string& mode = world.modes.control_plane;
    if (mode == "admin_5xx") {
        return error_reply(500, "internal server error");
    }
    if (mode == "401" || request.bearer() != world.admin_token()) {
        return error_reply(401, "unauthorized");
    }
    if (parts.size() == 3 && parts[2] == "orgs" && request.method == "GET") {
        return orgs_list(world, request);
    }
    if (parts.size() == 4 && parts[2] == "tenants" && parts[3] == "redeploy-fleet" &&
        request.method == "POST") {
        return redeploy_fleet(world, request);
    }
    if (parts.size() >= 4 && (parts[2] == "orgs" || parts[2] == "tenants")) {
        return tenant_action(world, request, parts);
    }
    return unrouted();
}

}  // namespace

Reply control_plane_host(World& world, const Request& request) {
    const std::string& mode = world.modes.control_plane;
    if (mode == "hang") {
        return wire_reply(Wire::hang);
    }
    if (mode == "html") {
        return html_reply(200, "<!doctype html><title>Starting up</title><p>One moment.\n");
    }
    if (mode == "5xx") {
        return json_reply(502, json::object({{"status", "error"},
                                             {"code", 502},
                                             {"message", "Application failed to respond"}}));
    }
    const std::vector<std::string> parts = path_parts(request.path);
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (request.path == "/health" && reads) {
        return json_reply(200, json::object({{"service", "molecule-cp"}, {"status", "ok"}}));
    }
    if (request.path == "/cp/auth/me" && reads) {
        if (mode == "login_5xx") {
            return error_reply(500, "internal server error");
        }
        return error_reply(401, "not authenticated");
    }
    if (parts.size() >= 3 && parts[0] == "cp" && parts[1] == "admin") {
        return admin_routes(world, request, parts);
    }
    return unrouted();
}

}  // namespace sandbox
