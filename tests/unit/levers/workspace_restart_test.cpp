// Why: a restart answers 200 also when the old machine lives on. Only an agent that began anew and
// answers cleanly since then is a success, and a second POST would launch a second machine.
#include "tests/unit/levers/workspace_scene.hpp"

namespace leverd::test {
namespace {

const std::string restart_call = "POST " + base + "/workspaces/" + old_id + "/restart";
const std::string rows_call =
    "GET " + base + "/workspaces/" + old_id + "/activity?type=a2a_receive&limit=50";

nlohmann::json up_for(double seconds, const std::string& status = "online") {
    auto made = row(old_id, "Reporter", status);
    made["uptime_seconds"] = seconds;
    return made;
}

struct Scene {
    World world{"workspace-restart"};

    Scene() {
        config::LeverSettings settings;
        settings.id = "workspace-restart";
        settings.keeps_token = true;
        world.config.levers.push_back(settings);
        list(up_for(500));
        world.http.script(restart_call,
                          {answer(200, R"({"status":"provisioning","config_dir":"/c",)"
                                       R"("reset_session":false})")});
        activity("ok", "Done.");
    }
    void list(const nlohmann::json& about) {
        const std::vector<nlohmann::json> all{about, row(neighbour_id, "Helper")};
        world.http.script(list_call, {rows(all)});
    }
    // One answer, five seconds before the look.
    void activity(const std::string& status, const std::string& text, int seconds_ago = 5) {
        const auto at = format_rfc3339(world.clock.value.wall - std::chrono::seconds(seconds_ago));
        world.http.script(rows_call,
                          {answer(200, R"([{"id":"r1","activity_type":"a2a_receive","status":")" +
                                           status + R"(","created_at":")" + at +
                                           R"(","response_body":{"result":{"parts":[{"text":")" +
                                           text + R"("}]}}}])")});
    }
    void later(int seconds) {
        world.clock.value.at += std::chrono::seconds(seconds);
        world.clock.value.wall += std::chrono::seconds(seconds);
    }
};

TEST_CASE("without word that the build lets a restarted agent come back there is no restart") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    scene.world.config.levers.back().keeps_token = false;
    const auto refused = scene.world.plan(subject);
    REQUIRE(refused.has_error());
    CHECK(refused.error().what.find("locked out for ever") != std::string::npos);
    CHECK(refused.error().hint.find("keeps_token = true") != std::string::npos);
    CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
    scene.world.config.levers.clear();
    CHECK(scene.world.plan(subject).has_error());
    CHECK(scene.world.http.mutations().empty());
}

TEST_CASE("a restart that the platform does not do is told as one that did nothing") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    scene.world.http.script(restart_call, {answer(200, R"({"status":"noop"})")});
    const auto outcome = scene.world.fire(plan);
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(outcome.detail.find("does not restart workspaces of this kind") != std::string::npos);
}

TEST_CASE("the plan is one POST for one listed workspace, and the same one every time") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    REQUIRE(plan.calls.size() == 1);
    CHECK(plan.calls[0].method + " " + plan.calls[0].url == restart_call);
    CHECK(plan.calls[0].body.empty());
    CHECK(plan.resource == subject);
    CHECK(plan.target_version == old_id + " up");
    CHECK(plan.params.at("name") == "Reporter");
    // An approval is bound to it: uptime, load and online-or-degraded must not change it.
    scene.list(up_for(777, "degraded"));
    CHECK(scene.world.planned(subject) == plan);
}

TEST_CASE("no plan for a workspace that a restart would not or must not touch") {
    struct Row {
        const char* name;
        std::function<void(Scene&)> change;
        const char* words;
    };
    const Row rows_[] = {
        {"not listed", [](Scene& s) { s.world.http.script(list_call, {rows({})}); }, "not in the"},
        {"list unreadable", [](Scene& s) { s.world.http.script(list_call, {no_body(502)}); },
         "list of workspaces"},
        {"booting", [](Scene& s) { s.list(up_for(0, "provisioning")); }, "booting"},
        {"paused", [](Scene& s) { s.list(up_for(9, "paused")); }, "put it to sleep"},
        {"hibernated", [](Scene& s) { s.list(up_for(9, "hibernated")); }, "put it to sleep"},
        {"removed", [](Scene& s) { s.list(up_for(9, "removed")); }, "its status"},
        {"a status nobody knows", [](Scene& s) { s.list(up_for(9, "dreaming")); }, "its status"},
        {"external",
         [](Scene& s) {
             auto one = up_for(9);
             one["runtime"] = "external";
             s.list(one);
         },
         "outside the platform"},
        {"no uptime",
         [](Scene& s) {
             auto one = up_for(9);
             one.erase("uptime_seconds");
             s.list(one);
         },
         "uptime"},
        {"uptime zero while online", [](Scene& s) { s.list(up_for(0)); }, "uptime"},
        {"absurd uptime", [](Scene& s) { s.list(up_for(1e300)); }, "uptime"},
        {"paused parent",
         [](Scene& s) {
             auto one = up_for(9);
             one["parent_id"] = neighbour_id;
             const std::vector<nlohmann::json> all{one, row(neighbour_id, "Helper", "paused")};
             s.world.http.script(list_call, {rows(all)});
         },
         "parent is paused"},
    };
    for (const auto& one : rows_) {
        INFO(one.name);
        Scene scene;
        one.change(scene);
        const auto plan = scene.world.plan(subject);
        REQUIRE(plan.has_error());
        INFO(plan.error().what);
        CHECK(plan.error().what.find(one.words) != std::string::npos);
        check_no_token(plan.error().what + plan.error().hint);
        CHECK(scene.world.http.mutations().empty());
    }
    Scene scene;
    CHECK(scene.world.plan("workspace/acme/../x").has_error());
    CHECK(scene.world.plan("tenant/acme").has_error());
}

