// Why: one call that can take down every tenant there is. The exact bytes, the tenants that are
// left alone, and each half-way end are held down here.
#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

constexpr const char* first = "molecule-ai/platform";
constexpr const char* second = "molecule-ai/platform-tenant";
constexpr const char* other_org = "99999999-2222-4333-8444-555555555555";
constexpr const char* third_org = "88888888-2222-4333-8444-555555555555";
const std::string orgs_url = "GET https://cp.test/cp/admin/orgs?limit=500";
const std::string post_url = "POST https://cp.test/cp/admin/tenants/redeploy-fleet";
constexpr const char* dry_bytes =
    R"({"batch_size":3,"canary_slug":"acme","dry_run":true,"only_slugs":["acme","globex"],)"
    R"("soak_seconds":60,"target_tag":"staging-bbbbbbb"})";
constexpr const char* real_bytes =
    R"({"batch_size":3,"canary_slug":"acme","dry_run":false,"only_slugs":["acme","globex"],)"
    R"("soak_seconds":60,"target_tag":"staging-bbbbbbb"})";

std::string boot_url(const std::string& slug) {
    return "GET https://cp.test/cp/admin/tenants/" + slug + "/boot-events?limit=50";
}
std::string health_url(const std::string& slug) {
    return "GET https://" + slug + ".tenants.test/health";
}

std::string row(const std::string& slug, const std::string& status, bool healthz = true) {
    return R"({"slug":")" + slug + R"(","phase":"redeploy","ssm_status":")" + status +
           R"(","ssm_exit_code":0,"healthz_ok":)" + (healthz ? "true" : "false") +
           R"(,"error":""})";
}
net::HttpResult rows(bool ok, const std::string& list) {
    return answer(
        200, std::string(R"({"ok":)") + (ok ? "true" : "false") + R"(,"results":[)" + list + "]}");
}
const std::string dry_rows = row("acme", "DryRun") + "," + row("globex", "DryRun");
const std::string good_rows = row("acme", "Success") + "," + row("globex", "Success");

// acme and globex are down, hooli works; :latest is staging-bbbbbbb in both repositories.
struct Scene {
    World world{"fleet-redeploy", nullptr};

    Scene() {
        for (const char* name : {"staging-aaaaaaa", "staging-bbbbbbb"}) {
            for (const char* repo : {first, second}) {
                const auto digest =
                    world.registry.image(repo, std::string(repo) + name, "2026-05-01T00:00:00Z");
                world.registry.tags[std::string(repo) + ":" + name] = digest;
                world.registry.tags[std::string(repo) + ":latest"] = digest;
            }
        }
        list("running");
        tenant("acme", org_id, "2026-05-06T08:00:00Z", no_body(502));
        tenant("globex", other_org, "2026-05-06T08:00:00Z", no_body(502));
        tenant("hooli", third_org, "2026-05-06T08:00:00Z", answer(200, R"({"status":"ok"})"));
        world.http.script(post_url, {rows(true, dry_rows), rows(true, good_rows)});
    }
    void list(const std::string& globex) {
        const auto org = [](const char* slug, const char* id, const std::string& status) {
            return std::string(R"({"id":")") + id + R"(","slug":")" + slug +
                   R"(","instance_status":")" + status + R"("})";
        };
        world.http.script(orgs_url,
                          {answer(200, R"({"orgs":[)" + org("hooli", third_org, "running") + "," +
                                           org("globex", other_org, globex) + "," +
                                           org("acme", org_id, "running") + "]}")});
    }
    void tenant(const std::string& slug, const std::string& org, const std::string& newest,
                const net::HttpResult& health) {
        world.http.script(boot_url(slug),
                          {answer(200, R"({"slug":")" + slug + R"(","org_id":")" + org +
                                           R"(","events":[{"stage":"image_pull","status":"ok",)" +
                                           R"("created_at":")" + newest + R"("}]})")});
        world.http.script(health_url(slug), {health});
    }
    void replies(const net::HttpResult& dry, const net::HttpResult& real) {
        world.http.script(post_url, {dry, real});
    }
};

