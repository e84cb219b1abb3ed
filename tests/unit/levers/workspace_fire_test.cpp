// Why: lever D is the one that cannot be taken back. The order of its calls, the masks and every
// broken end are held down here.
#include "tests/unit/levers/workspace_scene.hpp"

namespace leverd::test {
namespace {

std::string result_of(const Outcome& outcome, const char* key) {
    const auto found = outcome.results.find(key);
    return found == outcome.results.end() ? std::string{} : found->second;
}

TEST_CASE("firing re-reads everything, deletes once, creates once from the captured spec") {
    WorkspaceScene scene;
    const auto plan = scene.world.planned(subject);
    const auto outcome = scene.world.fire(plan);
    INFO(outcome.detail);
    CHECK(outcome.kind == OutcomeKind::accepted);
    CHECK(result_of(outcome, "old_id") == old_id);
    CHECK(result_of(outcome, "new_id") == new_id);
    CHECK(result_of(outcome, "replaced_by") == "workspace/acme/" + new_id);
    CHECK(scene.world.http.calls() == std::vector<std::string>{list_call, model_call, secrets_call,
                                                               values_call, delete_call,
                                                               create_call});
    const auto* removal = scene.world.http.find(delete_call);
    const auto* creation = scene.world.http.find(create_call);
    REQUIRE((removal != nullptr && creation != nullptr));
    for (const auto* request : {removal, creation}) {
        CHECK(header_of(*request, "X-Molecule-Org-Id") == org_id);
        CHECK(header_of(*request, "Origin") == base);
        REQUIRE(request->bearer.has_value());
        CHECK(request->bearer->reveal() == tenant_token);
        CHECK(request->url.find("confirm") == std::string::npos);
    }
    CHECK(removal->body == plan.calls[0].body);
    CHECK(header_of(*creation, "Content-Type") == "application/json");
    // The real body is the planned one with the masks filled in, byte for byte.
    std::string planned = plan.calls[1].body;
    planned.replace(planned.find("***"), 3, "s3cr3t-one");
    CHECK(creation->body == planned);
    // The delete must leave time for the create, and the create for a look.
    const auto& deadlines = scene.world.http.deadlines;
    CHECK(deadlines[4] < deadlines[5]);
    CHECK(deadlines[5] < deadlines[0]);
}

struct Difference {
    const char* name;
    std::function<void(WorkspaceScene&, Plan&)> change;
};
const Difference differences[] = {
    {"renamed",
     [](WorkspaceScene& s, Plan&) {
         s.before[0]["name"] = "Other";
         s.list(s.before);
     }},
    {"has a child now",
     [](WorkspaceScene& s, Plan&) {
         s.before[1]["parent_id"] = old_id;
         s.list(s.before);
     }},
    {"gone", [](WorkspaceScene& s, Plan&) { s.list(s.gone); }},
    {"paused",
     [](WorkspaceScene& s, Plan&) {
         s.before[0]["status"] = "paused";
         s.list(s.before);
     }},
    {"list unreadable", [](WorkspaceScene& s, Plan&) { s.world.http.script(list_call, {lost()}); }},
    {"secrets locked",
     [](WorkspaceScene& s, Plan&) {
         s.world.http.script(values_call,
                             {answer(401, R"({"error":"invalid workspace auth token"})")});
     }},
    {"secrets half there",
     [](WorkspaceScene& s, Plan&) {
         s.world.http.script(values_call, {answer(200, R"({"GITHUB_TOKEN":"s3cr3t-two"})")});
     }},
    {"secrets broken",
     [](WorkspaceScene& s, Plan&) {
         s.world.http.script(values_call, {answer(200, R"({"OPENROUTER_API_KEY":"s3cr3t-one")")});
     }},
    {"secrets as text",
     [](WorkspaceScene& s, Plan&) {
         s.world.http.script(values_call, {answer(200, "s3cr3t-one", "text/plain")});
     }},
    {"secret of another type",
     [](WorkspaceScene& s, Plan&) {
         s.world.http.script(values_call,
                             {answer(200, R"({"OPENROUTER_API_KEY":["s3cr3t-one"]})")});
     }},
    {"an error that echoes them",
     [](WorkspaceScene& s, Plan&) {
         s.world.http.script(values_call, {answer(500, R"({"error":"bad s3cr3t-one"})")});
     }},
    {"another domain is configured",
     [](WorkspaceScene& s, Plan&) { s.world.config.tenants.url = "https://{slug}.other.test"; }},
    {"the plan shows another delete",
     [](WorkspaceScene&, Plan& p) { p.calls[0].url += "?confirm=true"; }},
    {"the plan was made for another version",
     [](WorkspaceScene&, Plan& p) { p.target_version = "sha256:other"; }},
    {"the plan lost a call", [](WorkspaceScene&, Plan& p) { p.calls.pop_back(); }},
    {"the plan names no workspace",
     [](WorkspaceScene&, Plan& p) { p.subject = Subject("tenant/acme"); }},
};

TEST_CASE("firing is refused without any change when something differs") {
    for (const auto& one : differences) {
        INFO(one.name);
        WorkspaceScene scene;
        auto plan = scene.world.planned(subject);
        one.change(scene, plan);
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == OutcomeKind::refused);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("a delete that did not end well is never followed by a create") {
    struct Row {
        const char* name;
        net::HttpResult reply;
        OutcomeKind kind;
    };
    const Row table[] = {
        {"lost", lost(), OutcomeKind::unknown},
        {"not sent", not_sent(), OutcomeKind::failed},
        {"children",
         answer(409, R"({"status":"confirmation_required","children":[],"children_count":1})"),
         OutcomeKind::failed},
        {"400", answer(400, "{}"), OutcomeKind::failed},
        {"401", answer(401, "{}"), OutcomeKind::failed},
        {"guard", no_body(404), OutcomeKind::failed},
        {"429", answer(429, "{}"), OutcomeKind::failed},
        {"500 may have removed the row",
         answer(500, R"({"error":"stop failed","removed_count":1})"), OutcomeKind::unknown},
        {"503", answer(503, "{}"), OutcomeKind::unknown},
        {"a page with 200", html(200), OutcomeKind::unknown},
        {"200 that says something else", answer(200, R"({"status":"queued"})"),
         OutcomeKind::unknown},
        {"200 empty", no_body(200), OutcomeKind::unknown},
        {"broken json", answer(200, "{"), OutcomeKind::unknown},
    };
    for (const auto& one : table) {
        INFO(one.name);
        WorkspaceScene scene;
        const auto plan = scene.world.planned(subject);
        scene.world.http.script(delete_call, {one.reply});
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == one.kind);
        CHECK(scene.world.http.mutations() == std::vector<std::string>{delete_call});
        CHECK(outcome.results.empty());
        if (std::string(one.name) == "children") {
            CHECK(outcome.detail.find("needs a person") != std::string::npos);
        }
    }
}

const net::HttpResult broken_creates[] = {
    lost(),
    not_sent(),
    answer(400, R"({"error":"invalid workspace fields"})"),
    answer(409, R"({"error":"quota"})"),
    answer(500, "{}"),
    no_body(200),
    no_body(201),
    answer(201, R"({"id":"not-a-uuid"})"),
    answer(200, R"({"id":"aaaaaaaa-0000-4000-8000-000000000003"})"),
    html(200),
};

TEST_CASE("a create that did not end well is looked for in the list before anything is said") {
    struct Row {
        const char* name;
        std::function<net::HttpResult(WorkspaceScene&)> list;
        OutcomeKind kind;  // where the create's answer leaves a doubt
    };
    const Row table[] = {
        {"it is there: replaced after all", [](WorkspaceScene& s) { return rows(s.after); },
         OutcomeKind::accepted},
        {"it is not there: a person must know", [](WorkspaceScene& s) { return rows(s.gone); },
         OutcomeKind::unknown},
        {"the list cannot be read", [](WorkspaceScene&) { return no_body(502); },
         OutcomeKind::unknown},
        {"two of that name",
         [](WorkspaceScene& s) {
             s.after.push_back(row("aaaaaaaa-0000-4000-8000-000000000004", "Reporter"));
             return rows(s.after);
         },
         OutcomeKind::unknown},
    };
    for (const auto& reply : broken_creates) {
        for (const auto& one : table) {
            INFO(one.name << ", create " << (reply.has_value() ? reply->status : -1));
            WorkspaceScene scene;
            const auto plan = scene.world.planned(subject);
            scene.world.http.script(create_call, {reply});
            scene.world.http.script(list_call, {rows(scene.before), one.list(scene)});
            const auto outcome = scene.world.fire(plan);
            INFO(outcome.detail);
            const bool found = one.kind == OutcomeKind::accepted;
            // A refusal was read: nothing was created, and nothing needs to be looked for.
            const bool certain = (reply.has_error() && !reply.error().sent) ||
                                 (reply.has_value() && reply->status / 100 == 4);
            CHECK(outcome.kind == (found     ? OutcomeKind::accepted
                                   : certain ? OutcomeKind::failed
                                             : OutcomeKind::unknown));
            CHECK(result_of(outcome, lost_result) == (found ? "" : subject));
            if (certain && !found) {
                CHECK(outcome.detail.find("is deleted and was not recreated") != std::string::npos);
                CHECK(outcome.detail.find(reply.has_value()
                                              ? std::to_string(reply->status)
                                              : "nothing was sent") != std::string::npos);
            }
            CHECK(result_of(outcome, "deleted") == "yes");
            CHECK(result_of(outcome, "old_id") == old_id);
            CHECK(result_of(outcome, "new_id") == (found ? new_id : ""));
            CHECK(result_of(outcome, "replaced_by") == (found ? "workspace/acme/" + new_id : ""));
            CHECK((outcome.detail.find("recreate it by hand") != std::string::npos) == !found);
            CHECK(scene.world.http.mutations() ==
                  std::vector<std::string>{delete_call, create_call});
        }
    }
}

TEST_CASE("an old namesake is not taken for the new one") {
    WorkspaceScene scene;
    scene.before[1]["name"] = "Reporter";
    scene.gone[0]["name"] = "Reporter";
    scene.list(scene.before);
    const auto plan = scene.world.planned(subject);
    scene.world.http.script(create_call, {lost()});
    scene.world.http.script(list_call, {rows(scene.before), rows(scene.gone)});
    CHECK(scene.world.fire(plan).kind == OutcomeKind::unknown);
}

TEST_CASE("a refusal that echoes our secrets is not recorded, other words are") {
    WorkspaceScene scene;
    const auto plan = scene.world.planned(subject);
    scene.world.http.script(list_call, {rows(scene.before), rows(scene.gone)});
    scene.world.http.script(create_call, {answer(400, R"({"error":"bad value s3cr3t-one"})")});
    CHECK(scene.world.fire(plan).detail.find("bad value") == std::string::npos);
    scene.world.http.script(list_call, {rows(scene.before), rows(scene.gone)});
    scene.world.http.script(create_call, {answer(400, R"({"error":"model is required"})")});
    CHECK(scene.world.fire(plan).detail.find("model is required") != std::string::npos);
}

}  // namespace
}  // namespace leverd::test
