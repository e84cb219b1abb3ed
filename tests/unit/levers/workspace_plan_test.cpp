// Why: after the delete it is too late to find out what was lost; whatever cannot be captured must
// stop lever D before it.
#include "tests/unit/levers/workspace_scene.hpp"

#include <algorithm>

namespace leverd::test {
namespace {

bool says(const Plan& plan, const std::string& words) {
    return std::ranges::any_of(plan.warnings, [&](const std::string& one) {
        return one.find(words) != std::string::npos;
    });
}

std::vector<std::string> with_front(std::vector<std::string> front,
                                    const std::vector<std::string>& rest) {
    front.insert(front.end(), rest.begin(), rest.end());
    return front;
}

TEST_CASE("the plan shows the delete and the whole create, secrets masked") {
    WorkspaceScene scene;
    const auto plan = scene.world.planned(subject);
    CHECK(plan.resource == subject);
    REQUIRE(plan.calls.size() == 4);
    const std::vector<std::string> order{mint_call, create_call, delete_call, create_call};
    for (std::size_t i = 0; i < order.size(); ++i) {
        CHECK(plan.calls[i].method + " " + plan.calls[i].url == order[i]);
    }
    CHECK(plan.calls[0].body.empty());
    CHECK(plan.calls[2].body.empty());
    auto expected = nlohmann::json::parse(
        R"({"name":"Reporter","role":"writes reports","runtime":"hermes","tier":2,
            "max_concurrent_tasks":4,"canvas":{"x":12.5,"y":-3},"model":"openrouter/x",
            "secrets":{"OPENROUTER_API_KEY":"***","MODEL_PROVIDER":"openrouter/x"}})");
    CHECK(plan.calls[3].body == dump(expected));
    expected["workspace_access"] = "leverd-rehearsal";
    CHECK(plan.calls[1].body == dump(expected));
    CHECK(plan.params.at("name") == "Reporter");
    CHECK(plan.params.at("secrets") == "OPENROUTER_API_KEY");
    CHECK(plan.params.at("namesakes").empty());
    CHECK(plan.target_version.starts_with("sha256:"));
    CHECK(plan.moves.empty());
}

TEST_CASE("planning reads no secret value and goes to no other place") {
    WorkspaceScene scene;
    REQUIRE(scene.world.plan(subject).has_value());
    CHECK(scene.world.http.calls() == plan_calls());
    CHECK(scene.world.http.mutations().empty());
    for (const auto& request : scene.world.http.seen) {
        CHECK(header_of(request, "X-Molecule-Org-Id") == org_id);
        CHECK(header_of(request, "Origin") == base);
        REQUIRE(request.bearer.has_value());
        CHECK(request.bearer->reveal() == tenant_token);
    }
}

TEST_CASE("the version follows the spec, not the load") {
    WorkspaceScene scene;
    const auto version = scene.world.planned(subject).target_version;
    auto busy = scene.before;
    busy[0]["status"] = "degraded";
    busy[0]["active_tasks"] = 3;
    busy[0]["last_error_rate"] = 1;
    busy[0]["uptime_seconds"] = 99;
    busy[0]["last_sample_error"] = "boom";
    scene.list(busy);
    CHECK(scene.world.planned(subject).target_version == version);
    busy[0]["role"] = "writes poems";
    scene.list(busy);
    CHECK(scene.world.planned(subject).target_version != version);
    scene.list(scene.before);
    scene.world.http.script(model_call, {answer(200, R"({"model":"openrouter/y"})")});
    CHECK(scene.world.planned(subject).target_version != version);
}

TEST_CASE("namesakes are known before, so that none of them is taken for the new one") {
    WorkspaceScene scene;
    scene.before[1]["name"] = "Reporter";
    scene.list(scene.before);
    CHECK(scene.world.planned(subject).params.at("namesakes") == neighbour_id);
}

TEST_CASE("a parent is kept and a model that nobody set is left out") {
    WorkspaceScene scene;
    scene.before[0]["parent_id"] = neighbour_id;
    scene.before[0]["runtime"] = "openclaw";
    scene.list(scene.before);
    scene.world.http.script(model_call, {answer(200, R"({"model":"","source":"default"})")});
    scene.world.http.script(secrets_call, {answer(200, "[]")});
    const auto plan = scene.world.planned(subject);
    REQUIRE(plan.calls.size() == 3);  // no secrets, so no token to read them with
    const auto body = nlohmann::json::parse(plan.calls[2].body);
    CHECK(body["parent_id"] == neighbour_id);
    CHECK_FALSE(body.contains("model"));
    CHECK_FALSE(body.contains("secrets"));
    CHECK(says(plan, "lost: its model, if it was given one when it was created"));
}

TEST_CASE("the plan names what this workspace loses, with numbers") {
    WorkspaceScene scene;
    auto& row = scene.before[0];
    row["monthly_spend"] = 650;
    row["budget_limit"] = 700;
    row["collapsed"] = true;
    row["shoe_size"] = 43;
    scene.list(scene.before);
    const auto calls = belonging_calls();
    scene.world.http.script(calls[0], {answer(200, R"([{"id":"a"},{"id":"b"}])")});
    scene.world.http.script(calls[1], {answer(200, R"([{"id":"a"}])")});
    scene.world.http.script(calls[3], {answer(200, R"({"data":{"a":1,"b":2}})")});
    scene.world.http.script(calls[4], {html(404)});
    scene.world.http.script(calls[5], {answer(500, "{}")});
    const auto plan = scene.world.planned(subject);
    CHECK(says(plan,
               "irreversible: lost for good are 2 schedules, 1 memory, 2 configuration "
               "values, its history, its tokens"));
    CHECK(says(plan, "could not be counted: channels, plugins"));
    CHECK(says(plan, "monthly_spend is 650 and restarts at 0"));
    CHECK(says(plan, "lost: collapsed"));
    CHECK(says(plan, "does not know and does not copy: shoe_size"));
    CHECK(says(plan, "what no read shows: workspace_access, hibernation_idle_minutes"));
    CHECK(says(plan,
               "secret values: read after the intent, before the delete: "
               "OPENROUTER_API_KEY"));
    CHECK(says(plan, "no sealing key is set"));
    CHECK(says(plan, "not checked by reading"));
    CHECK_FALSE(says(plan, "lost: its model"));
    const auto body = nlohmann::json::parse(plan.calls[3].body);
    CHECK(body["budget_limit"] == 700);
}

TEST_CASE("losses are counted anew every ten minutes, and when the workspace changed") {
    WorkspaceScene scene;
    const auto first = scene.world.planned(subject);
    scene.world.http.script(belonging_calls()[0], {answer(200, R"([{"id":"a"}])")});
    scene.world.clock.value.at += Millis{9 * 60'000};
    REQUIRE(scene.world.plan(subject).has_value());
    CHECK(scene.world.http.calls() ==
          std::vector<std::string>{list_call, model_call, secrets_call});
    CHECK(scene.world.planned(subject) == first);
    scene.world.clock.value.at += Millis{2 * 60'000};
    CHECK(says(scene.world.planned(subject), "1 schedule"));
    scene.world.http.script(belonging_calls()[0], {answer(200, R"([{"id":"a"},{"id":"b"}])")});
    CHECK(says(scene.world.planned(subject), "1 schedule"));
    scene.before[0]["role"] = "writes poems";
    scene.list(scene.before);
    CHECK(says(scene.world.planned(subject), "2 schedules"));
}

TEST_CASE("what the newest build shows is copied or named") {
    WorkspaceScene scene;
    for (auto& row : scene.before) {
        row["kind"] = "workspace";
        row["broadcast_enabled"] = true;
        row["talk_to_user_enabled"] = true;
        row["compute"] = nullptr;
    }
    scene.before[0]["parent_id"] = neighbour_id;
    scene.before[0]["talk_to_user_enabled"] = false;
    scene.before[0]["compute"] = {{"provider", "aws"}, {"instance_type", "t3.large"}};
    scene.list(scene.before);
    scene.world.http.script(secrets_call,
                            {answer(200, R"([{"key":"OPENROUTER_API_KEY","scope":"workspace"},)"
                                         R"({"key":"MODEL","scope":"workspace"}])")});
    const auto plan = scene.world.planned(subject);
    const auto body = nlohmann::json::parse(plan.calls.back().body);
    CHECK(body["compute"] == scene.before[0]["compute"]);
    CHECK(body["model"] == "openrouter/x");
    CHECK(body["secrets"] == nlohmann::json{{"OPENROUTER_API_KEY", "***"}});
    CHECK(says(plan, "talk_to_user_enabled is false"));
    CHECK(says(plan, "lost: tier 2; this build creates tier 4 only"));
    CHECK_FALSE(says(plan, "broadcast_enabled"));
    CHECK(plan.params.at("secrets") == "OPENROUTER_API_KEY");
}

TEST_CASE("a rotated tenant token is fetched once and used") {
    WorkspaceScene scene;
    scene.world.inventory.admin_tokens["acme"] = Secret("stale-token");
    scene.world.http.script(
        list_call, {answer(401, R"({"error":"invalid admin auth token"})"), rows(scene.before)});
    scene.world.http.script(
        token_call, {answer(200, std::string(R"({"admin_token":")") + tenant_token + "\"}")});
    REQUIRE(scene.world.plan(subject).has_value());
    CHECK(scene.world.http.calls() == with_front({list_call, token_call}, plan_calls()));
    CHECK(scene.world.http.seen.back().bearer->reveal() == tenant_token);
    CHECK(scene.world.inventory.admin_tokens["acme"].reveal() == tenant_token);
}

struct Refused {
    const char* name;
    std::string subject;
    std::function<void(WorkspaceScene&)> change;
    const char* words;
};

void alter(WorkspaceScene& scene, const char* key, const nlohmann::json& value) {
    scene.before[0][key] = value;
    scene.list(scene.before);
}

const Refused refused[] = {
    {"children", subject,
     [](WorkspaceScene& s) {
         s.before[1]["parent_id"] = old_id;
         s.list(s.before);
     },
     "children"},
    {"not in the list", subject, [](WorkspaceScene& s) { s.list(s.gone); }, "not in the list"},
    {"removed", subject, [](WorkspaceScene& s) { alter(s, "status", "removed"); }, "removed"},
    {"paused", subject, [](WorkspaceScene& s) { alter(s, "status", "paused"); }, "sleep"},
    {"hibernated", subject, [](WorkspaceScene& s) { alter(s, "status", "hibernated"); }, "sleep"},
    {"external", subject, [](WorkspaceScene& s) { alter(s, "runtime", "external"); }, "outside"},
    {"no name", subject, [](WorkspaceScene& s) { alter(s, "name", ""); }, "name"},
    {"a name that create refuses", subject, [](WorkspaceScene& s) { alter(s, "name", "a*b"); },
     "name"},
    {"a name too long", subject, [](WorkspaceScene& s) { alter(s, "name", std::string(256, 'a')); },
     "name"},
    {"a role too long", subject,
     [](WorkspaceScene& s) { alter(s, "role", std::string(1001, 'a')); }, "role"},
    {"a role that create refuses and an import stored", subject,
     [](WorkspaceScene& s) { alter(s, "role", "Owns R&D > platform [core] work!"); },
     "role would be refused"},
    {"a role with a line break", subject, [](WorkspaceScene& s) { alter(s, "role", "one\ntwo"); },
     "role would be refused"},
    {"a host's directory", subject,
     [](WorkspaceScene& s) { alter(s, "workspace_dir", "/srv/repo"); }, "workspace_dir"},
    {"an access that wants a host's directory", subject,
     [](WorkspaceScene& s) { alter(s, "workspace_access", "read_only"); }, "workspace_dir"},
    {"langgraph, as which somebody's own agent is stored", subject,
     [](WorkspaceScene& s) { alter(s, "runtime", "langgraph"); }, "also keeps agents"},
    {"kimi", subject, [](WorkspaceScene& s) { alter(s, "runtime", "kimi"); }, "outside"},
    {"external by its flag", subject, [](WorkspaceScene& s) { alter(s, "external", true); },
     "outside"},
    {"awaiting its agent", subject, [](WorkspaceScene& s) { alter(s, "status", "awaiting_agent"); },
     "outside"},
    {"polls", subject, [](WorkspaceScene& s) { alter(s, "delivery_mode", "poll"); },
     "fetches its messages"},
    {"the organisation's own agent", subject,
     [](WorkspaceScene& s) { alter(s, "kind", "platform"); }, "organisation's own agent"},
    {"at the top on the newest build", subject,
     [](WorkspaceScene& s) { alter(s, "kind", "workspace"); }, "top of its organisation"},
    {"a runtime nobody knows", subject, [](WorkspaceScene& s) { alter(s, "runtime", "basic"); },
     "runtime basic"},
    {"no runtime", subject, [](WorkspaceScene& s) { alter(s, "runtime", nullptr); }, "runtime"},
    {"a runtime that the newest build dropped", subject,
     [](WorkspaceScene& s) {
         s.before[0]["parent_id"] = neighbour_id;
         s.before[0]["kind"] = "workspace";
         alter(s, "runtime", "crewai");
     },
     "runtime crewai"},
    {"no model on the newest build", subject,
     [](WorkspaceScene& s) {
         alter(s, "parent_id", neighbour_id);
         s.world.http.script(model_call, {answer(200, R"({"model":"","source":"unresolved"})")});
     },
     "no model is stored"},
    {"hermes without a model on any build", subject,
     [](WorkspaceScene& s) {
         s.world.http.script(model_call, {answer(200, R"({"model":"","source":"default"})")});
     },
     "hermes does not work"},
    {"no credential on the newest build", subject,
     [](WorkspaceScene& s) {
         s.before[0]["parent_id"] = neighbour_id;
         s.before[0]["kind"] = "workspace";
         alter(s, "runtime", "claude-code");
         s.world.http.script(model_call, {answer(200, R"({"model":"sonnet"})")});
         s.world.http.script(secrets_call, {answer(200, R"([{"key":"MODEL"}])")});
     },
     "no credential"},
    {"a parent that is gone", subject, [](WorkspaceScene& s) { alter(s, "parent_id", new_id); },
     "parent is not in the list"},
    {"a secret without a value", subject,
     [](WorkspaceScene& s) {
         s.world.http.script(secrets_call, {answer(200, R"([{"key":"A","has_value":false}])")});
     },
     "no value"},
    {"a parent that is no id", subject, [](WorkspaceScene& s) { alter(s, "parent_id", "../x"); },
     "parent"},
    {"rows that cannot be read", subject,
     [](WorkspaceScene& s) {
         s.before.push_back(nlohmann::json::object());
         s.list(s.before);
     },
     "unreadable"},
    {"list is a page", subject,
     [](WorkspaceScene& s) { s.world.http.script(list_call, {html(200)}); }, "list"},
    {"datastore down", subject,
     [](WorkspaceScene& s) {
         s.world.http.script(list_call, {answer(503, R"({"code":"platform_unavailable"})")});
     },
     "503"},
    {"model is a page", subject,
     [](WorkspaceScene& s) { s.world.http.script(model_call, {html(200)}); }, "model"},
    {"model unreadable", subject,
     [](WorkspaceScene& s) { s.world.http.script(model_call, {answer(500, "{}")}); }, "model"},
    {"model missing", subject,
     [](WorkspaceScene& s) { s.world.http.script(model_call, {answer(200, "{}")}); }, "model"},
    {"secrets unreadable", subject,
     [](WorkspaceScene& s) { s.world.http.script(secrets_call, {answer(401, "{}")}); }, "secrets"},
    {"secrets of another shape", subject,
     [](WorkspaceScene& s) { s.world.http.script(secrets_call, {answer(200, "{}")}); }, "secrets"},
    {"a secret without a name", subject,
     [](WorkspaceScene& s) {
         s.world.http.script(secrets_call, {answer(200, R"([{"key":"A\nB"}])")});
     },
     "secrets"},
    {"no id", "workspace/acme/1", [](WorkspaceScene&) {}, "not a workspace"},
    {"no slug", "workspace/AC ME/" + old_id, [](WorkspaceScene&) {}, "not a workspace"},
    {"a longer path", subject + "/x", [](WorkspaceScene&) {}, "not a workspace"},
    {"another kind", "tenant/acme", [](WorkspaceScene&) {}, "not a workspace"},
    {"no token to be had", subject,
     [](WorkspaceScene& s) {
         s.world.inventory.admin_tokens.clear();
         s.world.http.script(token_call, {answer(503, "{}")});
     },
     "admin token"},
};

TEST_CASE("no plan when the workspace must not or could not be replaced") {
    for (const auto& one : refused) {
        INFO(one.name);
        WorkspaceScene scene;
        one.change(scene);
        const auto plan = scene.world.plan(one.subject);
        REQUIRE(plan.has_error());
        INFO(plan.error().what);
        CHECK(plan.error().what.find(one.words) != std::string::npos);
        check_no_token(plan.error().what + plan.error().hint);
        CHECK(scene.world.http.mutations().empty());
    }
}

}  // namespace
}  // namespace leverd::test
