// Why: lever E is one mutation whose answer says almost nothing. Its bytes, and every end that
// looks like a success and is none, are spelled out here.
#include "policies/levers/control_plane_rollback.hpp"
#include "tests/unit/levers/hosting_scene.hpp"

namespace leverd::test {
namespace {

constexpr const char* list_body =
    R"({"query":"query deployments($input: DeploymentListInput!, $first: Int) { )"
    R"(deployments(input: $input, first: $first) { edges { node { id status canRollback )"
    R"(deploymentStopped createdAt snapshotId meta } } } }","variables":{"first":50,"input":{)"
    R"("environmentId":"00000000-0000-4000-8000-00000000000b",)"
    R"("projectId":"00000000-0000-4000-8000-00000000000a",)"
    R"("serviceId":"00000000-0000-4000-8000-00000000000c"}}})";
constexpr const char* rollback_body =
    R"({"query":"mutation deploymentRollback($id: String!) { deploymentRollback(id: $id) }",)"
    R"("variables":{"id":"00000000-0000-4000-8000-000000000002"}})";

// Deployment 3 is live and bad, 2 is the one before.
std::vector<nlohmann::json> before() {
    return {railway_row(3, "SUCCESS", "bad"), railway_row(2, "REMOVED", "good"),
            railway_row(1, "REMOVED", "older")};
}

std::vector<nlohmann::json> with(nlohmann::json row) {
    auto rows = before();
    rows.insert(rows.begin(), std::move(row));
    return rows;
}

struct Scene : World {
    Scene() : World("control-plane-rollback", levers::make_control_plane_rollback()) {
        give_railway(*this);
        http.script(railway_call, {railway_list(before())});
        http.script("GET https://cp.test/health", {answer(200, R"({"status":"ok"})")});
        admin(answer(200, R"({"orgs":[{"slug":"acme","id":")" + std::string(org_id) + R"("}]})"));
    }
    void admin(net::HttpResult reply) {
        http.script("GET https://cp.test/cp/admin/orgs?limit=500", {std::move(reply)});
    }
    // What Railway answers from now on, and the kept look is too old to be used.
    void railway(std::vector<net::HttpResult> replies) {
        http.script(railway_call, std::move(replies));
        clock.value.at += std::chrono::minutes(3);
    }
    Outcome fired_with(net::HttpResult reply) {
        const Plan made = planned("control-plane");
        railway({railway_list(before()), std::move(reply)});
        return fire(made);
    }
    Observation seen(const Plan& plan) {
        auto look = prove(plan);
        REQUIRE(look.has_value());
        check_no_token(look->evidence);
        return *look;
    }
};

TEST_CASE("E plans one exact mutation and says what comes back with it") {
    Scene scene;
    const auto plan = scene.plan("control-plane");
    REQUIRE(plan.has_value());
    REQUIRE(plan->calls.size() == 1);
    CHECK(plan->calls[0].method == "POST");
    CHECK(plan->calls[0].url == railway_url);
    CHECK(plan->calls[0].body == rollback_body);
    CHECK(plan->calls[0].why.find("2026-05-01T09:02:00") != std::string::npos);
    CHECK(plan->target_version == deployment_id(3));
    CHECK(plan->resource == "railway:" + std::string(service_id));
    CHECK(plan->steps.empty());
    REQUIRE(plan->warnings.size() >= 2);
    CHECK(plan->warnings[0].find("CP_ADMIN_API_TOKEN") != std::string::npos);
    CHECK(plan->warnings[1].find("becomes valid again") != std::string::npos);
    check_no_token(*plan);
    // One look, with the project token in its own header and nothing else.
    REQUIRE(scene.http.seen.size() == 1);
    const auto& look = scene.http.seen[0];
    CHECK(look.body == list_body);
    CHECK(header_of(look, "Project-Access-Token") == railway_token);
    CHECK(header_of(look, "Content-Type") == "application/json");
    CHECK_FALSE(look.bearer.has_value());
    CHECK_FALSE(look.basic.has_value());
}

TEST_CASE("E sends an account token as a bearer, alone") {
    Scene scene;
    scene.config.railway.account_token = "railway";
    scene.config.railway.project_token.clear();
    REQUIRE(scene.plan("control-plane").has_value());
    const auto& look = scene.http.seen.at(0);
    REQUIRE(look.bearer.has_value());
    CHECK(look.bearer->reveal() == railway_token);
    CHECK(header_of(look, "Project-Access-Token").empty());
}

TEST_CASE("E without a token stays a person's") {
    Scene scene;
    scene.config.railway.project_token.clear();
    const auto plan = scene.plan("control-plane");
    REQUIRE(plan.has_value());
    CHECK(plan->calls.empty());
    CHECK_FALSE(plan->steps.empty());
    CHECK(scene.fire(*plan).kind == OutcomeKind::refused);
    CHECK(scene.http.seen.empty());
}

TEST_CASE("E does not fire when the token went away after the plan") {
    Scene scene;
    const Plan plan = scene.planned("control-plane");
    scene.config.railway.project_token.clear();
    CHECK(scene.fire(plan).kind == OutcomeKind::refused);
    CHECK(scene.observe(plan).took == Took::unclear);
    CHECK(scene.http.seen.empty());
}

struct Choice {
    const char* what;
    std::vector<nlohmann::json> rows;
    int target;  // 0: no plan
    const char* says;
};

TEST_CASE("E goes back to the newest earlier good deployment, never to the live one") {
    const Choice choices[] = {
        {"the order of the answer is nobody's promise",
         {railway_row(1, "REMOVED", "a"), railway_row(3, "SUCCESS", "c"),
          railway_row(2, "REMOVED", "b")},
         2,
         ""},
        {"a failed build never was live",
         {railway_row(4, "FAILED", "d"), railway_row(3, "SUCCESS", "c"),
          railway_row(2, "FAILED", "b"), railway_row(1, "REMOVED", "a")},
         1,
         ""},
        {"a crashed one is still the live one",
         {railway_row(3, "CRASHED", "c"), railway_row(2, "REMOVED", "b")},
         2,
         ""},
        {"a sleeping one is up",
         {railway_row(3, "SLEEPING", "c"), railway_row(2, "REMOVED", "b")},
         2,
         ""},
        {"past the plan's retention there is no way back",
         {railway_row(3, "SUCCESS", "c"), railway_row(2, "REMOVED", "b", false)},
         0,
         "retention"},
        {"past one that cannot, to one that can",
         {railway_row(3, "SUCCESS", "c"), railway_row(2, "REMOVED", "b", false),
          railway_row(1, "REMOVED", "a")},
         1,
         ""},
        {"nothing older", {railway_row(3, "SUCCESS", "c")}, 0, "no earlier deployment"},
        {"something is on its way, perhaps the fix",
         {railway_row(4, "BUILDING", "d"), railway_row(3, "SUCCESS", "c"),
          railway_row(2, "REMOVED", "b")},
         0,
         "under way"},
        {"one that waits for a person does not block",
         {railway_row(4, "NEEDS_APPROVAL", "d"), railway_row(3, "SUCCESS", "c"),
          railway_row(2, "REMOVED", "b")},
         2,
         ""},
        {"nothing is live", {railway_row(2, "REMOVED", "b")}, 0, "is live"},
        {"what an earlier rollback went away from is no way back",
         {railway_row(4, "SUCCESS", "good"), railway_row(3, "REMOVED", "bad"),
          railway_row(2, "REMOVED", "good"), railway_row(1, "REMOVED", "older")},
         1,
         ""},
        {"a redeploy for a variable is no rollback",
         {railway_row(4, "SUCCESS", "good"), railway_row(3, "REMOVED", "good"),
          railway_row(2, "REMOVED", "older")},
         3,
         ""},
    };
    for (const auto& choice : choices) {
        INFO(choice.what);
        Scene scene;
        scene.railway({railway_list(choice.rows)});
        const auto plan = scene.plan("control-plane");
        REQUIRE(plan.has_value() == (choice.target != 0));
        if (plan.has_value()) {
            CHECK(plan->params.at("target") == deployment_id(choice.target));
        } else {
            CHECK((plan.error().what + plan.error().hint).find(choice.says) != std::string::npos);
        }
    }
}

TEST_CASE("E does not plan on answers that are none") {
    const std::vector<net::HttpResult> bad = {
        answer(200, R"({"errors":[{"message":"Not Authorized"}],"data":null})"),
        answer(200, R"({"data":{"deployments":{"edges":[{"node":{"id":"x"}}]}}})"),
        answer(200, R"({"data":{"deployments":null}})"),
        html(200),
        answer(500, "{}"),
        answer(302, "{}"),
        lost()};
    for (const auto& reply : bad) {
        Scene scene;
        scene.railway({reply});
        CHECK(scene.plan("control-plane").has_error());
    }
}

TEST_CASE("E fires exactly what it planned, once") {
    Scene scene;
    const auto outcome = scene.fired_with(railway_says(R"({"deploymentRollback":true})"));
    CHECK(outcome.kind == OutcomeKind::accepted);
    REQUIRE(scene.http.seen.size() == 2);
    CHECK(scene.http.seen[0].body == list_body);
    CHECK(scene.http.seen[1].body == rollback_body);
    CHECK(scene.http.seen[1].url == railway_url);
    CHECK(header_of(scene.http.seen[1], "Project-Access-Token") == railway_token);
}

struct End {
    const char* what;
    net::HttpResult reply;
    OutcomeKind kind;
    const char* says;
};

TEST_CASE("E calls each end of the mutation what it is") {
    auto patient = answer(429, "{}");
    patient->headers["retry-after"] = "90";
    const End ends[] = {
        {"false", railway_says(R"({"deploymentRollback":false})"), OutcomeKind::failed, "false"},
        {"an error with 200 and null",
         answer(200, R"({"errors":[{"message":"Not Authorized"}],"data":null})"),
         OutcomeKind::failed, "refuses the token"},
        {"an invalid request", answer(200, R"({"errors":[{"message":"Unknown argument"}]})"),
         OutcomeKind::failed, "Unknown argument"},
        {"an error after it may have begun",
         answer(200, R"({"errors":[{"message":"Problem processing request"}],"data":null})"),
         OutcomeKind::unknown, "Problem processing"},
        {"no answer to this question", railway_says(R"({"other":true})"), OutcomeKind::unknown,
         "not an answer"},
        {"a page with 200", html(200), OutcomeKind::unknown, ""},
        {"a limit", patient, OutcomeKind::failed, "90 s of patience"},
        {"401", answer(401, "{}"), OutcomeKind::failed, "refuses the token"},
        {"a redirect is not followed", answer(307, "{}"), OutcomeKind::failed, "307"},
        {"502", answer(502, "{}"), OutcomeKind::unknown, "502"},
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
        CHECK(scene.http.seen.size() == 2);
    }
}

TEST_CASE("E shows nothing of its token when Railway echoes it") {
    Scene scene;
    const auto outcome =
        scene.fired_with(answer(200, R"({"errors":[{"message":"bad token )" +
                                         std::string(railway_token) + R"("}],"data":null})"));
    CHECK(outcome.detail.find("[masked]") != std::string::npos);
}

