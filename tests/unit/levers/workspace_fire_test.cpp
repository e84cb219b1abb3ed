// Why: lever D is the one that cannot be taken back. The order of its calls, the masks and every
// broken end are held down here.
#include "tests/unit/levers/workspace_scene.hpp"

#include <algorithm>
#include <memory>

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
    CHECK(scene.world.http.calls() ==
          std::vector<std::string>{list_call, model_call, secrets_call, values_call, mint_call,
                                   values_call, create_call, delete_call, create_call});
    const auto& seen = scene.world.http.seen;
    const auto* rehearsal = &seen[6];
    const auto* removal = &seen[7];
    const auto* creation = &seen[8];
    CHECK(seen[3].bearer->reveal() == tenant_token);
    CHECK(seen[4].bearer->reveal() == tenant_token);
    CHECK(seen[5].bearer->reveal() == own_token);
    for (const auto* request : {rehearsal, removal, creation}) {
        CHECK(header_of(*request, "X-Molecule-Org-Id") == org_id);
        CHECK(header_of(*request, "Origin") == base);
        REQUIRE(request->bearer.has_value());
        CHECK(request->bearer->reveal() == tenant_token);
        CHECK(request->url.find("confirm") == std::string::npos);
    }
    CHECK(removal->body == plan.calls[2].body);
    CHECK(header_of(*removal, "X-Confirm-Name") == "Reporter");
    CHECK(header_of(*rehearsal, "Content-Type") == "application/json");
    CHECK(header_of(*creation, "Content-Type") == "application/json");
    // The real body is the planned one with the masks filled in, byte for byte.
    const std::vector<std::pair<std::string, std::string>> sent{
        {plan.calls[1].body, rehearsal->body}, {plan.calls[3].body, creation->body}};
    for (auto [planned, real] : sent) {
        planned.replace(planned.find("***"), 3, "s3cr3t-one");
        CHECK(real == planned);
    }
    // What comes before the delete must leave time for it, the delete for the create, and the
    // create for a look.
    const auto& deadlines = scene.world.http.deadlines;
    CHECK(deadlines[6] < deadlines[7]);
    CHECK(deadlines[7] < deadlines[8]);
    CHECK(deadlines[8] < deadlines[0]);
}

TEST_CASE("no token is minted where the admin's own reads the secrets") {
    WorkspaceScene scene;
    scene.world.http.script(values_call, {answer(200, R"({"OPENROUTER_API_KEY":"s3cr3t-one"})")});
    const auto plan = scene.world.planned(subject);
    CHECK(scene.world.fire(plan).kind == OutcomeKind::accepted);
    CHECK(scene.world.http.mutations() ==
          std::vector<std::string>{create_call, delete_call, create_call});
}

// Nothing of these may have been followed by a delete; what was minted is taken back.
struct Refusal {
    const char* name;
    std::function<void(WorkspaceScene&)> change;
    const char* words;
    bool revoked = true;
    OutcomeKind kind = OutcomeKind::refused;
};
const Refusal refusals[] = {
    {"no token to be had",
     [](WorkspaceScene& s) { s.world.http.script(mint_call, {answer(429, "{}")}); }, "429", false},
    {"the token's answer is lost",
     [](WorkspaceScene& s) { s.world.http.script(mint_call, {lost()}); }, "token", false},
    {"a token that is none",
     [](WorkspaceScene& s) { s.world.http.script(mint_call, {answer(201, "{}")}); }, "token",
     false},
    {"the token does not help",
     [](WorkspaceScene& s) { s.world.http.script(values_call, {answer(401, "{}")}); }, "401"},
    {"a secret does not decrypt",
     [](WorkspaceScene& s) {
         s.world.http.script(values_call, {answer(401, "{}"), answer(500, R"({"error":"x"})")});
     },
     "500"},
    {"a value is missing",
     [](WorkspaceScene& s) {
         s.world.http.script(values_call, {answer(401, "{}"), answer(200, R"({"B":"s3cr3t-b"})")});
     },
     "OPENROUTER_API_KEY is missing"},
    {"the values' answer is lost",
     [](WorkspaceScene& s) { s.world.http.script(values_call, {answer(401, "{}"), lost()}); },
     "secrets"},
    {"the create would be refused",
     [](WorkspaceScene& s) {
         s.world.http.script(create_call,
                             {answer(422, R"({"code":"UNREGISTERED_MODEL_FOR_RUNTIME",)"
                                          R"("error":"not registered"})")});
     },
     "UNREGISTERED_MODEL_FOR_RUNTIME"},
    {"the create's fields would be refused",
     [](WorkspaceScene& s) {
         s.world.http.script(create_call, {answer(400, R"({"error":"invalid workspace fields"})")});
     },
     "invalid workspace fields"},
    {"a refusal that echoes a secret",
     [](WorkspaceScene& s) {
         s.world.http.script(create_call, {answer(400, R"({"error":"bad s3cr3t-one"})")});
     },
     "nothing was deleted"},
    {"the rehearsal's answer is lost",
     [](WorkspaceScene& s) { s.world.http.script(create_call, {lost()}); }, "rehearsal"},
    {"the edge answers the rehearsal",
     [](WorkspaceScene& s) { s.world.http.script(create_call, {html(400)}); }, "rehearsal"},
    {"a build that takes any access",
     [](WorkspaceScene& s) {
         s.world.http.script(create_call, {answer(201, R"({"id":")" + new_id + "\"}")});
     },
     "remove it by hand", true, OutcomeKind::unknown},
};