TEST_CASE("the fleet plan names the tenants that are down, the tag, and both exact calls") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    REQUIRE(plan.calls.size() == 2);
    for (const auto& call : plan.calls) {
        CHECK(call.method + " " + call.url == post_url);
    }
    CHECK(plan.calls[0].body == dry_bytes);
    CHECK(plan.calls[1].body == real_bytes);
    CHECK(plan.params.at("slugs") == "acme globex");
    CHECK(plan.resource == "platform");
    CHECK(scene.world.http.mutations().empty());
}

TEST_CASE(
    "no fleet plan for other subjects, without a tag that stands still, or with nobody down") {
    Scene scene;
    CHECK(scene.world.plan("tenant/acme").has_error());
    scene.list("running");
    scene.tenant("acme", org_id, "2026-05-06T08:00:00Z", answer(200, R"({"status":"ok"})"));
    scene.list("stopped");
    const auto well = scene.world.plan("platform");
    REQUIRE(well.has_error());
    CHECK(well.error().what.find("no running tenant is down") != std::string::npos);
    Scene moved;
    moved.world.registry.tags[std::string(first) + ":latest"] =
        moved.world.registry.image(first, "untagged", "2026-05-03T00:00:00Z");
    const auto plan = moved.world.plan("platform");
    REQUIRE(plan.has_error());
    CHECK(plan.error().what.find("no common staging tag names") != std::string::npos);
}

TEST_CASE("C fleet: a dry run, then the one call, with exactly the planned bytes") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    CHECK(scene.world.fire(plan).kind == OutcomeKind::accepted);
    std::vector<std::string> bodies;
    for (const auto& request : scene.world.http.seen) {
        if (request.method == "POST") {
            bodies.push_back(request.body);
            CHECK(header_of(request, "Content-Type") == "application/json");
            REQUIRE(request.bearer.has_value());
            CHECK(request.bearer->reveal() == cp_token);
        }
    }
    CHECK(bodies == std::vector<std::string>{dry_bytes, real_bytes});
}

TEST_CASE("C fleet: a control plane whose dry run names anybody else gets no second call") {
    struct Row {
        const char* name;
        net::HttpResult dry;
        OutcomeKind kind;
    };
    const Row table[] = {
        {"it ignores only_slugs", rows(true, dry_rows + "," + row("hooli", "DryRun")),
         OutcomeKind::refused},
        {"one is missing", rows(true, row("acme", "DryRun")), OutcomeKind::refused},
        {"no rows", rows(true, ""), OutcomeKind::refused},
        {"a row twice", rows(true, dry_rows + "," + row("acme", "DryRun")), OutcomeKind::refused},
        {"it says no", rows(false, dry_rows), OutcomeKind::refused},
        {"it ignores dry_run", rows(true, good_rows), OutcomeKind::unknown},
        {"a page", html(200), OutcomeKind::unknown},
        {"400", answer(400, R"({"error":"confirm"})"), OutcomeKind::refused},
        {"502 of the edge", html(502), OutcomeKind::unknown},
        {"lost", lost(), OutcomeKind::unknown},
        {"not sent", not_sent(), OutcomeKind::refused},
    };
    for (const auto& one : table) {
        INFO(one.name);
        Scene scene;
        const auto plan = scene.world.planned("platform");
        scene.replies(one.dry, rows(true, good_rows));
        CHECK(scene.world.fire(plan).kind == one.kind);
        CHECK(scene.world.http.mutations() == std::vector<std::string>{post_url});
    }
}

TEST_CASE("C fleet: every answer is judged by its rows, once") {
    struct Row {
        const char* name;
        net::HttpResult real;
        OutcomeKind kind;
    };
    const Row table[] = {
        {"all good", rows(true, good_rows), OutcomeKind::accepted},
        {"200 with ok=false and all rows bad",
         rows(false, row("acme", "Failed") + "," + row("globex", "Failed")), OutcomeKind::failed},
        {"200 with ok=false and good rows", rows(false, good_rows), OutcomeKind::unknown},
        {"half of it", rows(false, row("acme", "Success") + "," + row("globex", "Failed")),
         OutcomeKind::unknown},
        {"ok=true over a bad row",
         rows(true, row("acme", "Success") + "," + row("globex", "", false)), OutcomeKind::unknown},
        {"a row is missing", rows(true, row("acme", "Success")), OutcomeKind::unknown},
        {"no rows at all", answer(200, R"({"ok":true})"), OutcomeKind::unknown},
        {"the splash page", html(200), OutcomeKind::unknown},
        {"400", answer(400, "{}"), OutcomeKind::failed},
        {"504 from the edge", html(504), OutcomeKind::unknown},
        {"lost", lost(), OutcomeKind::unknown},
        {"not sent", not_sent(), OutcomeKind::failed},
    };
    for (const auto& one : table) {
        INFO(one.name);
        Scene scene;
        const auto plan = scene.world.planned("platform");
        scene.replies(rows(true, dry_rows), one.real);
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == one.kind);
        CHECK(scene.world.http.mutations() == std::vector<std::string>{post_url, post_url});
    }
}

