// Why: between stop and start a tenant is down because of us. Each call goes out at most once, the
// start follows every stop that took, and what nobody knows is said in words that get it mended.
#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

const std::string boot_url = "GET https://cp.test/cp/admin/tenants/acme/boot-events?limit=50";
const std::string orgs_url = "GET https://cp.test/cp/admin/orgs?limit=500";
const std::string stop_url = "POST https://cp.test/cp/admin/tenants/acme/stop";
const std::string start_url = "POST https://cp.test/cp/admin/tenants/acme/start";
const std::string health_url = "GET https://acme.tenants.test/health";
const std::string metrics_url = "GET https://acme.tenants.test/metrics";

net::HttpResult orgs(const std::string& status) {
    return answer(200, R"({"orgs":[{"id":")" + std::string(org_id) +
                           R"(","slug":"acme","instance_status":")" + status + R"("}]})");
}

net::HttpResult boot(const std::string& newest = "2026-05-06T08:00:00Z") {
    return answer(200, R"({"slug":"acme","org_id":")" + std::string(org_id) +
                           R"(","events":[{"stage":"image_pull","created_at":")" + newest +
                           R"("}]})");
}

const net::HttpResult ok = answer(200, R"({"ok":true})");

struct Scene {
    World world{"tenant-restart"};

    Scene() {
        config::LeverSettings pace;
        pace.id = "tenant-restart";
        pace.timeout = Millis{400};
        pace.prove_every = Millis{1};
        world.config.levers = {pace};
        world.http.script(boot_url, {boot()});
        world.http.script(orgs_url, {orgs("running")});
        world.http.script(health_url, {no_body(502)});
        world.http.script(stop_url, {ok});
        world.http.script(start_url, {ok});
    }
    Plan planned() { return world.planned("tenant/acme"); }
    // Read before the calls; then what the control plane says, one look after the other.
    void says(std::vector<net::HttpResult> later) {
        later.insert(later.begin(), orgs("running"));
        world.http.script(orgs_url, std::move(later));
    }
    std::vector<std::string> sent() const { return world.http.mutations(); }
    // fire() with the time that the configuration gives it.
    Outcome fire(const Plan& plan) {
        levers::Context context;
        context.config = borrowed(world.config);
        context.http = &world.http;
        context.clock = &world.clock;
        context.inventory = &world.inventory;
        context.secrets = borrowed(world.secrets);
        context.leaving = &world.leaving;
        auto* lever = world.lever();
        auto outcome = run(lever->fire(context, plan, intent_id,
                                       net::deadline_in(levers::call_time(world.config, *lever))));
        check_no_token(outcome);
        CHECK(outcome.intent == intent_id);
        return outcome;
    }
};

const std::vector<std::string> both{stop_url, start_url};
const std::vector<std::string> only_stop{stop_url};

TEST_CASE("the plan shows both calls and says that the tenant is down between them") {
    Scene scene;
    const auto plan = scene.planned();
    REQUIRE(plan.calls.size() == 2);
    CHECK(plan.calls[0].method + " " + plan.calls[0].url == stop_url);
    CHECK(plan.calls[1].method + " " + plan.calls[1].url == start_url);
    CHECK(plan.resource == "tenant/acme");
    CHECK(plan.target_version ==
          "org " + std::string(org_id) + "; running; boot 2026-05-06T08:00:00.000Z image_pull ");
    REQUIRE_FALSE(plan.warnings.empty());
    CHECK(plan.warnings[0].find("down for everybody") != std::string::npos);
}

