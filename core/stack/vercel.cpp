// Why: see vercel.hpp.
#include "core/stack/vercel.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace leverd::stack {
namespace {

constexpr std::size_t word_bytes_max = 64;

std::int64_t time_at(const nlohmann::json& object, const char* key) {
    const double ms = number_at(object, key, 0);
    return std::isfinite(ms) && ms > 0 && ms < 1e14 ? static_cast<std::int64_t>(ms) : 0;
}

const nlohmann::json* object_at(const nlohmann::json& object, const char* key) {
    if (!object.is_object()) {
        return nullptr;
    }
    const auto it = object.find(key);
    return it != object.end() && it->is_object() ? &*it : nullptr;
}

// A member that is there and says no: false, null or 0.
bool says_no(const nlohmann::json& object, const char* key) {
    const auto it = object.find(key);
    if (it == object.end()) {
        return false;
    }
    return it->is_null() || (it->is_boolean() && !it->get<bool>()) ||
           (it->is_number() && it->get<double>() == 0);
}

std::optional<VercelAliasRequest> alias_request_of(const nlohmann::json& project) {
    const auto* last = object_at(project, "lastAliasRequest");
    if (last == nullptr) {
        return std::nullopt;
    }
    VercelAliasRequest out;
    out.from = sanitize(text_at(*last, "fromDeploymentId"), word_bytes_max);
    out.to = sanitize(text_at(*last, "toDeploymentId"), word_bytes_max);
    out.status = sanitize(text_at(*last, "jobStatus"), word_bytes_max);
    out.type = sanitize(text_at(*last, "type"), word_bytes_max);
    out.requested = time_at(*last, "requestedAt");
    return out;
}

std::optional<VercelDeployment> deployment_of(const nlohmann::json& row) {
    if (!row.is_object()) {
        return std::nullopt;
    }
    VercelDeployment out;
    out.id = text_at(row, "uid");
    if (out.id.empty()) {
        out.id = text_at(row, "id");
    }
    out.created = time_at(row, "created");
    if (out.created == 0) {
        out.created = time_at(row, "createdAt");
    }
    if (!is_opaque_id(out.id) || out.created == 0 || text_at(row, "target") != "production") {
        return std::nullopt;
    }
    out.state = text_at(row, "readyState");
    out.state = sanitize(out.state.empty() ? text_at(row, "state") : out.state, word_bytes_max);
    if (const auto* meta = object_at(row, "meta")) {
        out.commit = sanitize(text_at(*meta, "githubCommitSha"), word_bytes_max);
    }
    out.was_live = !says_no(row, "aliasAssigned");
    out.candidate = !says_no(row, "isRollbackCandidate");
    return out;
}

const nlohmann::json* array_at(const nlohmann::json& object, const char* key) {
    if (!object.is_object()) {
        return nullptr;
    }
    const auto it = object.find(key);
    return it != object.end() && it->is_array() ? &*it : nullptr;
}

}  // namespace

net::HttpRequest vercel_request(const VercelAccess& access, std::string method,
                                const std::string& path, const std::string& query) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.url = join_url(access.url, path);
    const std::string team = !access.team_id.empty()     ? "teamId=" + access.team_id
                             : !access.team_slug.empty() ? "slug=" + access.team_slug
                                                         : std::string{};
    const std::string joined = query + (query.empty() || team.empty() ? "" : "&") + team;
    if (!joined.empty()) {
        request.url += "?" + joined;
    }
    request.headers.emplace_back("Accept", "application/json");
    if (!access.token.empty()) {
        request.bearer = access.token;
    }
    return request;
}

namespace {

net::HttpRequest move_request(const VercelAccess& access, const std::string& path) {
    net::HttpRequest request = vercel_request(access, "POST", path);
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = "{}";
    return request;
}

boost::asio::awaitable<Read<net::HttpResponse>> read(VercelAccess access, net::HttpRequest request,
                                                     net::Deadline deadline) {
    if (access.token.empty()) {
        co_return local_problem(Reason::credential_missing, "no Vercel token");
    }
    auto answer = co_await call(access.http, std::move(request), deadline);
    co_return answer;
}

}  // namespace

