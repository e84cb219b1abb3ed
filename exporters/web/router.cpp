// Why: the route table and the one way through it: route, method, permission, handler.
#include "exporters/web/router.hpp"

#include "core/base/text.hpp"

#include <array>

namespace leverd::exporters::web {
namespace {

using boost::asio::awaitable;
using Sync = Response (*)(const Call&);
using Async = awaitable<Response> (*)(Call);

enum class Cost {
    little,
    view,     // grows with the stack: one at a time
    history,  // reads the ledger: one at a time, in a line of its own
    scrape,   // in a line of its own, too
};

struct Route {
    std::string_view method;
    std::string_view pattern;  // "{}" stands for one path segment
    Need need = Need::read;
    Sync sync = nullptr;
    Async async = nullptr;
    Cost cost = Cost::little;
    bool urgent = false;  // answered on a reserved seat, too
};

constexpr std::array<Route, 41> routes{{
    {"GET", "/", Need::open, get_asset, nullptr},
    {"GET", "/page.js", Need::open, get_asset, nullptr},
    {"GET", "/render.js", Need::open, get_asset, nullptr},
    {"GET", "/page.css", Need::open, get_asset, nullptr},
    {"GET", "/icon.svg", Need::open, get_asset, nullptr},
    {"GET", "/metrics", Need::read, nullptr, get_metrics, Cost::scrape, true},
    {"GET", "/-/healthy", Need::open, get_healthy, nullptr, Cost::little, true},
    {"GET", "/-/ready", Need::open, get_ready, nullptr, Cost::little, true},
    {"POST", "/-/reload", Need::operate, nullptr, post_reload},
    {"GET", "/api/v1/status", Need::read, get_status, nullptr, Cost::view},
    {"GET", "/api/v1/subjects", Need::read, nullptr, get_subjects, Cost::view},
    {"GET", "/api/v1/subjects/{}", Need::read, get_subject, nullptr},
    {"GET", "/api/v1/symptoms", Need::read, nullptr, get_symptoms, Cost::view},
    {"GET", "/api/v1/incidents", Need::read, nullptr, get_incidents, Cost::view},
    {"GET", "/api/v1/incidents/{}", Need::read, nullptr, get_incident, Cost::history},
    {"POST", "/api/v1/incidents/{}/acknowledge", Need::approve, nullptr, post_acknowledge},
    {"POST", "/api/v1/sinks/{}/test", Need::operate, nullptr, post_test_page},
    {"GET", "/api/v1/decisions", Need::read, nullptr, get_decisions, Cost::view},
    {"GET", "/api/v1/decisions/{}", Need::read, get_decision, nullptr},
    {"POST", "/api/v1/decisions/{}/approve", Need::approve, nullptr, post_approve},
    {"POST", "/api/v1/decisions/{}/reject", Need::approve, nullptr, post_reject},
    {"GET", "/api/v1/levers", Need::read, get_levers, nullptr},
    {"POST", "/api/v1/levers/{}/fire", Need::operate, nullptr, post_fire},
    {"GET", "/api/v1/intents/{}", Need::read, get_intent, nullptr},
    {"GET", "/api/v1/policies", Need::read, get_policies, nullptr, Cost::view},
    {"GET", "/api/v1/vetoes", Need::read, get_vetoes, nullptr},
    {"POST", "/api/v1/vetoes", Need::approve, nullptr, post_veto},
    {"DELETE", "/api/v1/vetoes/{}", Need::operate, nullptr, delete_veto},
    {"GET", "/api/v1/overview", Need::read, get_overview, nullptr, Cost::view},
    {"GET", "/api/v1/ledger", Need::read, nullptr, get_ledger, Cost::history},
    {"POST", "/api/v1/ledger/accept", Need::operate, nullptr, post_accept_history},
    {"GET", "/api/v1/why", Need::read, nullptr, get_why, Cost::history},
    {"GET", "/api/v1/stream", Need::read, get_stream, nullptr},
    {"POST", "/api/v1/stop", Need::approve, nullptr, post_stop, Cost::little, true},
    {"GET", "/api/v1/probes", Need::read, get_probes, nullptr},
    {"GET", "/api/v1/probes/{}/results", Need::read, get_results, nullptr, Cost::view},
    {"POST", "/api/v1/probes/{}/run", Need::operate, nullptr, post_look},
    {"POST", "/events/heartbeat/{}", Need::heartbeat, nullptr, post_heartbeat},
    {"POST", "/events/{}", Need::open, post_event, nullptr},
    {"POST", "/events/railway/{}", Need::open, post_railway_event, nullptr},
    {"GET", "/api/v1/openapi.json", Need::open, get_openapi, nullptr},
}};

// The decoded segment in place of "{}" (empty where there is none), or nullopt for no match.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
    const auto hole = pattern.find("{}");
    if (hole == std::string_view::npos) {
        return pattern == path ? std::optional<std::string>{std::string{}} : std::nullopt;
    }
    const std::string_view before = pattern.substr(0, hole);
    const std::string_view after = pattern.substr(hole + 2);
    if (path.size() <= before.size() + after.size() || path.substr(0, before.size()) != before ||
        path.substr(path.size() - after.size()) != after) {
        return std::nullopt;
    }
    const auto segment = path.substr(before.size(), path.size() - before.size() - after.size());
    if (segment.find('/') != std::string_view::npos) {
        return std::nullopt;
    }
    return percent_decode(segment, false);
}

struct Found {
    const Route* route = nullptr;
    std::string capture;
    std::string allow;  // methods that the path knows
};

Found find_route(std::string_view method, std::string_view path) {
    Found out;
    for (const Route& route : routes) {
        auto capture = match(route.pattern, path);
        if (!capture) {
            continue;
        }
        out.allow += out.allow.empty() ? "" : ", ";
        out.allow += route.method == "GET" ? "GET, HEAD" : std::string(route.method);
        if (route.method == method || (method == "HEAD" && route.method == "GET")) {
            out.route = &route;
            out.capture = std::move(*capture);
        }
    }
    return out;
}

Response no_route(const Request& request, const std::string& allow) {
    if (allow.empty()) {
        return error_response(404, "nothing lives at this address",
                              "GET /api/v1/openapi.json lists every address");
    }
    Response out =
        error_response(405, sanitize(request.method, 16) + " does not work here", "use " + allow);
    out.headers.emplace_back("Allow", allow);
    return out;
}

awaitable<Response> run(const Route* route, Call call) {
    if (route->sync != nullptr) {
        co_return route->sync(call);
    }
    co_return co_await route->async(std::move(call));
}

// Reads do not depend on who asks, so equal targets may share an answer.
awaitable<Response> run_in_turn(const Route* route, Call call, Service service) {
    Line* line = route->cost == Cost::view      ? service.views
                 : route->cost == Cost::history ? service.history
                 : route->cost == Cost::scrape  ? service.scrapes
                                                : nullptr;
    if (line == nullptr) {
        co_return co_await run(route, std::move(call));
    }
    std::string key =
        route->cost == Cost::scrape ? std::string(route->pattern) : call.request->target;
    Line::Work work = [route, call = std::move(call)] { return run(route, call); };
    co_return co_await line->ask(std::move(key), std::move(work));
}

Response refuse(Backend& backend, const Access& access, const Service& service, Denied denied) {
    if (service.figures != nullptr) {
        ++service.figures->auth_failures[std::string(denied.reason)];
    }
    backend.access_denied(access.peer, denied.reason);
    return std::move(denied.response);
}

// Too many wrong tokens came from there, so this one is not even looked at.
std::optional<Denied> slowed(const Backend& backend, const Access& access, const Service& service,
                             const Request& request, Need need) {
    if (service.throttle == nullptr || !brings_token(access, request, need)) {
        return std::nullopt;
    }
    const Millis left = service.throttle->held(access.peer, backend.now().at);
    if (left == Millis{0}) {
        return std::nullopt;
    }
    Denied out{"slowed",
               error_response(429, "too many wrong API tokens came from this address",
                              "wait, then send the right one; the command line on the box works "
                              "meanwhile")};
    out.response.headers.emplace_back("Retry-After", std::to_string((left.count() + 999) / 1000));
    return out;
}

// A person on the box must be able to change things whoever fills the seats.
bool is_urgent(const Route& route, const Access& access) {
    return route.urgent || (access.unix_socket && is_change(route.need));
}

boost::system::result<Identity, Denied> check(const Backend& backend, const Access& access,
                                              const Service& service, const Request& request,
                                              Need need) {
    if (auto wait = slowed(backend, access, service, request, need)) {
        return std::move(*wait);
    }
    auto who = authorize(access, request, need);
    if (who.has_error() && who.error().reason == "wrong_token" && service.throttle != nullptr) {
        service.throttle->failed(access.peer, backend.now().at);
    }
    return who;
}

}  // namespace

