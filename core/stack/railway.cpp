// Why: see railway.hpp.
#include "core/stack/railway.hpp"

#include "core/base/text.hpp"
#include "core/stack/control_plane.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace leverd::stack {
namespace {

constexpr std::size_t word_bytes_max = 64;

constexpr const char* list_query =
    "query deployments($input: DeploymentListInput!, $first: Int) { deployments(input: $input, "
    "first: $first) { edges { node { id status canRollback deploymentStopped createdAt snapshotId "
    "meta } } } }";
constexpr const char* rollback_query =
    "mutation deploymentRollback($id: String!) { deploymentRollback(id: $id) }";

bool flag_at(const nlohmann::json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_boolean() && it->get<bool>();
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// The first message of a GraphQL error list, in lower case.
std::string first_message(const nlohmann::json& errors) {
    return errors.empty() ? std::string{} : lower_case(text_at(errors.front(), "message"));
}

Problem graphql_problem(const net::HttpRequest& request, const net::HttpResponse& response,
                        const nlohmann::json& body, const nlohmann::json& errors) {
    const std::string message = first_message(errors);
    const auto says = [&](const char* words) { return message.find(words) != std::string::npos; };
    Reason reason = Reason::wrong_body;
    if (says("not authorized") || says("unauthorized")) {
        reason = Reason::unauthorized;
    } else if (says("rate limit") || says("too many requests")) {
        reason = Reason::rate_limited;
    }
    Problem problem = problem_of(request, response, reason);
    problem.exact = reason != Reason::wrong_body || !body.contains("data");
    return problem;
}

std::optional<RailwayDeployment> deployment_of(const nlohmann::json& node) {
    if (!node.is_object()) {
        return std::nullopt;
    }
    RailwayDeployment out;
    out.id = text_at(node, "id");
    const auto created = parse_rfc3339(text_at(node, "createdAt"));
    if (!is_uuid(out.id) || !created) {
        return std::nullopt;
    }
    out.created = *created;
    out.created_text = sanitize(text_at(node, "createdAt"), word_bytes_max);
    out.status = sanitize(text_at(node, "status"), word_bytes_max);
    out.can_rollback = flag_at(node, "canRollback");
    out.stopped = flag_at(node, "deploymentStopped");
    out.snapshot = sanitize(text_at(node, "snapshotId"), word_bytes_max);
    const auto meta = node.find("meta");
    if (meta != node.end() && meta->is_object()) {
        out.commit = sanitize(text_at(*meta, "commitHash"), word_bytes_max);
        out.image = sanitize(text_at(*meta, "image"), 200);
    }
    return out;
}

}  // namespace

net::HttpRequest railway_request(const RailwayAccess& access, std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.url = access.url;
    request.headers.emplace_back("Accept", "application/json");
    request.headers.emplace_back("Content-Type", "application/json");
    if (!access.project_token.empty()) {
        request.headers.emplace_back("Project-Access-Token", access.project_token.reveal());
    } else if (!access.account_token.empty()) {
        request.bearer = access.account_token;
    }
    request.body = std::move(body);
    return request;
}

std::string railway_list_body(const RailwayAccess& access, int first) {
    const nlohmann::json body = {{"query", list_query},
                                 {"variables",
                                  {{"first", first},
                                   {"input",
                                    {{"projectId", access.project_id},
                                     {"environmentId", access.environment_id},
                                     {"serviceId", access.service_id}}}}}};
    return body.dump();
}

std::string railway_rollback_body(const std::string& deployment) {
    const nlohmann::json body = {{"query", rollback_query}, {"variables", {{"id", deployment}}}};
    return body.dump();
}

Read<nlohmann::json> parse_railway(const net::HttpRequest& request,
                                   const net::HttpResponse& response) {
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    if (!body->is_object()) {
        return problem_of(request, response, Reason::wrong_body);
    }
    const auto errors = body->find("errors");
    if (errors != body->end() && errors->is_array() && !errors->empty()) {
        return graphql_problem(request, response, *body, *errors);
    }
    const auto data = body->find("data");
    if (data == body->end() || !data->is_object()) {
        return problem_of(request, response, Reason::wrong_body);
    }
    return good(nlohmann::json(*data));
}

Read<std::vector<RailwayDeployment>> parse_railway_deployments(const net::HttpRequest& request,
                                                               const net::HttpResponse& response) {
    auto data = parse_railway(request, response);
    if (data.has_error()) {
        return data.error();
    }
    const auto list = data->find("deployments");
    const auto wrong = [&] { return problem_of(request, response, Reason::wrong_body); };
    if (list == data->end() || !list->is_object()) {
        return wrong();
    }
    const auto edges = list->find("edges");
    if (edges == list->end() || !edges->is_array()) {
        return wrong();
    }
    std::vector<RailwayDeployment> out;
    for (const auto& edge : *edges) {
        const auto node = edge.is_object() ? edge.find("node") : edge.end();
        auto row = edge.is_object() && node != edge.end() ? deployment_of(*node)
                                                          : std::optional<RailwayDeployment>{};
        if (row) {
            out.push_back(std::move(*row));
        }
    }
    if (out.empty() && !edges->empty()) {
        return wrong();
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return a.created != b.created ? a.created > b.created : a.id < b.id;
    });
    return good(std::move(out));
}

boost::asio::awaitable<Read<std::vector<RailwayDeployment>>> list_railway_deployments(
    RailwayAccess access, int first, net::Deadline deadline) {
    if (access.project_token.empty() && access.account_token.empty()) {
        co_return local_problem(Reason::credential_missing, "no Railway token");
    }
    const net::HttpRequest request = railway_request(access, railway_list_body(access, first));
    auto answer = co_await call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_railway_deployments(request, *answer);
}

SameBuild same_build(const RailwayDeployment& a, const RailwayDeployment& b) {
    SameBuild found = SameBuild::unknown;
    const std::pair<const std::string*, const std::string*> pairs[] = {
        {&a.snapshot, &b.snapshot}, {&a.commit, &b.commit}, {&a.image, &b.image}};
    for (const auto& [x, y] : pairs) {
        if (x->empty() || y->empty()) {
            continue;
        }
        if (*x == *y) {
            return SameBuild::yes;
        }
        found = SameBuild::no;
    }
    return found;
}

bool is_under_way(std::string_view status) {
    static constexpr std::array<std::string_view, 5> words{"QUEUED", "WAITING", "INITIALIZING",
                                                           "BUILDING", "DEPLOYING"};
    return is_one_of(status, words);
}

bool is_up(std::string_view status) {
    return status == "SUCCESS" || status == "SLEEPING";
}

bool is_broken(std::string_view status) {
    static constexpr std::array<std::string_view, 3> words{"FAILED", "CRASHED", "SKIPPED"};
    return is_one_of(status, words);
}

}  // namespace leverd::stack
