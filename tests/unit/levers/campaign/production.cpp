// Why: see production.hpp.
#include "tests/unit/levers/campaign/production.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace leverd::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* control_plane_host = "https://cp.test";
constexpr const char* tenant_host = "https://acme.tenants.test";
constexpr const char* org = "11111111-2222-4333-8444-555555555555";
constexpr auto stops_in = 6s;
constexpr auto boots_in = 40s;

net::HttpResult json(int status, const nlohmann::json& body) {
    return answer(status, body.dump());
}

}  // namespace

Production::Production(const Now* now) : workspaces(now), now_(now), hosting_(now) {
    boot_ = now->at - 5000s;
    for (const std::string repo : {template_repo, platform_repo, twin_repo}) {
        const auto old = registry.index(repo, "good", "2026-05-01T00:00:00Z");
        const auto bad = registry.image(repo, "bad", "2026-05-06T00:00:00Z");
        const auto other = registry.image(repo, "third", "2026-05-06T01:00:00Z");
        registry.tags[repo + ":latest"] = bad;
        registry.tags[repo + ":staging-aaaaaaa"] = old;
        registry.tags[repo + ":staging-bbbbbbb"] = bad;
        registry.tags[repo + ":stray"] = other;
        good = repo == template_repo ? old : good;
    }
}

std::string Production::key_of(const net::HttpRequest& request) {
    return request.method + " " + request.url + " " + sha256_hex(request.body).substr(0, 12);
}

std::int64_t Production::seconds_since(Instant then) const {
    return std::chrono::duration_cast<std::chrono::seconds>(now_->at - then).count();
}

void Production::go_on() {
    if (machine_ == Machine::stopping && now_->at - since_ >= stops_in) {
        machine_ = Machine::stopped;
    }
    if (machine_ == Machine::booting && now_->at - since_ >= boots_in) {
        machine_ = Machine::running;
        boot_ = since_ + boots_in;
        boots_ += 1;
    }
    workspaces.go_on();
}

void Production::retag_by_others() {
    for (const std::string repo : {template_repo, platform_repo, twin_repo}) {
        registry.tags[repo + ":latest"] = registry.tags[repo + ":stray"];
    }
}

bool Production::helped(const std::string& lever) const {
    if (lever == "platform-rollback" || lever == "template-rollback") {
        const std::string repo = lever == "platform-rollback" ? platform_repo : template_repo;
        const auto& tags = registry.tags;
        return tags.at(repo + ":latest") == tags.at(repo + ":staging-aaaaaaa");
    }
    return !journal.empty();
}

bool Production::tenant_up() {
    go_on();
    return machine_ == Machine::running && !sick;
}

double Production::requests() {
    return static_cast<double>(seconds_since(boot_));
}

net::HttpResult Production::serve(const net::HttpRequest& request, const std::string& intent,
                                  bool duplicate) {
    go_on();
    Landed landed;
    landed.intent = intent;
    landed.key = key_of(request);
    landed.duplicate = duplicate;
    net::HttpResult result = not_sent();
    if (auto hosted = hosting_.serve(request, &landed.what)) {
        result = std::move(*hosted);
    } else if (request.url == hook || request.url == hook_state) {
        result = hooks(request, &landed);
    } else if (request.url.starts_with(control_plane_host)) {
        result = control_plane(request, request.url.substr(sizeof("https://cp.test") - 1), &landed);
    } else if (request.url.starts_with(tenant_host)) {
        result =
            tenant(request, request.url.substr(sizeof("https://acme.tenants.test") - 1), &landed);
    } else {
        const auto before = registry.tags;
        auto served = registry.serve(request);
        result = served ? std::move(*served) : not_sent();
        for (const auto& [tag, digest] : registry.tags) {
            if (request.method == "PUT" &&
                request.url.find(tag.substr(0, tag.find(':')) + "/manifests") !=
                    std::string::npos &&
                tag.ends_with(":latest")) {
                landed.what = "retag " + tag + " to " + digest;
                landed.over = before.at(tag);
            }
        }
    }
    if (!landed.what.empty()) {
        journal.push_back(std::move(landed));
    }
    return result;
}

