// Why: DELETE 200 proves nothing (a wrong UUID gets one too); only the list and a clean answer of
// the new one do.
#include "tests/unit/levers/workspace_scene.hpp"

namespace leverd::test {
namespace {

std::string activity_row(const std::string& id, const std::string& status,
                         const std::string& text) {
    return R"({"id":")" + id + R"(","activity_type":"a2a_receive","status":")" + status +
           R"(","created_at":"2026-05-06T10:00:0)" + id.substr(1) +
           R"(Z","response_body":{"result":{"parts":[{"text":")" + text + R"("}]}}})";
}

// Newest first, as the platform answers: a clean one and then the newest.
net::HttpResult activity(const std::string& newest_status, const std::string& text = "Done.") {
    return answer(200, "[" + activity_row("r2", newest_status, text) + "," +
                           activity_row("r1", "ok", "Done.") + "]");
}

TEST_CASE("an ambiguous end is settled by the list") {
    WorkspaceScene scene;
    const auto plan = scene.world.planned(subject);
    SECTION("old gone, one new of that name: yes, with its id") {
        scene.list(scene.after);
        const auto settled = scene.world.observe(plan);
        CHECK(settled.took == Took::yes);
        CHECK(settled.detail == "new_id=" + new_id);
    }
    SECTION("old still there: unclear at first, no later") {
        CHECK(scene.world.observe(plan).took == Took::unclear);
        scene.world.clock.value.at += Millis{30'000};
        const auto settled = scene.world.observe(plan);
        CHECK(settled.took == Took::no);
        CHECK(settled.detail.find("revoke the newest one") != std::string::npos);
    }
    SECTION("gone without a replacement: a person must know") {
        scene.list(scene.gone);
        scene.world.clock.value.at += Millis{600'000};
        const auto settled = scene.world.observe(plan);
        CHECK(settled.took == Took::unclear);
        CHECK(settled.detail.find("recreate it by hand") != std::string::npos);
    }
    SECTION("rows that cannot be read prove no absence") {
        scene.after.push_back(nlohmann::json::object());
        scene.list(scene.after);
        CHECK(scene.world.observe(plan).took == Took::unclear);
    }
    SECTION("the list cannot be read") {
        scene.world.http.script(list_call, {no_body(502)});
        scene.world.clock.value.at += Millis{600'000};
        CHECK(scene.world.observe(plan).took == Took::unclear);
    }
    SECTION("an old namesake is no replacement") {
        auto planned = plan;
        planned.params["namesakes"] = neighbour_id;
        scene.gone[0]["name"] = "Reporter";
        scene.list(scene.gone);
        CHECK(scene.world.observe(planned).took == Took::unclear);
    }
    CHECK(scene.world.http.mutations().empty());
}

struct Sight {
    const char* name;
    std::function<void(WorkspaceScene&)> change;
    Health health;
    Reason reason;
};
const Sight sights[] = {
    {"clean", [](WorkspaceScene&) {}, Health::healthy, Reason::ok},
    {"old one listed", [](WorkspaceScene& s) { s.list(s.before); }, Health::failing,
     Reason::proof_missing},
    {"new one not listed", [](WorkspaceScene& s) { s.list(s.gone); }, Health::unknown,
     Reason::proof_missing},
    {"list not whole",
     [](WorkspaceScene& s) {
         s.after.push_back(nlohmann::json::object());
         s.list(s.after);
     },
     Health::unknown, Reason::proof_missing},
    {"list unreadable", [](WorkspaceScene& s) { s.world.http.script(list_call, {no_body(502)}); },
     Health::unknown, Reason::http_5xx},
    {"provisioning", [](WorkspaceScene& s) { s.list({row(new_id, "Reporter", "provisioning")}); },
     Health::unknown, Reason::provisioning},
    {"failed", [](WorkspaceScene& s) { s.list({row(new_id, "Reporter", "failed")}); },
     Health::failing, Reason::workspace_failed},
    {"offline", [](WorkspaceScene& s) { s.list({row(new_id, "Reporter", "offline")}); },
     Health::failing, Reason::workspace_offline},
    {"degraded", [](WorkspaceScene& s) { s.list({row(new_id, "Reporter", "degraded")}); },
     Health::degraded, Reason::workspace_degraded},
    {"a status nobody knows",
     [](WorkspaceScene& s) { s.list({row(new_id, "Reporter", "dreaming")}); }, Health::unknown,
     Reason::unknown_state},
    {"nobody asked it yet",
     [](WorkspaceScene& s) { s.world.http.script(activity_call, {answer(200, "[]")}); },
     Health::unknown, Reason::proof_missing},
    {"its newest answer is an error",
     [](WorkspaceScene& s) { s.world.http.script(activity_call, {activity("error")}); },
     Health::failing, Reason::agent_errors},
    {"an error hidden in an ok row",
     [](WorkspaceScene& s) {
         s.world.http.script(activity_call,
                             {activity("ok",
                                       "Agent error (RuntimeError) \\u2014 see workspace logs for "
                                       "details.")});
     },
     Health::failing, Reason::agent_errors},
    {"a provider fault",
     [](WorkspaceScene& s) {
         s.world.http.script(activity_call, {activity("ok", "Invalid API key")});
     },
     Health::degraded, Reason::provider_fault},
    {"activity unreadable",
     [](WorkspaceScene& s) { s.world.http.script(activity_call, {answer(500, "{}")}); },
     Health::unknown, Reason::http_5xx},
};

TEST_CASE(
    "false success D: a DELETE of a wrong UUID is 200, so the old one must be gone, the new "
    "answer") {
    for (const auto& one : sights) {
        INFO(one.name);
        WorkspaceScene scene;
        const auto plan = scene.world.planned(subject);
        const auto outcome = scene.world.fire(plan);
        REQUIRE(outcome.kind == OutcomeKind::accepted);
        scene.world.http.seen.clear();
        scene.list(scene.after);
        scene.world.http.script(activity_call, {activity("ok")});
        one.change(scene);
        const auto look = scene.world.prove(plan, outcome);
        REQUIRE(look.has_value());
        INFO(look->evidence);
        CHECK(look->health == one.health);
        CHECK(look->reason == one.reason);
        CHECK(look->subject == Subject(subject));
        CHECK(look->probe == "lever:workspace-reprovision");
        CHECK(look->evidence.size() <= evidence_bytes_max);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("after a lost answer the new one is known by its name") {
    WorkspaceScene scene;
    const auto plan = scene.world.planned(subject);
    scene.list(scene.after);
    scene.world.http.script(activity_call, {activity("ok")});
    CHECK(scene.world.prove(plan, Outcome{})->health == Health::healthy);
}

}  // namespace
}  // namespace leverd::test
