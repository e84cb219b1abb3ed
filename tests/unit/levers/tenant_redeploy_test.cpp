// Why: lever C acts on real machines. The wrong slug, a second POST or a wrong reading of the
// answer would each do harm; every branch is held down here.
#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

const std::string boot_url = "GET https://cp.test/cp/admin/tenants/acme/boot-events?limit=50";
const std::string orgs_url = "GET https://cp.test/cp/admin/orgs?limit=500";
const std::string post_url = "POST https://cp.test/cp/admin/orgs/acme/redeploy";
const std::string health_url = "GET https://acme.tenants.test/health";
const std::string metrics_url = "GET https://acme.tenants.test/metrics";

std::string orgs(const std::string& status, const std::string& slug = "acme") {
    return R"({"orgs":[{"id":"99999999-2222-4333-8444-555555555555","slug":"acme-2",)"
           R"("instance_status":"running"},{"id":")" +
           std::string(org_id) + R"(","slug":")" + slug + R"(","instance_status":")" + status +
           R"("}]})";
}

std::string boot(const std::string& newest = "2026-05-06T08:00:00Z",
                 const std::string& slug = "acme", const std::string& org = org_id) {
    const std::string older =
        R"({"stage":"image_pull","status":"ok","created_at":"2026-05-06T07:59:00Z"})";
    return R"({"slug":")" + slug + R"(","org_id":")" + org + R"(","events":[)" + older +
           R"(,{"stage":"wait_platform_health","status":"ok","created_at":")" + newest + R"("}]})";
}

struct Scene {
    World world{"tenant-redeploy"};
    Scene() {
        world.http.script(boot_url, {answer(200, boot())});
        world.http.script(orgs_url, {answer(200, orgs("running"))});
        world.http.script(health_url, {no_body(502)});
        world.http.script(post_url, {answer(200, R"({"ok":true})")});
    }
};

TEST_CASE("the plan is one POST for one confirmed slug") {
    Scene scene;
    const auto plan = scene.world.planned("tenant/acme");
    REQUIRE(plan.calls.size() == 1);
    CHECK(plan.calls[0].method + " " + plan.calls[0].url == post_url);
    CHECK(plan.calls[0].body.empty());
    CHECK(plan.resource == "tenant/acme");
    CHECK(plan.params.at("org_id") == org_id);
    CHECK(plan.target_version ==
          "org " + std::string(org_id) +
              "; running; boot 2026-05-06T08:00:00.000Z wait_platform_health ok");
    CHECK(plan.moves.empty());
    SECTION("the path is configuration") {
        scene.world.config.control_plane.redeploy_path = "/cp/admin/tenants/{slug}/redeploy";
        CHECK(scene.world.planned("tenant/acme").calls[0].url ==
              "https://cp.test/cp/admin/tenants/acme/redeploy");
    }
    SECTION("events of single workspaces do not make another tenant of it") {
        scene.world.http.script(
            boot_url, {answer(200, R"({"slug":"acme","org_id":")" + std::string(org_id) +
                                       R"(","events":[{"stage":"workspace_ready","status":"ok",)"
                                       R"("created_at":"2026-05-06T09:00:00Z"},{"stage":)"
                                       R"("wait_platform_health","status":"ok",)"
                                       R"("created_at":"2026-05-06T08:00:00Z"}]})")});
        CHECK(scene.world.planned("tenant/acme").target_version == plan.target_version);
    }
}