TEST_CASE("E sends nothing when the ground of the plan is gone") {
    const std::vector<std::vector<nlohmann::json>> moved = {
        with(railway_row(4, "SUCCESS", "fix")),
        with(railway_row(4, "BUILDING", "fix")),
        {railway_row(3, "SUCCESS", "bad"), railway_row(2, "REMOVED", "good", false)},
        {railway_row(3, "REMOVED", "bad"), railway_row(2, "SUCCESS", "good")},
    };
    for (const auto& rows : moved) {
        Scene scene;
        const Plan plan = scene.planned("control-plane");
        scene.railway({railway_list(rows)});
        CHECK(scene.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.http.seen.size() == 1);
    }
    Scene scene;
    const Plan plan = scene.planned("control-plane");
    scene.config.railway.service_id = project_id;
    CHECK(scene.fire(plan).kind == OutcomeKind::refused);
    CHECK(scene.http.seen.empty());
}

TEST_CASE("E settles a lost reply by looking for a new deployment, and sends nothing") {
    Scene scene;
    const Plan plan = scene.planned("control-plane");
    scene.fired = scene.clock.now();
    scene.http.script(railway_call, {railway_list(before())});
    scene.clock.value.at += std::chrono::seconds(31);
    CHECK(scene.observe(plan).took == Took::unclear);  // too early to say no
    scene.clock.value.at += std::chrono::seconds(31);
    CHECK(scene.observe(plan).took == Took::no);
    scene.railway({railway_list(with(railway_row(4, "BUILDING", "good")))});
    CHECK(scene.observe(plan).took == Took::yes);
    // Somebody else's deployment is no trace of ours, and no proof of its absence.
    scene.railway({railway_list(with(railway_row(4, "SUCCESS", "theirs")))});
    CHECK(scene.observe(plan).took == Took::unclear);
    for (const auto& request : scene.http.seen) {
        CHECK(request.body == list_body);
    }
}

