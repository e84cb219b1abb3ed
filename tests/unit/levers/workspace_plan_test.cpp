// Why: after the delete it is too late to find out what was lost; whatever cannot be captured must
// stop lever D before it.
#include "tests/unit/levers/workspace_scene.hpp"

namespace leverd::test {
namespace {

TEST_CASE("the plan shows the delete and the whole create, secrets masked") {
    WorkspaceScene scene;
    const auto plan = scene.world.planned(subject);
    CHECK(plan.resource == subject);
    REQUIRE(plan.calls.size() == 2);
    CHECK(plan.calls[0].method + " " + plan.calls[0].url == delete_call);
    CHECK(plan.calls[0].body.empty());
    CHECK(plan.calls[1].method + " " + plan.calls[1].url == create_call);
    const auto expected = nlohmann::json::parse(
        R"({"name":"Reporter","role":"writes reports","runtime":"hermes","tier":2,
            "max_concurrent_tasks":4,"canvas":{"x":12.5,"y":-3},"model":"openrouter/x",
            "secrets":{"OPENROUTER_API_KEY":"***","MODEL_PROVIDER":"openrouter/x"}})");
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
    CHECK(scene.world.http.calls() ==
          std::vector<std::string>{list_call, model_call, secrets_call});
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
    scene.list(scene.before);
    scene.world.http.script(model_call, {answer(200, R"({"model":"","source":"default"})")});
    scene.world.http.script(secrets_call, {answer(200, "[]")});
    const auto plan = scene.world.planned(subject);
    const auto body = nlohmann::json::parse(plan.calls[1].body);
    CHECK(body["parent_id"] == neighbour_id);
    CHECK_FALSE(body.contains("model"));
    CHECK_FALSE(body.contains("secrets"));
    CHECK(plan.warnings.back().find("no model") != std::string::npos);
}

TEST_CASE("a rotated tenant token is fetched once and used") {
    WorkspaceScene scene;
    scene.world.inventory.admin_tokens["acme"] = Secret("stale-token");
    scene.world.http.script(
        list_call, {answer(401, R"({"error":"invalid admin auth token"})"), rows(scene.before)});
    scene.world.http.script(
        token_call, {answer(200, std::string(R"({"admin_token":")") + tenant_token + "\"}")});
    REQUIRE(scene.world.plan(subject).has_value());
    CHECK(scene.world.http.calls() ==
          std::vector<std::string>{list_call, token_call, list_call, model_call, secrets_call});
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
