// Why: diagnostics are read before a lever fires; they must keep what explains, leak nothing that
// people said, fit their cap, and never keep a lever from firing.
#include "policies/levers/diagnose.hpp"

#include "tests/catch.hpp"
#include "tests/unit/levers/world.hpp"

#include <nlohmann/json.hpp>

using namespace leverd;
using namespace leverd::test;

namespace {

constexpr const char* workspace_id = "99999999-2222-4333-8444-555555555555";

struct Scene {
    World world{"tenant-redeploy"};
    levers::Context context;

    Scene() {
        context.config = borrowed(world.config);
        context.http = &world.http;
        context.clock = &world.clock;
        context.inventory = &world.inventory;
        context.secrets = borrowed(world.secrets);
    }
    void orgs(net::HttpResult result) {
        world.http.script("GET https://cp.test/cp/admin/orgs?limit=500", {std::move(result)});
    }
    void boot(net::HttpResult result) {
        world.http.script("GET https://cp.test/cp/admin/tenants/acme/boot-events?limit=50",
                          {std::move(result)});
    }
    void activity(net::HttpResult result) {
        world.http.script(std::string("GET https://acme.tenants.test/workspaces/") + workspace_id +
                              "/activity?type=a2a_receive&limit=20",
                          {std::move(result)});
    }
    std::vector<Diagnostic> read(const std::string& subject) {
        std::vector<Subject> about{Subject(subject)};
        return run(levers::diagnose(context, std::move(about)));
    }
};

std::string orgs_body() {
    return std::string(R"({"orgs":[{"id":")") + org_id +
           R"(","slug":"acme","instance_status":"running","note":"hello secret chat"}]})";
}

std::string boot_body(int events) {
    nlohmann::json body;
    body["slug"] = "acme";
    body["org_id"] = org_id;
    body["events"] = nlohmann::json::array();
    for (int i = 0; i < events; ++i) {
        body["events"].push_back({{"stage", "image_pull"},
                                  {"status", "failed"},
                                  {"message", "pulled with TOKEN=hunter2"},
                                  {"created_at", "2026-05-06T18:00:00Z"}});
    }
    return body.dump();
}

std::string activity_body() {
    return R"([{"id":"1","activity_type":"a2a_receive","status":"error",)"
           R"("error_detail":"dial failed: please tell my wife I love her",)"
           R"("request_body":{"text":"my password is hunter2"},)"
           R"("created_at":"2026-05-06T18:00:00Z"}])";
}

}  // namespace

TEST_CASE("a workspace is diagnosed by all three, without a word that people said") {
    Scene scene;
    scene.orgs(answer(200, orgs_body()));
    scene.boot(answer(200, boot_body(1)));
    scene.activity(answer(200, activity_body()));
    const auto found = scene.read(std::string("workspace/acme/") + workspace_id);
    REQUIRE(found.size() == 3);
    CHECK(found[0].what == "infra_state");
    CHECK(found[0].text.find(R"("instance_status":"running")") != std::string::npos);
    CHECK(found[1].what == "boot_events");
    CHECK(found[1].text.find(R"("stage":"image_pull")") != std::string::npos);
    CHECK(found[2].what == "activity");
    CHECK(found[2].text.find(R"("answer":"agent_fault")") != std::string::npos);
    for (const auto& one : found) {
        INFO(one.what << ' ' << one.text);
        CHECK(one.ok);
        CHECK(one.text.find("hunter2") == std::string::npos);
        CHECK(one.text.find("wife") == std::string::npos);
        CHECK(one.text.find("chat") == std::string::npos);
        check_no_token(one.text);
    }
    CHECK(scene.world.http.mutations().empty());
}

TEST_CASE("a diagnostic that cannot be read says so and hides no other") {
    Scene scene;
    scene.orgs(answer(401, R"({"error":"Bearer abcdef"})"));
    scene.boot(lost());
    const auto found = scene.read("tenant/acme");
    REQUIRE(found.size() == 2);
    for (const auto& one : found) {
        CHECK_FALSE(one.ok);
        CHECK(one.text.starts_with("could not be read: "));
        check_no_token(one.text);
    }
}

TEST_CASE("long histories are cut at the cap, and say how much is missing") {
    Scene scene;
    scene.orgs(answer(200, orgs_body()));
    scene.boot(answer(200, boot_body(200)));
    const auto found = scene.read("tenant/acme");
    REQUIRE(found.size() == 2);
    CHECK(found[1].text.size() <= diagnostic_bytes_max);
    CHECK(nlohmann::json::parse(found[1].text)["left_out"].get<int>() > 0);
}

TEST_CASE("subjects that are no tenant and no workspace ask nothing") {
    Scene scene;
    CHECK(scene.read("image/molecule-ai/platform").empty());
    CHECK(scene.read("tenant/../../evil").empty());
    CHECK(scene.world.http.calls().empty());
}