TEST_CASE("false success E: true is no proof, a new deployment that is up with an admin read is") {
    Scene scene;
    const Plan plan = scene.planned("control-plane");
    // True, and nothing came of it: the old SUCCESS proves nothing.
    scene.railway({railway_list(before())});
    CHECK(scene.seen(plan).health == Health::degraded);
    scene.railway({railway_list(with(railway_row(4, "DEPLOYING", "good")))});
    CHECK(scene.seen(plan).health == Health::degraded);
    scene.railway({railway_list(with(railway_row(4, "SUCCESS", "good")))});
    CHECK(scene.seen(plan).health == Health::healthy);
    scene.railway({railway_list(with(railway_row(4, "SLEEPING", "good")))});
    CHECK(scene.seen(plan).health == Health::healthy);
    scene.railway({railway_list(with(railway_row(4, "SUCCESS", "theirs")))});
    CHECK(scene.seen(plan).health == Health::degraded);
    for (const char* end : {"FAILED", "CRASHED"}) {
        scene.railway({railway_list(with(railway_row(4, end, "good")))});
        const auto seen = scene.seen(plan);
        CHECK(seen.health == Health::failing);
        CHECK(seen.reason == Reason::deployment_failed);
    }
}

TEST_CASE("false success E: the old token came back with the variables, and is named") {
    Scene scene;
    const Plan plan = scene.planned("control-plane");
    scene.railway({railway_list(with(railway_row(4, "SUCCESS", "good")))});
    scene.admin(answer(401, R"({"error":"unauthorized"})"));
    const auto seen = scene.seen(plan);
    CHECK(seen.health == Health::failing);
    CHECK(seen.reason == Reason::credential_rolled_back);
    CHECK(seen.evidence.find("older CP_ADMIN_API_TOKEN") != std::string::npos);
    // An empty list is a degraded control plane, never a proof.
    scene.admin(answer(200, R"({"orgs":[]})"));
    CHECK(scene.seen(plan).health == Health::degraded);
    scene.admin(answer(403, "{}"));
    CHECK(scene.seen(plan).health == Health::unknown);
    scene.admin(answer(502, "{}"));
    CHECK(scene.seen(plan).health == Health::failing);
}