Response busy_response() {
    Response out = error_response(503, "too many connections are open",
                                  "close some, or try again in a moment");
    out.headers.emplace_back("Retry-After", "1");
    return out;
}

awaitable<Response> serve(Backend& backend, Access access, Request request, Service service,
                          bool reserved) {
    const auto open = authorize(access, request, Need::open);
    if (open.has_error()) {
        co_return refuse(backend, access, service, open.error());
    }
    auto target = parse_target(request.target);
    if (!target) {
        co_return error_response(400, "the address of the request cannot be read",
                                 "percent-encode it and give each parameter once");
    }
    Found found = find_route(request.method, target->path);
    if (found.route == nullptr) {
        co_return no_route(request, found.allow);
    }
    if (reserved && !is_urgent(*found.route, access)) {
        co_return busy_response();
    }
    const auto who = check(backend, access, service, request, found.route->need);
    if (who.has_error()) {
        co_return refuse(backend, access, service, who.error());
    }
    Call call;
    call.backend = &backend;
    call.request = std::make_shared<const Request>(std::move(request));
    call.capture = std::move(found.capture);
    call.query = std::move(target->query);
    call.who = who->who;
    call.role = who->role;
    call.worker = service.worker;
    co_return co_await run_in_turn(found.route, std::move(call), service);
}

}  // namespace leverd::exporters::web
