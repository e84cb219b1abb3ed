// Why: see stack.hpp.
#include "tests/sim/app/stack.hpp"

#include "core/base/text.hpp"
#include "tests/sim/app/virtual_time.hpp"
#include "tests/unit/levers/fake_http.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace leverd::sim {
namespace {

using test::answer;
using Json = nlohmann::json;

constexpr int tenants = 4;
constexpr std::int64_t boots_in = 90'000;
constexpr std::int64_t stops_in = 20'000;
constexpr std::int64_t calendar = 1'799'990'000'000;  // of uptime 0, on the stack's own clock
constexpr std::string_view control_plane_url = "https://cp.test";
constexpr std::string_view tenant_domain = ".tenants.test";

net::HttpResult json(int status, const Json& body) {
    return answer(status, body.dump(), "application/json; charset=utf-8");
}

net::HttpResult unmatched() {
    return answer(404, "404 page not found", "text/plain");
}

std::string token_of(const std::string& slug, int number) {
    return fmt::format("tenant-token-of-{}-number-{}", slug, number);
}

bool bears(const net::HttpRequest& request, const std::string& token) {
    return request.bearer && request.bearer->reveal() == token;
}

const char* status_of(FakeStack::Machine machine) {
    switch (machine) {
        case FakeStack::Machine::booting:
            return "provisioning";
        case FakeStack::Machine::stopping:
        case FakeStack::Machine::stopped:
            return "stopped";
        case FakeStack::Machine::running:
        case FakeStack::Machine::wedged:
            break;
    }
    return "running";
}

}  // namespace

FakeStack::FakeStack() {
    for (int i = 0; i < tenants; ++i) {
        auto& made = tenants_[fmt::format("t{}", i)];
        made.org = fmt::format("11111111-2222-4333-8444-00000000000{}", i);
        made.boots.push_back(0);
    }
}

std::vector<std::string> FakeStack::slugs() const {
    std::vector<std::string> all;
    for (const auto& [slug, tenant] : tenants_) {
        all.push_back(slug);
    }
    return all;
}

void FakeStack::wedge(const std::string& slug, bool stubborn) {
    auto& hit = tenants_.at(slug);
    if (hit.machine == Machine::running) {
        hit.machine = Machine::wedged;
        hit.stubborn = stubborn;
    }
}

// Somebody mends by hand what no lever mended.
void FakeStack::heal() {
    go_on();
    control_plane_up = true;
    network_up = true;
    for (auto& [slug, tenant] : tenants_) {
        tenant.stubborn = false;
        if (tenant.machine == Machine::wedged) {
            tenant.machine = Machine::running;
        }
        if (tenant.machine == Machine::stopping || tenant.machine == Machine::stopped) {
            tenant.machine = Machine::booting;
            tenant.since = virtual_time::uptime();
        }
    }
}

bool FakeStack::up(const std::string& slug) {
    go_on();
    return tenants_.at(slug).machine == Machine::running;
}

void FakeStack::go_on() {
    const auto now = virtual_time::uptime();
    for (auto& [slug, tenant] : tenants_) {
        if (tenant.machine == Machine::stopping && now - tenant.since >= stops_in) {
            tenant.machine = Machine::stopped;
        }
        if (tenant.machine == Machine::booting && now - tenant.since >= boots_in) {
            tenant.boot = tenant.since + boots_in;
            tenant.boots.push_back(tenant.boot);
            tenant.machine = tenant.stubborn ? Machine::wedged : Machine::running;
        }
    }
}

net::HttpResult FakeStack::serve(const net::HttpRequest& request) {
    go_on();
    if (!network_up) {
        return test::not_sent();
    }
    const auto at = request.url.find("://");
    const auto slash = request.url.find('/', at + 3);
    const auto host = request.url.substr(0, slash);
    const auto path = slash == std::string::npos ? "/" : request.url.substr(slash);
    if (host == control_plane_url) {
        return control_plane_up ? control_plane(request, path)
                                : answer(502, "bad gateway", "text/plain");
    }
    if (host.ends_with(tenant_domain)) {
        const auto name = host.substr(at + 3, host.size() - at - 3 - tenant_domain.size());
        const auto found = tenants_.find(name);
        return found == tenants_.end() ? test::html(404) : tenant(request, found->second, path);
    }
    return host.starts_with("https://reference") ? test::no_body(204) : test::not_sent();
}

