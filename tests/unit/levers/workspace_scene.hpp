// Why: three test files play with the same tenant: a bad hermes workspace with a model and two
// secrets, and a good neighbour.
#pragma once

#include "tests/unit/levers/world.hpp"

#include <nlohmann/json.hpp>

namespace leverd::test {

inline const std::string old_id = "aaaaaaaa-0000-4000-8000-000000000001";
inline const std::string neighbour_id = "aaaaaaaa-0000-4000-8000-000000000002";
inline const std::string new_id = "aaaaaaaa-0000-4000-8000-000000000003";
inline const std::string subject = "workspace/acme/" + old_id;
inline const std::string base = "https://acme.tenants.test";
inline const std::string list_call = "GET " + base + "/workspaces";
inline const std::string model_call = "GET " + base + "/workspaces/" + old_id + "/model";
inline const std::string secrets_call = "GET " + base + "/workspaces/" + old_id + "/secrets";
inline const std::string values_call = secrets_call + "/values";
inline const std::string tokens_call = "GET " + base + "/workspaces/" + old_id + "/tokens";
inline const std::string mint_call = "POST " + base + "/workspaces/" + old_id + "/tokens";
inline const std::string revoke_call = "DELETE " + base + "/workspaces/" + old_id + "/tokens/tok-2";
inline constexpr const char* own_token = "s3cr3t-own-token-of-the-workspace";
inline const std::string delete_call = "DELETE " + base + "/workspaces/" + old_id;
inline const std::string create_call = "POST " + base + "/workspaces";
inline const std::string activity_call =
    "GET " + base + "/workspaces/" + new_id + "/activity?type=a2a_receive&limit=50";
inline const std::string token_call = "GET https://cp.test/cp/admin/orgs/acme/admin-token";

// The calls that count what hangs on the workspace's id.
inline std::vector<std::string> belonging_calls() {
    std::vector<std::string> all;
    for (const char* what :
         {"/schedules", "/memories", "/memory", "/config", "/channels", "/plugins"}) {
        all.push_back("GET " + base + "/workspaces/" + old_id + what);
    }
    return all;
}

inline std::vector<std::string> plan_calls() {
    std::vector<std::string> all{list_call, model_call, secrets_call};
    const auto counted = belonging_calls();
    all.insert(all.end(), counted.begin(), counted.end());
    return all;
}

// What the platform says to a create whose access does not exist, when all else is well.
inline net::HttpResult rehearsed() {
    return answer(400, R"({"error":"invalid workspace access"})");
}

inline nlohmann::json row(const std::string& id, const std::string& name,
                          const std::string& status = "online") {
    auto made = nlohmann::json::parse(R"({"tier":2,"url":"http://10.0.0.1","parent_id":null,
        "active_tasks":0,"max_concurrent_tasks":4,"last_error_rate":0.5,"runtime":"hermes",
        "x":12.5,"y":-3,"role":"writes reports","budget_limit":null,"workspace_dir":"",
        "last_sample_error":"","uptime_seconds":77})");
    made["id"] = id;
    made["name"] = name;
    made["status"] = status;
    return made;
}

inline net::HttpResult rows(const std::vector<nlohmann::json>& all) {
    return answer(200, nlohmann::json(all).dump());
}

struct WorkspaceScene {
    World world{"workspace-reprovision"};
    std::vector<nlohmann::json> before{row(old_id, "Reporter"), row(neighbour_id, "Helper")};
    std::vector<nlohmann::json> gone{row(neighbour_id, "Helper")};
    std::vector<nlohmann::json> after{row(neighbour_id, "Helper"), row(new_id, "Reporter")};

    WorkspaceScene() {
        auto& http = world.http;
        http.script(list_call, {rows(before)});
        http.script(model_call,
                    {answer(200, R"({"model":"openrouter/x","source":"workspace_secrets"})")});
        http.script(secrets_call,
                    {answer(200, R"([{"key":"OPENROUTER_API_KEY","scope":"workspace"},)"
                                 R"({"key":"MODEL_PROVIDER","scope":"workspace"},)"
                                 R"({"key":"GITHUB_TOKEN","scope":"global"}])")});
        for (const auto& call : belonging_calls()) {
            http.script(call, {answer(200, call.ends_with("config") ? R"({"data":{}})" : "[]")});
        }
        http.script(mint_call, {answer(201, R"({"auth_token":")" + std::string(own_token) +
                                                R"(","workspace_id":")" + old_id + "\"}")});
        http.script(tokens_call,
                    {answer(200, R"({"tokens":[{"id":"tok-1","prefix":"ab12cd34"},)"
                                 R"({"id":"tok-2","prefix":"s3cr3t-o"}],"count":2})")});
        http.script(revoke_call, {answer(200, R"({"status":"revoked"})")});
        http.script(values_call,
                    {answer(401, R"({"error":"invalid workspace auth token"})"),
                     answer(200, R"({"OPENROUTER_API_KEY":"s3cr3t-one","MODEL_PROVIDER":)"
                                 R"("openrouter/x","GITHUB_TOKEN":"s3cr3t-two"})")});
        http.script(delete_call, {answer(200, R"({"status":"removed","cascade_deleted":0})")});
        http.script(create_call, {rehearsed(), answer(201, R"({"id":")" + new_id +
                                                               R"(","status":"provisioning"})")});
    }
    // What the create itself is answered, after its rehearsal.
    void create(net::HttpResult reply) {
        world.http.script(create_call, {rehearsed(), std::move(reply)});
    }
    void list(const std::vector<nlohmann::json>& all) { world.http.script(list_call, {rows(all)}); }
};

}  // namespace leverd::test