TEST_CASE("E looks at a pace and obeys Retry-After") {
    Scene scene;
    REQUIRE(scene.plan("control-plane").has_value());
    REQUIRE(scene.plan("control-plane").has_value());
    CHECK(scene.http.seen.size() == 1);
    auto patient = answer(429, "{}");
    patient->headers["retry-after"] = "120";
    scene.railway({patient});
    CHECK(scene.plan("control-plane").has_error());
    CHECK(scene.http.seen.size() == 2);
    scene.http.script(railway_call, {railway_list(before())});
    scene.clock.value.at += std::chrono::seconds(119);
    CHECK(scene.plan("control-plane").has_error());
    CHECK(scene.http.seen.size() == 2);
    scene.clock.value.at += std::chrono::seconds(2);
    CHECK(scene.plan("control-plane").has_value());
    CHECK(scene.http.seen.size() == 3);
}

TEST_CASE("E is taken back by one more rollback, only while its own deployment is live") {
    Scene scene;
    const Plan done = scene.planned("control-plane");
    scene.railway(
        {railway_list({railway_row(4, "SUCCESS", "good"), railway_row(3, "REMOVED", "bad"),
                       railway_row(2, "REMOVED", "good")})});
    const auto back = scene.undo(done);
    REQUIRE(back.has_value());
    CHECK(back->params.at("target") == deployment_id(3));
    CHECK(back->target_version == deployment_id(4));
    scene.railway({railway_list(with(railway_row(4, "SUCCESS", "theirs")))});
    CHECK(scene.undo(done).has_error());
}

}  // namespace
}  // namespace leverd::test