net::HttpResult FakeStack::control_plane(const net::HttpRequest& request, const std::string& path) {
    if (path == "/health") {
        return json(200, {{"service", "molecule-cp"}, {"status", "ok"}});
    }
    if (path.starts_with("/cp/auth")) {
        return answer(302, "", "text/html");
    }
    if (!path.starts_with("/cp/admin/")) {
        return unmatched();
    }
    if (!bears(request, "cp-token-0123456789")) {
        return json(401, {{"error", "unauthorized"}});
    }
    return admin(request, path.substr(sizeof("/cp/admin/") - 1));
}

net::HttpResult FakeStack::admin(const net::HttpRequest& request, const std::string& path) {
    if (path.starts_with("orgs?")) {
        Json rows = Json::array();
        for (const auto& [slug, tenant] : tenants_) {
            rows.push_back({{"id", tenant.org},
                            {"slug", slug},
                            {"instance_status", status_of(tenant.machine)},
                            {"created_at", "2026-05-01T09:00:00Z"}});
        }
        return json(200, {{"orgs", rows}});
    }
    const auto parts = split(path.substr(0, path.find('?')), '/');
    if (parts.size() != 3) {
        return unmatched();
    }
    const std::string slug(parts[1]);
    const auto found = tenants_.find(slug);
    if (found == tenants_.end()) {
        return json(404, {{"error", "org not found"}, {"slug", slug}});
    }
    auto& tenant = found->second;
    if (request.method == "GET" && parts[2] == "admin-token") {
        return json(200, {{"admin_token", token_of(slug, tenant.token)}});
    }
    if (request.method == "GET" && parts[2] == "boot-events") {
        Json events = Json::array();
        for (auto boot = tenant.boots.rbegin(); boot != tenant.boots.rend(); ++boot) {
            events.push_back({{"stage", "wait_platform_health"},
                              {"status", "ok"},
                              {"created_at", format_rfc3339(WallTime{Millis{calendar + *boot}})}});
        }
        return json(200, {{"slug", slug}, {"org_id", tenant.org}, {"events", events}});
    }
    const bool known = (parts[0] == "orgs" && parts[2] == "redeploy") ||
                       (parts[0] == "tenants" && (parts[2] == "stop" || parts[2] == "start"));
    return request.method == "POST" && known ? change(tenant, slug, std::string(parts[2]))
                                             : unmatched();
}

net::HttpResult FakeStack::change(Tenant& tenant, const std::string& slug,
                                  const std::string& what) {
    const auto now = virtual_time::uptime();
    if (what == "start" && tenant.machine == Machine::stopping) {
        return json(409, {{"error", "a lifecycle operation is active"}});
    }
    journal.push_back({now, slug, what});
    if (what == "stop") {
        tenant.stubborn = false;
        tenant.machine = tenant.machine == Machine::stopped ? Machine::stopped : Machine::stopping;
        tenant.since = now;
        return json(200, {{"ok", true}});
    }
    tenant.token += what == "redeploy" ? 1 : 0;
    tenant.machine = Machine::booting;
    tenant.since = now;
    return what == "start"
               ? json(200, {{"ok", true}})
               : json(200,
                      {{"ok", true},
                       {"results", Json::array({{{"slug", slug}, {"ssm_status", "Success"}}})}});
}

net::HttpResult FakeStack::tenant(const net::HttpRequest& request, Tenant& at,
                                  const std::string& path) {
    if (at.machine == Machine::booting) {
        return test::html(200);
    }
    if (at.machine != Machine::running) {
        return answer(502, "bad gateway", "text/plain");
    }
    if (path == "/health") {
        return json(200, {{"status", "ok"}});
    }
    if (path == "/metrics") {
        const auto served = (virtual_time::uptime() - at.boot) / 100;
        return answer(200,
                      fmt::format("# TYPE molecule_http_requests_total counter\n"
                                  "molecule_http_requests_total{{path=\"/\"}} {}\n",
                                  served),
                      "text/plain; version=0.0.4");
    }
    const auto org = test::header_of(request, "X-Molecule-Org-Id");
    const auto origin = test::header_of(request, "Origin");
    if (org != at.org && origin.empty()) {
        return test::no_body(404);
    }
    const auto slug = fmt::format("t{}", at.org.back());
    if (!bears(request, token_of(slug, at.token))) {
        return json(
            401, {{"error", request.bearer ? "invalid admin auth token" : "admin auth required"}});
    }
    return path == "/workspaces" ? json(200, Json::array()) : test::html(404);
}

}  // namespace leverd::sim
