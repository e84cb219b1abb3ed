// Why: see world.hpp.
#include "tests/unit/levers/world.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <unistd.h>

namespace leverd::test {

World::World(const std::string& lever, std::unique_ptr<levers::Lever> own)
    : lever_(own ? std::shared_ptr<levers::Lever>(std::move(own))
                 : levers::LeverTable().find(lever)) {
    config.control_plane.url = "https://cp.test";
    config.control_plane.admin_token = "cp";
    config.tenants.url = "https://{slug}.tenants.test";
    config.registry.url = registry_url;
    config.registry.user = "bot";
    config.registry.token = "registry";
    config.registry.platform_image = "molecule-ai/platform";
    config.registry.platform_tenant_image = "molecule-ai/platform-tenant";
    config.canvas.url = "https://app.test";
    config.canvas.marker = "__NEXT_DATA__";
    secrets["cp"] = Secret(cp_token);
    secrets["registry"] = Secret(registry_token);
    Tenant tenant;
    tenant.slug = "acme";
    tenant.org_id = org_id;
    tenant.instance_status = "running";
    inventory.tenants["acme"] = tenant;
    inventory.admin_tokens["acme"] = Secret(tenant_token);
    fired = clock.now();
    context_.config = borrowed(config);
    context_.http = &http;
    context_.clock = &clock;
    context_.inventory = &inventory;
    context_.secrets = borrowed(secrets);
    context_.leaving = &leaving;
    http.serve([this](const net::HttpRequest& request) { return registry.serve(request); });
    REQUIRE(lever_ != nullptr);
}

World::~World() {
    if (!receipt_path_.empty()) {
        std::remove(receipt_path_.c_str());
    }
}

void World::receipt(const std::string& text) {
    if (receipt_path_.empty()) {
        std::string pattern = "/tmp/leverd-receipt-XXXXXX";
        const int file = mkstemp(pattern.data());
        REQUIRE(file >= 0);
        close(file);
        receipt_path_ = pattern;
    }
    std::ofstream(receipt_path_) << text;
    config.freeze.receipt = receipt_path_;
}

Result<Plan> World::plan(const std::string& subject) {
    return run(lever_->plan(context_, Subject(subject), net::deadline_in(Millis{5000})));
}

Plan World::planned(const std::string& subject) {
    auto made = plan(subject);
    if (made.has_error()) {
        FAIL("no plan: " + made.error().what);
    }
    check_no_token(*made);
    http.seen.clear();
    http.deadlines.clear();
    return *made;
}

Intent World::intent_of(const Plan& done) {
    Intent intent;
    intent.id = intent_id;
    intent.lever = done.lever;
    intent.subject = done.subject;
    intent.plan = done;
    return intent;
}

Result<Plan> World::undo(const Plan& done) {
    return run(lever_->plan_undo(context_, intent_of(done), net::deadline_in(Millis{5000})));
}

Result<Plan> World::recreation(const Plan& done) {
    return run(lever_->plan_recreation(context_, intent_of(done), net::deadline_in(Millis{5000})));
}

Outcome World::fire(const Plan& plan) {
    auto outcome = run(lever_->fire(context_, plan, intent_id, net::deadline_in(Millis{5000})));
    check_no_token(outcome);
    CHECK(outcome.intent == intent_id);
    return outcome;
}

Settled World::observe(const Plan& plan) {
    auto settled =
        run(lever_->observe(context_, plan, intent_id, fired, net::deadline_in(Millis{5000})));
    check_no_token(settled.detail);
    CHECK(settled.intent == intent_id);
    return settled;
}

std::optional<Observation> World::prove(const Plan& plan, const Outcome& outcome) {
    return run(lever_->prove(context_, plan, outcome, net::deadline_in(Millis{5000})));
}

void check_no_token(const std::string& text) {
    for (const char* token : {cp_token, tenant_token, registry_token, "s3cr3t-"}) {
        INFO(text);
        CHECK(text.find(token) == std::string::npos);
    }
}

void check_no_token(const Plan& plan) {
    check_no_token(dump(to_json(plan)));
}

void check_no_token(const Outcome& outcome) {
    check_no_token(dump(to_json(EntryBody(outcome))));
}

}  // namespace leverd::test