TEST_CASE("the fleet call is refused when anything moved since the plan") {
    struct Row {
        const char* name;
        std::function<void(Scene&, Plan&)> change;
    };
    const Row table[] = {
        {"a tenant came up",
         [](Scene& s, Plan&) {
             s.tenant("globex", other_org, "2026-05-06T08:00:00Z",
                      answer(200, R"({"status":"ok"})"));
         }},
        {"a tenant is starting",
         [](Scene& s, Plan&) { s.tenant("globex", other_org, "2026-05-06T08:00:00Z", html(404)); }},
        {"a tenant cannot be judged any more",
         [](Scene& s, Plan&) {
             s.tenant("globex", other_org, "2026-05-06T08:00:00Z", answer(403, "{}"));
         }},
        {"a tenant booted anew",
         [](Scene& s, Plan&) {
             s.tenant("globex", other_org, "2026-05-06T09:00:00Z", no_body(502));
         }},
        {"a tenant was stopped", [](Scene& s, Plan&) { s.list("stopped"); }},
        {":latest moved",
         [](Scene& s, Plan&) {
             for (const char* repo : {first, second}) {
                 s.world.registry.tags[std::string(repo) + ":latest"] =
                     s.world.registry.tags[std::string(repo) + ":staging-aaaaaaa"];
             }
         }},
        {"another control plane",
         [](Scene& s, Plan&) { s.world.config.control_plane.url = "https://other.test"; }},
        {"a slug more in the call", [](Scene&, Plan& p) { p.calls[1].body.replace(0, 1, "{ "); }},
        {"a slug more in the plan", [](Scene&, Plan& p) { p.params["slugs"] += " hooli"; }},
        {"no slugs", [](Scene&, Plan& p) { p.params["slugs"].clear(); }},
    };
    for (const auto& one : table) {
        INFO(one.name);
        Scene scene;
        auto plan = scene.world.planned("platform");
        one.change(scene, plan);
        CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("an ambiguous fleet call is settled slug by slug, without a call") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    scene.replies(rows(true, dry_rows), lost());
    CHECK(scene.world.fire(plan).kind == OutcomeKind::unknown);
    scene.world.http.seen.clear();
    CHECK(scene.world.observe(plan).took == Took::unclear);
    scene.tenant("acme", org_id, "2026-05-06T09:00:00Z", no_body(502));
    const auto half = scene.world.observe(plan);
    CHECK(half.took == Took::unclear);
    CHECK(half.detail.find("1 of 2") != std::string::npos);
    scene.tenant("globex", other_org, "2026-05-06T09:00:00Z", no_body(502));
    CHECK(scene.world.observe(plan).took == Took::yes);
    CHECK(scene.world.http.mutations().empty());
}

TEST_CASE("C fleet: an old container that answers, or the splash page, proves nothing") {
    const auto healthy = answer(200, R"({"status":"ok"})");
    Scene scene;
    const auto plan = scene.world.planned("platform");
    scene.tenant("acme", org_id, "2026-05-06T09:00:00Z", healthy);
    scene.tenant("globex", other_org, "2026-05-06T08:00:00Z", healthy);
    CHECK(scene.world.prove(plan)->health == Health::unknown);
    scene.tenant("globex", other_org, "2026-05-06T09:00:00Z", html(200));
    CHECK(scene.world.prove(plan)->health == Health::failing);
    scene.tenant("globex", other_org, "2026-05-06T09:00:00Z", healthy);
    CHECK(scene.world.prove(plan)->health == Health::healthy);
}

}  // namespace
}  // namespace leverd::test
