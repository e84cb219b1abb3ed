// Why: lever F is one request that starts a job. Its bytes, and every end that looks like a success
// and is none, are spelled out here.
#include "policies/levers/canvas_rollback.hpp"
#include "tests/unit/levers/hosting_scene.hpp"

namespace leverd::test {
namespace {

constexpr const char* project_call =
    "GET https://vercel.test/v9/projects/prj_1?rollbackInfo=true&teamId=team_9";
constexpr const char* list_call =
    "GET https://vercel.test/v6/deployments?projectId=prj_1&target=production&limit=50&teamId=team_"
    "9";
constexpr const char* rollback_call =
    "POST https://vercel.test/v1/projects/prj_1/rollback/dpl_good?teamId=team_9";
constexpr const char* promote_call =
    "POST https://vercel.test/v10/projects/prj_1/promote/dpl_bad?teamId=team_9";
constexpr const char* aliases_call =
    "GET https://vercel.test/v9/projects/prj_1/rollback/aliases?failedOnly=true&limit=20&teamId="
    "team_9";
constexpr std::int64_t past = 1'777'000'000'000;
constexpr std::int64_t later = past + 1'000'000;

// dpl_bad is live. dpl_new is newer, READY, and was never given a domain.
std::vector<nlohmann::json> rows() {
    auto fresh = vercel_row("dpl_new", 40);
    fresh["aliasAssigned"] = nullptr;
    return {fresh, vercel_row("dpl_bad", 30), vercel_row("dpl_broken", 25, "ERROR"),
            vercel_row("dpl_good", 20), vercel_row("dpl_older", 10)};
}

// An entry of the past that looks as if our request had succeeded.
nlohmann::json old_entry() {
    return alias_entry("dpl_good", "succeeded", past);
}

struct Scene : World {
    Scene() : World("canvas-rollback", levers::make_canvas_rollback()) {
        give_vercel(*this);
        http.script(project_call, {vercel_project("dpl_bad", old_entry())});
        http.script(list_call, {vercel_list(rows())});
        http.script(aliases_call, {answer(200, R"({"aliases":[]})")});
    }
    void project(net::HttpResult reply) {
        http.script(project_call, {std::move(reply)});
        clock.value.at += std::chrono::minutes(3);
    }
    Outcome fired_with(net::HttpResult reply) {
        const Plan made = planned("canvas");
        http.script(rollback_call, {std::move(reply)});
        return fire(made);
    }
    Observation seen(const Plan& plan) {
        auto look = prove(plan);
        REQUIRE(look.has_value());
        check_no_token(look->evidence);
        return *look;
    }
};

TEST_CASE(
    "false success F: the newest READY is not what is live, and the plan starts from what is") {
    Scene scene;
    const auto plan = scene.plan("canvas");
    REQUIRE(plan.has_value());
    REQUIRE(plan->calls.size() == 1);
    CHECK(plan->calls[0].method + " " + plan->calls[0].url == rollback_call);
    CHECK(plan->calls[0].body == "{}");
    CHECK(plan->target_version == "dpl_bad");
    CHECK(plan->params.at("target") == "dpl_good");
    CHECK(plan->resource == "vercel:prj_1");
    CHECK(plan->warnings.at(1).find("later merges do not go live") != std::string::npos);
    CHECK(scene.http.calls() == std::vector<std::string>{project_call, list_call});
    for (const auto& request : scene.http.seen) {
        REQUIRE(request.bearer.has_value());
        CHECK(request.bearer->reveal() == vercel_token);
    }
    check_no_token(*plan);
}

TEST_CASE("F without a token stays a person's") {
    Scene scene;
    scene.config.vercel.token.clear();
    const auto plan = scene.plan("canvas");
    REQUIRE(plan.has_value());
    CHECK(plan->calls.empty());
    CHECK_FALSE(plan->steps.empty());
    CHECK(scene.fire(*plan).kind == OutcomeKind::refused);
    CHECK(scene.http.seen.empty());
}

TEST_CASE("F names the team by slug where that is what is known") {
    Scene scene;
    scene.config.vercel.team_id.clear();
    scene.config.vercel.team_slug = "acme";
    CHECK(scene.plan("canvas").has_error());
    CHECK(scene.http.calls() ==
          std::vector<std::string>{
              "GET https://vercel.test/v9/projects/prj_1?rollbackInfo=true&slug=acme"});
}

TEST_CASE("F refuses where there is no way back or no certainty") {
    const auto refused = [](Scene& scene, const char* says) {
        const auto plan = scene.plan("canvas");
        REQUIRE(plan.has_error());
        INFO(plan.error().what << " / " << plan.error().hint);
        CHECK(plan.error().what.find(says) != std::string::npos);
    };
    Scene none;
    none.http.script(list_call, {vercel_list({vercel_row("dpl_bad", 30)})});
    refused(none, "no earlier production deployment");
    Scene unknown_age;
    unknown_age.http.script(list_call, {vercel_list({vercel_row("dpl_good", 20)})});
    refused(unknown_age, "cannot be told how old");
    Scene busy;
    busy.clock.value.wall = WallTime{Millis{later + 5'000}};
    busy.project(vercel_project("dpl_bad", alias_entry("dpl_x", "in-progress", later)));
    refused(busy, "at work");
    Scene hostile;
    hostile.project(vercel_project("../../v1/teams"));
    refused(hostile, "project on Vercel");
    Scene forbidden;
    forbidden.project(answer(403, R"({"error":{"code":"forbidden"}})"));
    refused(forbidden, "403");
}

TEST_CASE("F fires exactly what it planned, once") {
    Scene scene;
    CHECK(scene.fired_with(answer(201, "")).kind == OutcomeKind::accepted);
    CHECK(scene.http.calls() == std::vector<std::string>{project_call, rollback_call});
    const auto* call = scene.http.find(rollback_call);
    REQUIRE(call != nullptr);
    CHECK(call->body == "{}");
    CHECK(header_of(*call, "Content-Type") == "application/json");
    REQUIRE(call->bearer.has_value());
    CHECK(call->bearer->reveal() == vercel_token);
}

struct End {
    const char* what;
    net::HttpResult reply;
    OutcomeKind kind;
    const char* says;
};

TEST_CASE("F calls each end of the request what it is, in words") {
    const End ends[] = {
        {"402", answer(402, "{}"), OutcomeKind::failed, "Hobby plan goes back by one"},
        {"409", answer(409, "{}"), OutcomeKind::failed, "in the middle of another change"},
        {"422", answer(422, "{}"), OutcomeKind::failed, "cannot be rolled back to"},
        {"401", answer(401, "{}"), OutcomeKind::failed, "refuses the token"},
        {"429", answer(429, "{}"), OutcomeKind::failed, "patience"},
        {"a redirect is not followed", answer(308, ""), OutcomeKind::failed, "308"},
        {"408", answer(408, ""), OutcomeKind::unknown, "408"},
        {"500", answer(500, "{}"), OutcomeKind::unknown, "500"},
        {"a page", html(200), OutcomeKind::unknown, "web page"},
        {"lost", lost(), OutcomeKind::unknown, ""},
        {"not sent", not_sent(), OutcomeKind::failed, "nothing was sent"},
    };
    for (const auto& end : ends) {
        INFO(end.what);
        Scene scene;
        const auto outcome = scene.fired_with(end.reply);
        CHECK(outcome.kind == end.kind);
        INFO(outcome.detail);
        CHECK(outcome.detail.find(end.says) != std::string::npos);
        CHECK(scene.http.mutations().size() == 1);
    }
}

TEST_CASE("F sends nothing when the ground of the plan is gone") {
    const std::vector<net::HttpResult> moved = {
        vercel_project("dpl_new", old_entry()),
        vercel_project("dpl_bad", alias_entry("dpl_older", "succeeded", later)),
        answer(500, "{}"),
    };
    for (const auto& reply : moved) {
        Scene scene;
        const Plan plan = scene.planned("canvas");
        scene.project(reply);
        CHECK(scene.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.http.mutations().empty());
    }
}

TEST_CASE("F settles a lost reply by the project, and an older entry says nothing") {
    Scene scene;
    const Plan plan = scene.planned("canvas");
    scene.fired = scene.clock.now();
    scene.clock.value.at += std::chrono::seconds(11);
    // The old entry names our very deployment, and succeeded: it is not ours.
    CHECK(scene.observe(plan).took == Took::unclear);
    scene.project(vercel_project("dpl_bad", old_entry()));
    CHECK(scene.observe(plan).took == Took::no);
    scene.project(vercel_project("dpl_bad", alias_entry("dpl_good", "pending", later)));
    CHECK(scene.observe(plan).took == Took::yes);
    scene.project(vercel_project("dpl_bad", alias_entry("dpl_older", "succeeded", later)));
    CHECK(scene.observe(plan).took == Took::unclear);
    CHECK(scene.http.mutations().empty());
}

TEST_CASE("false success F: an alias that partly failed or an older job is no proof") {
    Scene scene;
    const Plan plan = scene.planned("canvas");
    const auto judged = [&](net::HttpResult reply) {
        scene.project(std::move(reply));
        return scene.seen(plan);
    };
    CHECK(judged(vercel_project("dpl_bad", old_entry())).health == Health::degraded);
    CHECK(
        judged(vercel_project("dpl_good", alias_entry("dpl_good", "in-progress", later))).health ==
        Health::degraded);
    CHECK(judged(vercel_project("dpl_bad", alias_entry("dpl_good", "succeeded", later))).health ==
          Health::degraded);
    CHECK(judged(vercel_project("dpl_good", alias_entry("dpl_older", "succeeded", later))).health ==
          Health::degraded);
    CHECK(judged(vercel_project("dpl_good", alias_entry("dpl_good", "succeeded", later))).health ==
          Health::healthy);
    for (const char* end : {"failed", "skipped"}) {
        const auto seen = judged(vercel_project("dpl_good", alias_entry("dpl_good", end, later)));
        CHECK(seen.health == Health::failing);
        CHECK(seen.reason == Reason::alias_failed);
    }
    scene.http.script(
        aliases_call,
        {answer(200, R"({"aliases":[{"alias":"app.example","id":"1","status":"failed"}]})")});
    const auto partial =
        judged(vercel_project("dpl_good", alias_entry("dpl_good", "succeeded", later)));
    CHECK(partial.health == Health::failing);
    CHECK(partial.reason == Reason::alias_failed);
    CHECK(partial.evidence.find("app.example") != std::string::npos);
    // Domains that cannot be read are no proof that all of them moved.
    scene.http.script(aliases_call, {answer(500, "{}")});
    CHECK(judged(vercel_project("dpl_good", alias_entry("dpl_good", "succeeded", later))).health ==
          Health::unknown);
}

TEST_CASE("F is taken back by a promote, which turns automatic domains on again") {
    Scene scene;
    const Plan done = scene.planned("canvas");
    scene.project(vercel_project("dpl_good", alias_entry("dpl_good", "succeeded", later)));
    const auto back = scene.undo(done);
    REQUIRE(back.has_value());
    CHECK(back->calls.at(0).method + " " + back->calls.at(0).url == promote_call);
    CHECK(back->calls.at(0).body == "{}");
    scene.http.script(promote_call, {answer(201, "")});
    CHECK(scene.fire(*back).kind == OutcomeKind::accepted);
    CHECK(scene.http.mutations() == std::vector<std::string>{promote_call});
    scene.project(vercel_project("dpl_new", old_entry()));
    CHECK(scene.undo(done).has_error());
}

TEST_CASE("F looks at a pace and obeys a limit") {
    Scene scene;
    REQUIRE(scene.plan("canvas").has_value());
    REQUIRE(scene.plan("canvas").has_value());
    CHECK(scene.http.seen.size() == 2);
    const Plan plan = scene.planned("canvas");
    auto patient = answer(429, "{}");
    patient->headers["retry-after"] = "300";
    scene.project(patient);
    CHECK(scene.plan("canvas").has_error());
    const auto outcome = scene.fire(plan);
    CHECK(outcome.kind == OutcomeKind::refused);
    CHECK(outcome.detail.find("patience") != std::string::npos);
    CHECK(scene.http.seen.size() == 1);
}

}  // namespace
}  // namespace leverd::test
