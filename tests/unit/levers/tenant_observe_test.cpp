// Why: after a lost answer only traces tell whether a redeploy happened; a wrong "no" would let a
// second one follow, so "no" needs every sign, twice, after time enough.
#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

const std::string boot_url = "GET https://cp.test/cp/admin/tenants/acme/boot-events?limit=50";
const std::string orgs_url = "GET https://cp.test/cp/admin/orgs?limit=500";
const std::string post_url = "POST https://cp.test/cp/admin/orgs/acme/redeploy";
const std::string health_url = "GET https://acme.tenants.test/health";
const std::string metrics_url = "GET https://acme.tenants.test/metrics";

net::HttpResult orgs(const std::string& status) {
    return answer(200, R"({"orgs":[{"id":")" + std::string(org_id) +
                           R"(","slug":"acme","instance_status":")" + status + R"("}]})");
}

net::HttpResult boot(const std::string& newest) {
    return answer(200, R"({"slug":"acme","org_id":")" + std::string(org_id) +
                           R"(","events":[{"stage":"image_pull","created_at":")" + newest +
                           R"("}]})");
}

net::HttpResult metrics(int requests) {
    return answer(200,
                  "molecule_http_requests_total{path=\"/health\",status=\"200\"} " +
                      std::to_string(requests) + "\n",
                  "text/plain; version=0.0.4");
}

const net::HttpResult healthy = answer(200, R"({"status":"ok"})");

// A tenant whose redeploy was sent and whose answer was lost.
struct Scene {
    World world{"tenant-redeploy"};
    Plan plan;

    explicit Scene(const net::HttpResult& health, int requests = 500) {
        world.http.script(boot_url, {boot("2026-05-06T08:00:00Z")});
        world.http.script(orgs_url, {orgs("running")});
        world.http.script(health_url, {health});
        world.http.script(metrics_url, {metrics(requests)});
        world.http.script(post_url, {lost()});
        plan = world.planned("tenant/acme");
        REQUIRE(world.fire(plan).kind == OutcomeKind::unknown);
        world.http.seen.clear();
    }
    Took look() { return world.observe(plan).took; }
    void later(int seconds) { world.clock.value.at += std::chrono::seconds(seconds); }
};

TEST_CASE("each trace that only a redeploy leaves is a yes") {
    struct Row {
        const char* name;
        net::HttpResult before;
        std::function<void(FakeHttp&)> change;
    };
    const Row rows[] = {
        {"newer boot event", no_body(502),
         [](FakeHttp& h) { h.script(boot_url, {boot("2026-05-06T09:00:00Z")}); }},
        {"provisioning", no_body(502),
         [](FakeHttp& h) { h.script(orgs_url, {orgs("provisioning")}); }},
        {"the counter started anew", healthy,
         [](FakeHttp& h) { h.script(metrics_url, {metrics(3)}); }},
        {"it was down and is up", not_sent(), [](FakeHttp& h) { h.script(health_url, {healthy}); }},
        {"the provisioning page", no_body(502),
         [](FakeHttp& h) { h.script(health_url, {html(200)}); }},
        {"the counter alone, control plane blind", healthy,
         [](FakeHttp& h) {
             h.script(boot_url, {no_body(502)});
             h.script(metrics_url, {metrics(3)});
         }},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene(row.before);
        CHECK(scene.look() == Took::unclear);
        row.change(scene.world.http);
        const auto settled = scene.world.observe(scene.plan);
        INFO(settled.detail);
        CHECK(settled.took == Took::yes);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("no needs two looks, after the time a launch needs to phone home") {
    Scene scene(healthy);
    CHECK(scene.look() == Took::unclear);
    scene.later(119);
    CHECK(scene.look() == Took::unclear);
    CHECK(scene.look() == Took::unclear);
    scene.later(1);
    CHECK(scene.look() == Took::unclear);
    CHECK(scene.look() == Took::no);
}

TEST_CASE("a look that cannot tell starts the count anew") {
    Scene scene(healthy);
    scene.later(300);
    CHECK(scene.look() == Took::unclear);
    scene.world.http.script(boot_url, {lost()});
    CHECK(scene.look() == Took::unclear);
    scene.world.http.script(boot_url, {boot("2026-05-06T08:00:00Z")});
    CHECK(scene.look() == Took::unclear);
    CHECK(scene.look() == Took::no);
}

TEST_CASE("silence is never a no") {
    const std::function<void(Scene&)> changes[] = {
        // The tenant was dead before and still is: it may be launching.
        [](Scene& s) { s.world.http.script(health_url, {no_body(502)}); },
        [](Scene& s) { s.world.http.script(metrics_url, {no_body(500)}); },
        [](Scene& s) { s.world.http.script(boot_url, {no_body(503)}); },
        [](Scene& s) { s.world.http.script(orgs_url, {no_body(503)}); },
        [](Scene& s) { s.world.http.script(orgs_url, {orgs("stopped")}); },
        [](Scene& s) { s.world.http.script(health_url, {no_body(401)}); },
    };
    for (const auto& change : changes) {
        Scene scene(healthy);
        change(scene);
        scene.later(3600);
        for (int i = 0; i < 4; ++i) {
            CHECK(scene.look() == Took::unclear);
        }
    }
}

TEST_CASE("after a restart of ours the memory is gone: a standing tenant stays unclear") {
    Scene scene(healthy);
    auto plan = scene.plan;
    scene.later(3600);
    const auto lever = levers::LeverTable().find("tenant-redeploy");
    levers::Context context;
    context.config = borrowed(scene.world.config);
    context.http = &scene.world.http;
    context.clock = &scene.world.clock;
    context.inventory = &scene.world.inventory;
    context.secrets = borrowed(scene.world.secrets);
    for (int i = 0; i < 3; ++i) {
        const auto settled = run(lever->observe(context, plan, "i-of-another-life",
                                                scene.world.fired, net::deadline_in(Millis{5000})));
        CHECK(settled.took == Took::unclear);
    }
    // The control plane's record survives, so a boot event still tells.
    scene.world.http.script(boot_url, {boot("2026-05-06T09:30:00Z")});
    const auto settled = run(lever->observe(context, plan, "i-of-another-life", scene.world.fired,
                                            net::deadline_in(Millis{5000})));
    CHECK(settled.took == Took::yes);
}

TEST_CASE("the waiting time follows the configured propagation delay") {
    Scene scene(healthy);
    config::LeverSettings settings;
    settings.id = "tenant-redeploy";
    settings.propagation = Millis{1000};
    scene.world.config.levers = {settings};
    scene.later(2);
    CHECK(scene.look() == Took::unclear);
    CHECK(scene.look() == Took::no);
}

TEST_CASE("a redeploy has no look of its own: the tenant's health proves it") {
    Scene scene(healthy);
    CHECK_FALSE(scene.world.prove(scene.plan).has_value());
}

}  // namespace
}  // namespace leverd::test