TEST_CASE("what somebody else is booting is left alone, before the plan and before the call") {
    const auto step = [](World& world, const std::string& stage, Millis ago) {
        const auto at = format_rfc3339(world.clock.value.wall - ago);
        world.http.script(boot_url,
                          {answer(200, R"({"slug":"acme","org_id":")" + std::string(org_id) +
                                           R"(","events":[{"stage":")" + stage +
                                           R"(","status":"ok","created_at":")" + at + R"("}]})")});
    };
    using std::chrono::minutes;
    Scene scene;
    step(scene.world, "image_pull", minutes(1));
    const auto early = scene.world.plan("tenant/acme");
    REQUIRE(early.has_error());
    CHECK(early.error().what == "a boot of acme is under way (image_pull, 60s ago)");
    step(scene.world, "wait_platform_health", minutes(1));
    const auto plan = scene.world.planned("tenant/acme");
    step(scene.world, "start_platform_agent", Millis{2'000});
    CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
    CHECK(scene.world.http.mutations().empty());
    step(scene.world, "image_pull", minutes(16));
    CHECK(scene.world.plan("tenant/acme").has_value());
    // Both ended within one moment, and the list has them in any order.
    const auto at = format_rfc3339(scene.world.clock.value.wall - minutes(1));
    const auto both = [&](const std::string& first, const std::string& second) {
        const auto event = [&](const std::string& stage) {
            return R"({"stage":")" + stage + R"(","status":"ok","created_at":")" + at + R"("})";
        };
        scene.world.http.script(
            boot_url,
            {answer(200, R"({"slug":"acme","org_id":")" + std::string(org_id) + R"(","events":[)" +
                             event(first) + "," + event(second) + "]}")});
        return scene.world.plan("tenant/acme").has_value();
    };
    CHECK(both("image_pull", "wait_platform_health"));
    CHECK(both("wait_platform_health", "image_pull"));
    CHECK_FALSE(both("image_pull", "start_platform_agent"));
}

TEST_CASE("no plan without the control plane's word for exactly this slug") {
    struct Row {
        const char* name;
        const char* subject;
        std::function<void(FakeHttp&)> change;
        const char* words;
    };
    const Row rows[] = {
        {"no slug", "tenant/ACME", [](FakeHttp&) {}, "not a tenant"},
        {"path in the slug", "tenant/acme/../globex", [](FakeHttp&) {}, "not a tenant"},
        {"another kind", "workspace/acme/x", [](FakeHttp&) {}, "not a tenant"},
        {"unknown for certain", "tenant/acme",
         [](FakeHttp& h) {
             h.script(boot_url, {answer(404, R"({"error":"org not found","slug":"acme"})")});
         },
         "has no tenant"},
        {"a 404 of something else", "tenant/acme",
         [](FakeHttp& h) { h.script(boot_url, {answer(404, "404 page not found", "text/plain")}); },
         "404"},
        {"boot events unreadable", "tenant/acme",
         [](FakeHttp& h) { h.script(boot_url, {answer(502, "{}")}); }, "502"},
        {"answer about another slug", "tenant/acme",
         [](FakeHttp& h) {
             h.script(boot_url, {answer(200, boot("2026-05-06T08:00:00Z", "acme-2"))});
         },
         "acme"},
        {"answer without a slug", "tenant/acme",
         [](FakeHttp& h) { h.script(boot_url, {answer(200, R"({"events":[]})")}); }, "agree"},
        {"another organisation", "tenant/acme",
         [](FakeHttp& h) {
             h.script(boot_url, {answer(200, boot("2026-05-06T08:00:00Z", "acme",
                                                  "99999999-2222-4333-8444-555555555555"))});
         },
         "agree"},
        {"not on the page", "tenant/acme",
         [](FakeHttp& h) { h.script(orgs_url, {answer(200, orgs("running", "acme-3"))}); },
         "does not show"},
        {"list unreadable", "tenant/acme", [](FakeHttp& h) { h.script(orgs_url, {html(200)}); },
         "orgs"},
        {"provisioning", "tenant/acme",
         [](FakeHttp& h) { h.script(orgs_url, {answer(200, orgs("provisioning"))}); },
         "not running"},
        {"stopped", "tenant/acme",
         [](FakeHttp& h) { h.script(orgs_url, {answer(200, orgs("stopped"))}); }, "not running"},
        {"control plane unreachable", "tenant/acme",
         [](FakeHttp& h) { h.script(boot_url, {not_sent()}); }, "refused"},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        row.change(scene.world.http);
        const auto plan = scene.world.plan(row.subject);
        REQUIRE(plan.has_error());
        INFO(plan.error().what);
        CHECK(plan.error().what.find(row.words) != std::string::npos);
        check_no_token(plan.error().what + plan.error().hint);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("no plan without an admin token") {
    Scene scene;
    scene.world.secrets.clear();
    CHECK(scene.world.plan("tenant/acme").has_error());
    CHECK(scene.world.http.seen.empty());
}

TEST_CASE("firing re-reads, then sends exactly the planned POST") {
    Scene scene;
    const auto plan = scene.world.planned("tenant/acme");
    const auto outcome = scene.world.fire(plan);
    CHECK(outcome.kind == OutcomeKind::accepted);
    CHECK(scene.world.http.calls() ==
          std::vector<std::string>{boot_url, orgs_url, health_url, post_url});
    const auto* post = scene.world.http.find(post_url);
    REQUIRE(post != nullptr);
    CHECK(post->method == plan.calls[0].method);
    CHECK(post->url == plan.calls[0].url);
    CHECK(post->body == plan.calls[0].body);
    REQUIRE(post->bearer.has_value());
    CHECK(post->bearer->reveal() == cp_token);
    const auto* health = scene.world.http.find(health_url);
    REQUIRE(health != nullptr);
    CHECK_FALSE(health->bearer.has_value());
}

TEST_CASE("firing is refused when the world moved since the plan") {
    struct Row {
        const char* name;
        std::function<void(World&, Plan&)> change;
    };
    const Row rows[] = {
        {"newer boot",
         [](World& w, Plan&) {
             w.http.script(boot_url, {answer(200, boot("2026-05-06T09:00:00Z"))});
         }},
        {"provisioning",
         [](World& w, Plan&) { w.http.script(orgs_url, {answer(200, orgs("provisioning"))}); }},
        {"another organisation has the slug",
         [](World& w, Plan&) {
             const std::string other = "77777777-2222-4333-8444-555555555555";
             auto list = orgs("running");
             list.replace(list.find(org_id), other.size(), other);
             w.http.script(orgs_url, {answer(200, list)});
             w.http.script(boot_url, {answer(200, boot("2026-05-06T08:00:00Z", "acme", other))});
         }},
        {"control plane down", [](World& w, Plan&) { w.http.script(boot_url, {lost()}); }},
        {"another path is configured",
         [](World& w, Plan&) {
             w.config.control_plane.redeploy_path = "/cp/admin/tenants/{slug}/redeploy";
         }},
        {"another host is configured",
         [](World& w, Plan&) { w.config.control_plane.url = "https://other.test"; }},
        {"the plan is about another tenant",
         [](World&, Plan& p) { p.subject = Subject("tenant/acme-2"); }},
        {"the plan has a second call", [](World&, Plan& p) { p.calls.push_back(p.calls[0]); }},
        {"the plan has none", [](World&, Plan& p) { p.calls.clear(); }},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        auto plan = scene.world.planned("tenant/acme");
        row.change(scene.world, plan);
        CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("every answer to the POST is judged once and never repeated") {
    struct Row {
        const char* name;
        net::HttpResult reply;
        OutcomeKind kind;
    };
    const Row rows[] = {
        {"200 ok", answer(200, R"({"ok":true})"), OutcomeKind::accepted},
        {"200 without a body", no_body(200), OutcomeKind::accepted},
        {"202", answer(202, "{}"), OutcomeKind::accepted},
        {"200 with good rows",
         answer(200, R"({"ok":true,"results":[{"slug":"acme","ssm_status":"Success",)"
                     R"("ssm_exit_code":0,"healthz_ok":true,"error":""}]})"),
         OutcomeKind::accepted},
        {"another slug's row failed",
         answer(200, R"({"ok":true,"results":[{"slug":"globex","error":"x"}]})"),
         OutcomeKind::accepted},
        {"ok false", answer(200, R"({"ok":false})"), OutcomeKind::failed},
        {"row error", answer(200, R"({"ok":true,"results":[{"slug":"acme","error":"no ssm"}]})"),
         OutcomeKind::failed},
        {"row exit code", answer(200, R"({"results":[{"ssm_exit_code":1}]})"), OutcomeKind::failed},
        {"row ssm status", answer(200, R"({"results":[{"ssm_status":"TimedOut"}]})"),
         OutcomeKind::failed},
        {"a dry run did nothing", answer(200, R"({"results":[{"ssm_status":"DryRun"}]})"),
         OutcomeKind::failed},
        {"row not healthy", answer(200, R"({"results":[{"healthz_ok":false}]})"),
         OutcomeKind::failed},
        {"a page instead of the control plane", html(200), OutcomeKind::unknown},
        {"odd json", answer(200, R"([1,{"ok":false}])"), OutcomeKind::accepted},
        {"302", no_body(302), OutcomeKind::failed},
        {"400", answer(400, R"({"error":"no"})"), OutcomeKind::failed},
        {"401", answer(401, "{}"), OutcomeKind::failed},
        {"404", answer(404, "404 page not found", "text/plain"), OutcomeKind::failed},
        {"409", answer(409, "{}"), OutcomeKind::failed},
        {"429", answer(429, "{}"), OutcomeKind::failed},
        {"408", answer(408, "{}"), OutcomeKind::unknown},
        {"500", answer(500, "{}"), OutcomeKind::unknown},
        {"504", html(504), OutcomeKind::unknown},
        {"lost", lost(), OutcomeKind::unknown},
        {"not sent", not_sent(), OutcomeKind::failed},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        const auto plan = scene.world.planned("tenant/acme");
        scene.world.http.script(post_url, {row.reply});
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == row.kind);
        CHECK(scene.world.http.mutations() == std::vector<std::string>{post_url});
        CHECK(outcome.detail.size() <= 1024);
        if (std::string(row.name) == "not sent") {
            CHECK(outcome.detail.find("nothing was sent") != std::string::npos);
        }
    }
}

TEST_CASE("false success C: 200 with ok=false is a failure, whatever its rows say") {
    Scene scene;
    const auto plan = scene.world.planned("tenant/acme");
    scene.world.http.script(
        post_url, {answer(200, R"({"ok":false,"results":[{"slug":"acme","ssm_status":"Success",)"
                               R"("ssm_exit_code":0,"healthz_ok":true,"error":""}]})")});
    CHECK(scene.world.fire(plan).kind == OutcomeKind::failed);
}

TEST_CASE("false success C: the edge's splash page with 200 is nobody's yes") {
    Scene scene;
    const auto plan = scene.world.planned("tenant/acme");
    scene.world.http.script(post_url, {html(200)});
    CHECK(scene.world.fire(plan).kind == OutcomeKind::unknown);
    scene.world.http.script(health_url, {html(200)});
    CHECK(scene.world.observe(plan).took != Took::no);
}

TEST_CASE("an answer that echoes the credential does not get it recorded") {
    Scene scene;
    const auto plan = scene.world.planned("tenant/acme");
    scene.world.http.script(
        post_url,
        {answer(500, std::string("{\"error\":\"Authorization: Bearer ") + cp_token + "\"}")});
    CHECK(scene.world.fire(plan).kind == OutcomeKind::unknown);
}

}  // namespace
}  // namespace leverd::test