TEST_CASE("every answer to the restart is judged once and never repeated") {
    struct Row {
        const char* name;
        net::HttpResult reply;
        OutcomeKind kind;
    };
    const Row rows_[] = {
        {"provisioning", answer(200, R"({"status":"provisioning"})"), OutcomeKind::accepted},
        {"200 of something else", answer(200, "{}"), OutcomeKind::unknown},
        {"a page", html(200), OutcomeKind::unknown},
        {"unknown id", answer(404, R"({"error":"workspace not found"})"), OutcomeKind::failed},
        {"parent paused", answer(409, R"({"error":"parent is paused"})"), OutcomeKind::failed},
        {"no provisioner", answer(503, R"({"error":"provisioner not available"})"),
         OutcomeKind::failed},
        {"a 503 from in between", html(503), OutcomeKind::unknown},
        {"500", answer(500, "{}"), OutcomeKind::unknown},
        {"408", answer(408, "{}"), OutcomeKind::unknown},
        {"401", answer(401, "{}"), OutcomeKind::failed},
        {"lost", lost(), OutcomeKind::unknown},
        {"not sent", not_sent(), OutcomeKind::failed},
    };
    for (const auto& one : rows_) {
        INFO(one.name);
        Scene scene;
        const auto plan = scene.world.planned(subject);
        scene.world.http.script(restart_call, {one.reply});
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == one.kind);
        CHECK(scene.world.http.mutations() == std::vector<std::string>{restart_call});
        CHECK(outcome.results.at("uptime_before") == "500");
        CHECK(outcome.results.at("sent_at") == "1000000");
    }
}

TEST_CASE("the POST carries the tenant's admin access") {
    Scene scene;
    scene.world.fire(scene.world.planned(subject));
    const auto* post = scene.world.http.find(restart_call);
    REQUIRE(post != nullptr);
    CHECK(post->bearer->reveal() == tenant_token);
    CHECK(header_of(*post, "X-Molecule-Org-Id") == org_id);
}

TEST_CASE("a restart is refused, with nothing sent, when the world moved since the plan") {
    const std::function<void(Scene&, Plan&)> changes[] = {
        [](Scene& s, Plan&) { s.list(up_for(0, "provisioning")); },
        [](Scene& s, Plan&) { s.list(up_for(500, "offline")); },
        [](Scene& s, Plan&) { s.world.http.script(list_call, {no_body(502)}); },
        [](Scene& s, Plan&) { s.world.config.tenants.url = "https://{slug}.other.test"; },
        [](Scene&, Plan& p) { p.calls[0].body = R"({"reset":true})"; },
        [](Scene&, Plan& p) { p.calls.push_back(p.calls[0]); },
    };
    for (const auto& change : changes) {
        Scene scene;
        auto plan = scene.world.planned(subject);
        change(scene, plan);
        CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("a lost answer is settled by the workspace's own uptime") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    scene.world.http.script(restart_call, {lost()});
    REQUIRE(scene.world.fire(plan).kind == OutcomeKind::unknown);
    scene.world.http.seen.clear();
    SECTION("it boots: yes") {
        scene.list(up_for(500, "provisioning"));
        CHECK(scene.world.observe(plan).took == Took::yes);
    }
    SECTION("its uptime fell: yes") {
        scene.later(45);
        scene.list(up_for(3));
        CHECK(scene.world.observe(plan).took == Took::yes);
    }
    SECTION("the old process is heard twice, after two delays: no") {
        scene.later(59);
        scene.list(up_for(559));
        CHECK(scene.world.observe(plan).took == Took::unclear);
        CHECK(scene.world.observe(plan).took == Took::unclear);
        scene.later(1);
        CHECK(scene.world.observe(plan).took == Took::unclear);
        CHECK(scene.world.observe(plan).took == Took::no);
    }
    SECTION("silence is never a no") {
        scene.later(3600);
        for (const auto& silent :
             {up_for(560, "offline"), up_for(560, "failed"), up_for(500), up_for(560, "paused")}) {
            scene.list(silent);
            CHECK(scene.world.observe(plan).took == Took::unclear);
            CHECK(scene.world.observe(plan).took == Took::unclear);
            CHECK(scene.world.observe(plan).took == Took::unclear);
        }
        scene.world.http.script(list_call, {no_body(502)});
        CHECK(scene.world.observe(plan).took == Took::unclear);
    }
    CHECK(scene.world.http.mutations().empty());
}

TEST_CASE("after a crash in mid-call the time of the intent takes the place of the uptime") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    levers::Context context;
    context.config = borrowed(scene.world.config);
    context.http = &scene.world.http;
    context.clock = &scene.world.clock;
    context.inventory = &scene.world.inventory;
    context.secrets = borrowed(scene.world.secrets);
    const auto lever = levers::LeverTable().find("workspace-restart");
    const auto look = [&](double uptime) {
        scene.list(up_for(uptime));
        return run(lever->observe(context, plan, "i-crashed", scene.world.fired,
                                  net::deadline_in(Millis{5000})))
            .took;
    };
    scene.later(100);
    CHECK(look(600) == Took::unclear);
    CHECK(look(600) == Took::unclear);
    CHECK(look(71) == Took::unclear);  // within a heartbeat it may be the old one
    CHECK(look(70) == Took::yes);
}