TEST_CASE("no plan for a tenant that is not running or not known for certain") {
    struct Row {
        const char* name;
        const char* subject;
        std::function<void(FakeHttp&)> change;
        const char* words;
    };
    const Row rows[] = {
        {"no slug", "tenant/ACME", [](FakeHttp&) {}, "not a tenant"},
        {"path in the slug", "tenant/acme/../b", [](FakeHttp&) {}, "not a tenant"},
        {"stopped", "tenant/acme", [](FakeHttp& h) { h.script(orgs_url, {orgs("stopped")}); },
         "not running"},
        {"provisioning", "tenant/acme",
         [](FakeHttp& h) { h.script(orgs_url, {orgs("provisioning")}); }, "not running"},
        {"no such tenant", "tenant/acme",
         [](FakeHttp& h) {
             h.script(boot_url, {answer(404, R"({"error":"org not found","slug":"acme"})")});
         },
         "has no tenant"},
        {"control plane down", "tenant/acme",
         [](FakeHttp& h) { h.script(boot_url, {no_body(502)}); }, "502"},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        row.change(scene.world.http);
        const auto plan = scene.world.plan(row.subject);
        REQUIRE(plan.has_error());
        INFO(plan.error().what);
        CHECK(plan.error().what.find(row.words) != std::string::npos);
        CHECK(scene.sent().empty());
    }
}

TEST_CASE("stop, wait for stopped, start, wait for running: one POST each, with the token") {
    Scene scene;
    const auto plan = scene.planned();
    scene.says({orgs("running"), orgs("stopping"), no_body(502), orgs("stopped"),
                orgs("provisioning"), orgs("running")});
    const auto outcome = scene.fire(plan);
    INFO(outcome.detail);
    CHECK(outcome.kind == OutcomeKind::accepted);
    CHECK(scene.sent() == both);
    REQUIRE(scene.world.http.find(start_url) != nullptr);
    CHECK(scene.world.http.find(start_url)->bearer->reveal() == cp_token);
    CHECK(outcome.detail.find("now the control plane says running") != std::string::npos);
    // The start came after the look that said stopped.
    const auto calls = scene.world.http.calls();
    const auto start = std::find(calls.begin(), calls.end(), start_url);
    CHECK(std::count(calls.begin(), start, orgs_url) == 5);
}

TEST_CASE("no stop is sent when the world moved since the plan") {
    struct Row {
        const char* name;
        std::function<void(World&, Plan&)> change;
    };
    const Row rows[] = {
        {"newer boot",
         [](World& w, Plan&) { w.http.script(boot_url, {boot("2026-05-06T09:00:00Z")}); }},
        {"stopped meanwhile", [](World& w, Plan&) { w.http.script(orgs_url, {orgs("stopped")}); }},
        {"control plane down", [](World& w, Plan&) { w.http.script(boot_url, {lost()}); }},
        {"another host", [](World& w, Plan&) { w.config.control_plane.url = "https://x.test"; }},
        {"another tenant", [](World&, Plan& p) { p.subject = Subject("tenant/acme-2"); }},
        {"one call less", [](World&, Plan& p) { p.calls.pop_back(); }},
        {"calls exchanged", [](World&, Plan& p) { std::swap(p.calls[0], p.calls[1]); }},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        auto plan = scene.planned();
        row.change(scene.world, plan);
        CHECK(scene.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.sent().empty());
    }
}

struct End {
    const char* name;
    std::function<void(Scene&)> change;
    OutcomeKind kind;
    std::vector<std::string> sent;
    const char* words;
};