TEST_CASE("what cannot be created anew, or whose secrets cannot be read, is not deleted") {
    for (const auto& one : refusals) {
        INFO(one.name);
        WorkspaceScene scene;
        const auto plan = scene.world.planned(subject);
        one.change(scene);
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == one.kind);
        CHECK(outcome.detail.find(one.words) != std::string::npos);
        CHECK(outcome.results.empty());
        CHECK(scene.world.http.find(delete_call) == nullptr);
        CHECK((scene.world.http.find(revoke_call) != nullptr) == one.revoked);
        CHECK(outcome.detail.find("still live") == std::string::npos);
    }
}

TEST_CASE("a token that could not be taken back is said") {
    struct Row {
        const char* name;
        std::function<void(WorkspaceScene&)> change;
        bool said;
    };
    const Row table[] = {
        {"the list is lost", [](WorkspaceScene& s) { s.world.http.script(tokens_call, {lost()}); },
         true},
        {"two that begin like it",
         [](WorkspaceScene& s) {
             s.world.http.script(tokens_call,
                                 {answer(200, R"({"tokens":[{"id":"a","prefix":"s3cr3t-o"},)"
                                              R"({"id":"b","prefix":"s3cr3t-o"}]})")});
         },
         true},
        {"refused",
         [](WorkspaceScene& s) { s.world.http.script(revoke_call, {answer(500, "{}")}); }, true},
        {"somebody else was faster",
         [](WorkspaceScene& s) { s.world.http.script(revoke_call, {answer(404, "{}")}); }, false},
        {"it is not live any more",
         [](WorkspaceScene& s) {
             s.world.http.script(tokens_call, {answer(200, R"({"tokens":[]})")});
         },
         false},
    };
    for (const auto& one : table) {
        INFO(one.name);
        WorkspaceScene scene;
        const auto plan = scene.world.planned(subject);
        scene.world.http.script(create_call, {answer(422, R"({"code":"MODEL_REQUIRED"})")});
        one.change(scene);
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == OutcomeKind::refused);
        CHECK((outcome.detail.find("still live") != std::string::npos) == one.said);
    }
}

// Keeps what it is given and remembers what was asked of it.
struct FakeSafe final : SecretSafe {
    Result<void> keep(const std::string& intent, const Secret& bytes) override {
        if (broken) {
            return Error{"no room", ""};
        }
        held[intent] = bytes.reveal();
        return {};
    }
    Result<Secret> open(const std::string& intent) const override {
        return Secret::unlisted(held.at(intent));
    }
    void forget(const std::string& intent) override { held.erase(intent); }
    std::vector<std::string> kept() const override { return {}; }

    std::map<std::string, std::string> held;
    bool broken = false;
};