net::HttpRequest vercel_rollback_request(const VercelAccess& access,
                                         const std::string& deployment) {
    return move_request(access, "/v1/projects/" + access.project + "/rollback/" + deployment);
}

net::HttpRequest vercel_promote_request(const VercelAccess& access, const std::string& deployment) {
    return move_request(access, "/v10/projects/" + access.project + "/promote/" + deployment);
}

Read<VercelProject> parse_vercel_project(const net::HttpRequest& request,
                                         const net::HttpResponse& response) {
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    const auto* targets = object_at(*body, "targets");
    const auto* production = targets == nullptr ? nullptr : object_at(*targets, "production");
    VercelProject out;
    if (production != nullptr) {
        out.production = text_at(*production, "id");
        out.production_state = sanitize(text_at(*production, "readyState"), word_bytes_max);
        out.production_created = time_at(*production, "createdAt");
    }
    if (!is_opaque_id(out.production)) {
        return problem_of(request, response, Reason::wrong_body);
    }
    out.last = alias_request_of(*body);
    out.rolling_release = object_at(*body, "rollingRelease") != nullptr;
    return out;
}

boost::asio::awaitable<Read<VercelProject>> read_vercel_project(VercelAccess access,
                                                                net::Deadline deadline) {
    const net::HttpRequest request =
        vercel_request(access, "GET", "/v9/projects/" + access.project, "rollbackInfo=true");
    auto answer = co_await read(access, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_vercel_project(request, *answer);
}

Read<std::vector<VercelDeployment>> parse_vercel_deployments(const net::HttpRequest& request,
                                                             const net::HttpResponse& response) {
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    const auto* rows = array_at(*body, "deployments");
    if (rows == nullptr) {
        return problem_of(request, response, Reason::wrong_body);
    }
    std::vector<VercelDeployment> out;
    for (const auto& row : *rows) {
        auto one = deployment_of(row);
        if (one) {
            out.push_back(std::move(*one));
        }
    }
    if (out.empty() && !rows->empty()) {
        return problem_of(request, response, Reason::wrong_body);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return a.created != b.created ? a.created > b.created : a.id < b.id;
    });
    return good(std::move(out));
}

boost::asio::awaitable<Read<std::vector<VercelDeployment>>> list_vercel_production(
    VercelAccess access, net::Deadline deadline) {
    const net::HttpRequest request =
        vercel_request(access, "GET", "/v6/deployments",
                       "projectId=" + access.project + "&target=production&limit=50");
    auto answer = co_await read(access, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_vercel_deployments(request, *answer);
}

Read<std::vector<std::string>> parse_vercel_aliases(const net::HttpRequest& request,
                                                    const net::HttpResponse& response) {
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    const auto* rows = array_at(*body, "aliases");
    if (rows == nullptr) {
        return problem_of(request, response, Reason::wrong_body);
    }
    std::vector<std::string> failed;
    for (const auto& row : *rows) {
        // Asked for failures only; a side that lists everything all the same says so per row.
        const std::string status = text_at(row, "status");
        if (status.empty() || status == "failed") {
            const std::string name = sanitize(text_at(row, "alias"), 120);
            failed.push_back(name.empty() ? std::string("one without a name") : name);
        }
    }
    return good(std::move(failed));
}

boost::asio::awaitable<Read<std::vector<std::string>>> list_failed_aliases(VercelAccess access,
                                                                           std::string verb,
                                                                           net::Deadline deadline) {
    const net::HttpRequest request =
        vercel_request(access, "GET", "/v9/projects/" + access.project + "/" + verb + "/aliases",
                       "failedOnly=true&limit=20");
    auto answer = co_await read(access, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_vercel_aliases(request, *answer);
}

}  // namespace leverd::stack