net::HttpResult Production::control_plane(const net::HttpRequest& request, const std::string& path,
                                          Landed* landed) {
    static const std::map<Machine, const char*> names{{Machine::running, "running"},
                                                      {Machine::stopping, "stopping"},
                                                      {Machine::stopped, "stopped"},
                                                      {Machine::booting, "provisioning"}};
    if (path == "/health") {
        return answer(200, R"({"status":"ok"})");
    }
    if (path.starts_with("/cp/admin/orgs?")) {
        const nlohmann::json one{
            {"id", org}, {"slug", "acme"}, {"instance_status", names.at(machine_)}};
        return json(200, nlohmann::json{{"orgs", nlohmann::json::array({one})}});
    }
    if (path == "/cp/admin/orgs/acme/admin-token") {
        return json(200, {{"admin_token", "tenant-token-9876543210"}});
    }
    if (path.starts_with("/cp/admin/tenants/acme/boot-events")) {
        nlohmann::json events = nlohmann::json::array();
        for (int i = boots_; i > 0; --i) {
            events.push_back({{"stage", "wait_platform_health"},
                              {"status", "ok"},
                              {"created_at", fmt::format("2026-05-06T00:{:02}:00Z", i)}});
        }
        return json(200, {{"slug", "acme"}, {"org_id", org}, {"events", events}});
    }
    if (request.method == "POST" && path == "/cp/admin/tenants/redeploy-fleet") {
        return fleet(request, landed);
    }
    if (request.method == "POST" && path == "/cp/admin/orgs/acme/redeploy") {
        landed->what = "redeploy acme";
        sick = false;
        machine_ = Machine::booting;
        since_ = now_->at;
        return answer(200, R"({"ok":true,"results":[{"slug":"acme","ssm_status":"Success"}]})");
    }
    if (request.method == "POST" && path == "/cp/admin/tenants/acme/stop") {
        landed->what = "stop acme";
        machine_ = machine_ == Machine::running ? Machine::stopping : machine_;
        since_ = now_->at;
        return answer(200, R"({"ok":true})");
    }
    if (request.method == "POST" && path == "/cp/admin/tenants/acme/start") {
        if (machine_ == Machine::stopping) {
            return answer(409, R"({"error":"the machine is stopping"})");
        }
        landed->what = "start acme";
        machine_ = machine_ == Machine::stopped ? Machine::booting : machine_;
        since_ = now_->at;
        return answer(200, R"({"ok":true})");
    }
    return answer(404, "404 page not found", "text/plain");
}

net::HttpResult Production::fleet(const net::HttpRequest& request, Landed* landed) {
    const auto body = nlohmann::json::parse(request.body);
    const nlohmann::json ours = nlohmann::json::array({"acme"});
    if (body.at("only_slugs") != ours || body.contains("confirm")) {
        landed->what = "redeploy everybody";
        return answer(200, R"({"ok":true,"results":[]})");
    }
    const bool dry = body.at("dry_run");
    if (!dry) {
        landed->what = "redeploy acme by name with " + body.at("target_tag").get<std::string>();
        machine_ = Machine::booting;
        since_ = now_->at;
        sick = false;
    }
    return json(200,
                {{"ok", true},
                 {"results", nlohmann::json::array({{{"slug", "acme"},
                                                     {"phase", dry ? "canary" : "redeploy"},
                                                     {"ssm_status", dry ? "DryRun" : "Success"},
                                                     {"healthz_ok", true},
                                                     {"error", ""}}})}});
}

net::HttpResult Production::tenant(const net::HttpRequest& request, const std::string& path,
                                   Landed* landed) {
    if (!tenant_up()) {
        return answer(502, "bad gateway", "text/plain");
    }
    if (path == "/health") {
        return answer(200, R"({"status":"ok"})");
    }
    if (path == "/metrics") {
        return answer(200,
                      fmt::format("molecule_http_requests_total{{path=\"/\"}} {}\n", requests()),
                      "text/plain; version=0.0.4");
    }
    return workspaces.serve(request, path, &landed->what);
}

net::HttpResult Production::hooks(const net::HttpRequest& request, Landed* landed) {
    if (request.method == "POST") {
        landed->what = "restart acme";
        return answer(202, "");
    }
    return answer(200, journal.empty() ? "as before" : "restarted", "text/plain");
}

}  // namespace leverd::test