TEST_CASE("secret values are sealed before the delete and stay while it may be gone") {
    struct Row {
        const char* name;
        std::function<void(WorkspaceScene&, FakeSafe&)> change;
        OutcomeKind kind;
        bool kept;
        bool deleted;
    };
    const Row table[] = {
        {"all well", [](WorkspaceScene&, FakeSafe&) {}, OutcomeKind::accepted, true, true},
        {"no room", [](WorkspaceScene&, FakeSafe& f) { f.broken = true; }, OutcomeKind::refused,
         false, false},
        {"the create would be refused",
         [](WorkspaceScene& s, FakeSafe&) {
             s.world.http.script(create_call, {answer(422, "{}")});
         },
         OutcomeKind::refused, false, false},
        {"the delete is refused",
         [](WorkspaceScene& s, FakeSafe&) {
             s.world.http.script(delete_call, {answer(409, "{}")});
         },
         OutcomeKind::failed, false, true},
        {"the delete's answer is lost",
         [](WorkspaceScene& s, FakeSafe&) { s.world.http.script(delete_call, {lost()}); },
         OutcomeKind::unknown, true, true},
        {"the create is refused",
         [](WorkspaceScene& s, FakeSafe&) {
             s.create(answer(409, R"({"error":"quota"})"));
             s.world.http.script(list_call, {rows(s.before), rows(s.gone)});
         },
         OutcomeKind::failed, true, true},
    };
    for (const auto& one : table) {
        INFO(one.name);
        WorkspaceScene scene;
        const auto safe = std::make_shared<FakeSafe>();
        scene.world.keep_in(safe);
        const auto plan = scene.world.planned(subject);
        CHECK(std::ranges::any_of(plan.warnings, [](const std::string& words) {
            return words.find("kept sealed") != std::string::npos;
        }));
        one.change(scene, *safe);
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == one.kind);
        CHECK(safe->held ==
              (one.kept
                   ? std::map<std::string, std::string>{{intent_id,
                                                         R"({"OPENROUTER_API_KEY":"s3cr3t-one"})"}}
                   : std::map<std::string, std::string>{}));
        CHECK((scene.world.http.find(delete_call) != nullptr) == one.deleted);
    }
}

TEST_CASE("without a sealing key the outcome names the secrets to enter again") {
    for (const bool sealed : {false, true}) {
        WorkspaceScene scene;
        if (sealed) {
            scene.world.keep_in(std::make_shared<FakeSafe>());
        }
        const auto plan = scene.world.planned(subject);
        scene.create(answer(409, R"({"error":"quota"})"));
        scene.world.http.script(list_call, {rows(scene.before), rows(scene.gone)});
        const auto words = scene.world.fire(plan).detail;
        CHECK((words.find("enter its secrets again by hand (OPENROUTER_API_KEY)") ==
               std::string::npos) == sealed);
        CHECK((words.find("its secret values are sealed (OPENROUTER_API_KEY)") !=
               std::string::npos) == sealed);
    }
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
    {"another domain is configured",
     [](WorkspaceScene& s, Plan&) { s.world.config.tenants.url = "https://{slug}.other.test"; }},
    {"the plan shows another delete",
     [](WorkspaceScene&, Plan& p) { p.calls[2].url += "?confirm=true"; }},
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
        {"the canvas page", html(404), OutcomeKind::failed},
        {"the name is wanted",
         answer(400, R"({"error":"destructive_action_requires_confirmation"})"),
         OutcomeKind::failed},
        // Delivered twice, the first one took it away.
        {"gone", answer(404, R"({"error":"workspace not found"})"), OutcomeKind::unknown},
        {"gone for good", answer(410, R"({"error":"workspace removed"})"), OutcomeKind::unknown},
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
        auto sent = scene.world.http.mutations();
        std::erase_if(sent, [](const auto& call) {
            return call == mint_call || call == create_call || call == revoke_call;
        });
        CHECK(sent == std::vector<std::string>{delete_call});
        CHECK(std::ranges::count(scene.world.http.calls(), create_call) == 1);  // its rehearsal
        CHECK(scene.world.http.find(revoke_call) != nullptr);
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
            scene.create(reply);
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
                  std::vector<std::string>{mint_call, create_call, delete_call, create_call});
        }
    }
}

TEST_CASE("an old namesake is not taken for the new one") {
    WorkspaceScene scene;
    scene.before[1]["name"] = "Reporter";
    scene.gone[0]["name"] = "Reporter";
    scene.list(scene.before);
    const auto plan = scene.world.planned(subject);
    scene.create(lost());
    scene.world.http.script(list_call, {rows(scene.before), rows(scene.gone)});
    CHECK(scene.world.fire(plan).kind == OutcomeKind::unknown);
}

TEST_CASE("a refusal that echoes our secrets is not recorded, other words are") {
    WorkspaceScene scene;
    const auto plan = scene.world.planned(subject);
    scene.world.http.script(list_call, {rows(scene.before), rows(scene.gone)});
    scene.create(answer(400, R"({"error":"bad value s3cr3t-one"})"));
    CHECK(scene.world.fire(plan).detail.find("bad value") == std::string::npos);
    scene.world.http.script(list_call, {rows(scene.before), rows(scene.gone)});
    scene.create(answer(400, R"({"error":"model is required"})"));
    CHECK(scene.world.fire(plan).detail.find("model is required") != std::string::npos);
}

}  // namespace
}  // namespace leverd::test
