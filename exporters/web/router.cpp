// Why: the route table and the one way through it: route, method, permission, handler.
#include "exporters/web/router.hpp"

#include "core/base/text.hpp"

#include <array>

namespace leverd::exporters::web {
namespace {

using boost::asio::awaitable;
using Sync = Response (*)(const Call&);
using Async = awaitable<Response> (*)(Call);

struct Route {
    std::string_view method;
    std::string_view pattern;  // "{}" stands for one path segment
    Need need = Need::read;
    Sync sync = nullptr;
    Async async = nullptr;
};

constexpr std::array<Route, 41> routes{{
    {"GET", "/", Need::open, get_asset, nullptr},
    {"GET", "/page.js", Need::open, get_asset, nullptr},
    {"GET", "/render.js", Need::open, get_asset, nullptr},
    {"GET", "/page.css", Need::open, get_asset, nullptr},
    {"GET", "/icon.svg", Need::open, get_asset, nullptr},
    {"GET", "/metrics", Need::read, get_metrics, nullptr},
    {"GET", "/-/healthy", Need::open, get_healthy, nullptr},
    {"GET", "/-/ready", Need::open, get_ready, nullptr},
    {"POST", "/-/reload", Need::change, nullptr, post_reload},
    {"GET", "/api/v1/status", Need::read, get_status, nullptr},
    {"GET", "/api/v1/subjects", Need::read, get_subjects, nullptr},
    {"GET", "/api/v1/subjects/{}", Need::read, get_subject, nullptr},
    {"GET", "/api/v1/symptoms", Need::read, get_symptoms, nullptr},
    {"GET", "/api/v1/incidents", Need::read, get_incidents, nullptr},
    {"GET", "/api/v1/incidents/{}", Need::read, nullptr, get_incident},
    {"POST", "/api/v1/incidents/{}/acknowledge", Need::change, nullptr, post_acknowledge},
    {"POST", "/api/v1/sinks/{}/test", Need::change, nullptr, post_test_page},
    {"GET", "/api/v1/decisions", Need::read, get_decisions, nullptr},
    {"GET", "/api/v1/decisions/{}", Need::read, get_decision, nullptr},
    {"POST", "/api/v1/decisions/{}/approve", Need::change, nullptr, post_approve},
    {"POST", "/api/v1/decisions/{}/reject", Need::change, nullptr, post_reject},
    {"GET", "/api/v1/levers", Need::read, get_levers, nullptr},
    {"POST", "/api/v1/levers/{}/fire", Need::change, nullptr, post_fire},
    {"GET", "/api/v1/intents/{}", Need::read, get_intent, nullptr},
    {"GET", "/api/v1/policies", Need::read, get_policies, nullptr},
    {"GET", "/api/v1/vetoes", Need::read, get_vetoes, nullptr},
    {"POST", "/api/v1/vetoes", Need::change, nullptr, post_veto},
    {"DELETE", "/api/v1/vetoes/{}", Need::change, nullptr, delete_veto},
    {"GET", "/api/v1/overview", Need::read, get_overview, nullptr},
    {"GET", "/api/v1/ledger", Need::read, nullptr, get_ledger},
    {"POST", "/api/v1/ledger/accept", Need::change, nullptr, post_accept_history},
    {"GET", "/api/v1/why", Need::read, nullptr, get_why},
    {"GET", "/api/v1/stream", Need::read, get_stream, nullptr},
    {"POST", "/api/v1/stop", Need::change, nullptr, post_stop},
    {"GET", "/api/v1/probes", Need::read, get_probes, nullptr},
    {"GET", "/api/v1/probes/{}/results", Need::read, get_results, nullptr},
    {"POST", "/api/v1/probes/{}/run", Need::change, nullptr, post_look},
    {"POST", "/events/heartbeat/{}", Need::change, nullptr, post_heartbeat},
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

}  // namespace

awaitable<Response> serve(Backend& backend, const Access& access, Request request) {
    const auto open = authorize(access, request, Need::open);
    if (open.has_error()) {
        co_return open.error();
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
    const auto who = authorize(access, request, found.route->need);
    if (who.has_error()) {
        co_return who.error();
    }
    Call call;
    call.backend = &backend;
    call.request = &request;
    call.capture = std::move(found.capture);
    call.query = std::move(target->query);
    call.who = *who;
    if (found.route->sync != nullptr) {
        co_return found.route->sync(call);
    }
    co_return co_await found.route->async(std::move(call));
}

}  // namespace leverd::exporters::web