struct Sight {
    const char* name;
    std::function<void(Scene&)> change;
    Health health;
    Reason reason;
};
const Sight sights[] = {
    {"anew and clean", [](Scene&) {}, Health::healthy, Reason::ok},
    {"the process from before", [](Scene& s) { s.list(up_for(560)); }, Health::failing,
     Reason::proof_missing},
    {"an uptime that stands still", [](Scene& s) { s.list(up_for(500)); }, Health::failing,
     Reason::proof_missing},
    {"an agent older than before, and yet younger than the call",
     [](Scene& s) {
         s.later(1'000);
         s.list(up_for(700));
         s.activity("ok", "Done.");
     },
     Health::healthy, Reason::ok},
    {"clean, but before the boot", [](Scene& s) { s.activity("ok", "Done.", 21); }, Health::unknown,
     Reason::proof_missing},
    {"nobody asked it", [](Scene& s) { s.world.http.script(rows_call, {answer(200, "[]")}); },
     Health::unknown, Reason::proof_missing},
    {"it still fails", [](Scene& s) { s.activity("error", ""); }, Health::failing,
     Reason::agent_errors},
    {"a failure hidden in an ok row",
     [](Scene& s) {
         s.activity("ok", "Agent error (RuntimeError) \\u2014 see workspace logs for details.");
     },
     Health::failing, Reason::agent_errors},
    {"a provider fault", [](Scene& s) { s.activity("ok", "Invalid API key"); }, Health::degraded,
     Reason::provider_fault},
    {"provisioning", [](Scene& s) { s.list(up_for(500, "provisioning")); }, Health::unknown,
     Reason::provisioning},
    {"failed", [](Scene& s) { s.list(up_for(500, "failed")); }, Health::failing,
     Reason::workspace_failed},
    {"degraded", [](Scene& s) { s.list(up_for(20, "degraded")); }, Health::degraded,
     Reason::workspace_degraded},
    {"gone", [](Scene& s) { s.world.http.script(list_call, {rows({})}); }, Health::unknown,
     Reason::proof_missing},
    {"list unreadable", [](Scene& s) { s.world.http.script(list_call, {no_body(502)}); },
     Health::unknown, Reason::http_5xx},
    {"activity unreadable", [](Scene& s) { s.world.http.script(rows_call, {no_body(500)}); },
     Health::unknown, Reason::http_5xx},
};

TEST_CASE("the verdict's look wants an agent that began anew and a clean answer since") {
    for (const auto& one : sights) {
        INFO(one.name);
        Scene scene;
        const auto plan = scene.world.planned(subject);
        const auto outcome = scene.world.fire(plan);
        REQUIRE(outcome.kind == OutcomeKind::accepted);
        scene.world.http.seen.clear();
        scene.later(60);
        scene.list(up_for(20));
        scene.activity("ok", "Done.");
        one.change(scene);
        const auto look = scene.world.prove(plan, outcome);
        REQUIRE(look.has_value());
        INFO(look->evidence);
        CHECK(look->health == one.health);
        CHECK(look->reason == one.reason);
        CHECK(look->probe == "lever:workspace-restart");
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("without anything known from before there is no proof") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    scene.list(up_for(20));
    Outcome outcome;
    outcome.intent = "i-unheard-of";
    CHECK(scene.world.prove(plan, outcome)->health == Health::unknown);
}

}  // namespace
}  // namespace leverd::test
