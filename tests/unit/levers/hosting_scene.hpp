// Why: what the two hosting levers stand on in their tests: one service on Railway, one project on
// Vercel, and the answers of both hosts in the shapes that the wire contract gives them.
#pragma once

#include "tests/unit/levers/world.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace leverd::test {

inline constexpr const char* railway_url = "https://railway.test/graphql/v2";
inline constexpr const char* railway_call = "POST https://railway.test/graphql/v2";
inline constexpr const char* railway_token = "s3cr3t-railway-1234567890";
inline constexpr const char* vercel_token = "s3cr3t-vercel-1234567890";
inline constexpr const char* project_id = "00000000-0000-4000-8000-00000000000a";
inline constexpr const char* environment_id = "00000000-0000-4000-8000-00000000000b";
inline constexpr const char* service_id = "00000000-0000-4000-8000-00000000000c";

inline void give_railway(World& world) {
    auto& railway = world.config.railway;
    railway.url = railway_url;
    railway.project_id = project_id;
    railway.environment_id = environment_id;
    railway.service_id = service_id;
    railway.project_token = "railway";
    world.secrets["railway"] = Secret(railway_token);
}

inline void give_vercel(World& world) {
    auto& vercel = world.config.vercel;
    vercel.url = "https://vercel.test";
    vercel.project_id = "prj_1";
    vercel.team_id = "team_9";
    vercel.token = "vercel";
    world.secrets["vercel"] = Secret(vercel_token);
}

// "00000000-0000-4000-8000-0000000000NN"
inline std::string deployment_id(int n) {
    const std::string digits = std::to_string(n);
    return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

// Deployment n of minute n, built from `commit`.
inline nlohmann::json railway_row(int n, const char* status, const char* commit,
                                  bool can_rollback = true) {
    const std::string minute = (n < 10 ? "0" : "") + std::to_string(n);
    const nlohmann::json node = {{"id", deployment_id(n)},
                                 {"status", status},
                                 {"canRollback", can_rollback},
                                 {"deploymentStopped", false},
                                 {"createdAt", "2026-05-01T09:" + minute + ":00.000Z"},
                                 {"meta", {{"commitHash", commit}}}};
    return {{"node", node}};
}

inline net::HttpResult railway_list(const std::vector<nlohmann::json>& rows) {
    const nlohmann::json body = {{"data", {{"deployments", {{"edges", rows}}}}}};
    return answer(200, body.dump());
}

inline net::HttpResult railway_says(const std::string& data) {
    return answer(200, "{\"data\":" + data + "}");
}

inline nlohmann::json vercel_row(const char* id, int created, const char* state = "READY") {
    return {{"uid", id},
            {"name", "molecule-app"},
            {"created", 1'777'000'000'000 + created * 60'000LL},
            {"state", state},
            {"readyState", state},
            {"target", "production"},
            {"aliasAssigned", 1'777'000'000'000 + created * 60'000LL},
            {"isRollbackCandidate", true},
            {"meta", {{"githubCommitSha", "abcdef0123456789"}}}};
}

inline net::HttpResult vercel_list(const std::vector<nlohmann::json>& rows) {
    const nlohmann::json body = {{"deployments", rows}};
    return answer(200, body.dump());
}

// The project while `live` serves; `last` is its newest alias request, or null.
inline net::HttpResult vercel_project(const char* live, const nlohmann::json& last = nullptr) {
    nlohmann::json body = {
        {"id", "prj_1"},
        {"name", "molecule-app"},
        {"targets", {{"production", {{"id", live}, {"readyState", "READY"}, {"url", "x"}}}}}};
    if (!last.is_null()) {
        body["lastAliasRequest"] = last;
    }
    return answer(200, body.dump());
}

inline nlohmann::json alias_entry(const char* to, const char* status, std::int64_t requested) {
    return {{"fromDeploymentId", "dpl_bad"},
            {"toDeploymentId", to},
            {"jobStatus", status},
            {"type", "rollback"},
            {"requestedAt", requested}};
}

}  // namespace leverd::test