const End ends[] = {
    {"stop refused", [](Scene& s) { s.world.http.script(stop_url, {answer(409, "{}")}); },
     OutcomeKind::failed, only_stop, "stop:"},
    {"stop says ok false",
     [](Scene& s) { s.world.http.script(stop_url, {answer(200, R"({"ok":false})")}); },
     OutcomeKind::failed, only_stop, "stop:"},
    {"stop not sent", [](Scene& s) { s.world.http.script(stop_url, {not_sent()}); },
     OutcomeKind::failed, only_stop, "nothing was sent"},
    {"stop lost, but it took",
     [](Scene& s) {
         s.world.http.script(stop_url, {lost()});
         s.says({orgs("running"), orgs("stopped"), orgs("running")});
     },
     OutcomeKind::accepted, both, "stopped and started"},
    {"stop answered 504, but it took",
     [](Scene& s) {
         s.world.http.script(stop_url, {html(504)});
         s.says({orgs("stopped"), orgs("running")});
     },
     OutcomeKind::accepted, both, "stopped and started"},
    {"stop answered by a page",
     [](Scene& s) {
         s.world.http.script(stop_url, {html(200)});
         s.says({orgs("stopped"), orgs("running")});
     },
     OutcomeKind::accepted, both, "stopped and started"},
    {"stop lost and never seen", [](Scene& s) { s.world.http.script(stop_url, {lost()}); },
     OutcomeKind::unknown, only_stop, "the start was not sent"},
    {"stop accepted and never seen: the start follows all the same", [](Scene&) {},
     OutcomeKind::accepted, both, "never showed"},
    {"stop accepted and never seen, and the start is refused",
     [](Scene& s) { s.world.http.script(start_url, {answer(409, "{}")}); }, OutcomeKind::unknown,
     both, "said running: start it by hand as soon as it is stopped"},
    {"start refused",
     [](Scene& s) {
         s.says({orgs("stopped")});
         s.world.http.script(start_url, {answer(409, "{}")});
     },
     OutcomeKind::unknown, both, "start it by hand NOW"},
    {"start says ok false",
     [](Scene& s) {
         s.says({orgs("stopped")});
         s.world.http.script(start_url, {answer(200, R"({"ok":false})")});
     },
     OutcomeKind::unknown, both, "start it by hand NOW"},
    {"start lost, still stopped",
     [](Scene& s) {
         s.says({orgs("stopped")});
         s.world.http.script(start_url, {lost()});
     },
     OutcomeKind::unknown, both, "nobody knows what became of the start"},
    {"start lost, and it boots",
     [](Scene& s) {
         s.says({orgs("stopped"), orgs("provisioning")});
         s.world.http.script(start_url, {lost()});
     },
     OutcomeKind::accepted, both, "says provisioning"},
    {"start accepted, never up", [](Scene& s) { s.says({orgs("stopped"), orgs("provisioning")}); },
     OutcomeKind::accepted, both, "says provisioning"},
};

TEST_CASE("every end of the two calls is judged once, and neither call is repeated") {
    for (const auto& end : ends) {
        INFO(end.name);
        Scene scene;
        const auto plan = scene.planned();
        end.change(scene);
        const auto outcome = scene.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == end.kind);
        CHECK(scene.sent() == end.sent);
        CHECK(outcome.detail.find(end.words) != std::string::npos);
    }
}

TEST_CASE("a start that for certain was not sent is tried on: the tenant is down") {
    Scene scene;
    const auto plan = scene.planned();
    scene.says({orgs("stopped"), orgs("running")});
    scene.world.http.script(start_url, {not_sent(), not_sent(), ok});
    CHECK(scene.fire(plan).kind == OutcomeKind::accepted);
    CHECK(scene.sent() == std::vector<std::string>{stop_url, start_url, start_url, start_url});
}

TEST_CASE("a look after an ambiguous end tells started, untouched and stopped apart") {
    Scene scene;
    const auto plan = scene.planned();
    scene.world.http.script(health_url, {answer(200, R"({"status":"ok"})")});
    scene.world.http.script(metrics_url,
                            {answer(200, "molecule_http_requests_total 500\n", "text/plain")});
    scene.world.http.script(stop_url, {lost()});
    REQUIRE(scene.fire(plan).kind == OutcomeKind::unknown);
    scene.world.clock.value.at += std::chrono::minutes(5);
    SECTION("stopped: a person must start it, however long it takes") {
        scene.world.http.script(orgs_url, {orgs("stopped")});
        for (int i = 0; i < 3; ++i) {
            const auto settled = scene.world.observe(plan);
            CHECK(settled.took == Took::unclear);
            CHECK(settled.detail.find("start the tenant by hand") != std::string::npos);
        }
    }
    SECTION("its counter began anew: yes") {
        scene.world.http.script(metrics_url,
                                {answer(200, "molecule_http_requests_total 3\n", "text/plain")});
        CHECK(scene.world.observe(plan).took == Took::yes);
    }
    SECTION("the same process, twice: no") {
        CHECK(scene.world.observe(plan).took == Took::unclear);
        CHECK(scene.world.observe(plan).took == Took::no);
    }
    CHECK(scene.sent() == only_stop);
}

TEST_CASE("it has no look of its own: the tenant's health proves it") {
    Scene scene;
    CHECK_FALSE(scene.world.prove(scene.planned()).has_value());
}

}  // namespace
}  // namespace leverd::test
