// Why: railway.sandbox.test speaks GraphQL as Railway does: refusals come with 200, a rollback
// answers a bare true, and what it made has to be found in the list.
#include "clock.hpp"
#include "crypto.hpp"
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr std::int64_t kBuild = 700;  // until a rollback's deployment ends

Reply graphql_error(const char* message) {
    json error = json::object({{"message", message}});
    return json_reply(200, json::object({{"errors", json::array({error})}, {"data", nullptr}}));
}

Reply limited() {
    Reply reply = json_reply(429, json::object({{"message", "Too Many Requests"}}));
    reply.headers.emplace_back("Retry-After", "2");
    reply.headers.emplace_back("X-RateLimit-Remaining", "0");
    return reply;
}

// Exactly one credential, and that one in the place where its kind belongs.
bool authorised(const RailwayService& service, const Request& request) {
    const std::string& project = request.header("project-access-token");
    const bool bearer = !request.header("authorization").empty();
    return project == service.token && !bearer;
}

json node_of(const RailwayDeployment& deployment) {
    json node = json::object();
    node["id"] = deployment.id;
    node["status"] = deployment.status;
    node["canRollback"] = deployment.can_rollback;
    node["deploymentStopped"] = false;
    node["createdAt"] = rfc3339(deployment.created);
    node["snapshotId"] = deployment.snapshot;
    node["meta"] = json::object({{"commitHash", deployment.commit}, {"branch", "main"}});
    return json::object({{"node", node}});
}

Reply list(const RailwayService& service, const json& variables) {
    const json input =
        variables.is_object() && variables.contains("input") ? variables["input"] : json::object();
    if (text_of(input, "projectId") != service.project_id ||
        text_of(input, "environmentId") != service.environment_id ||
        text_of(input, "serviceId") != service.service_id) {
        return graphql_error("Not Authorized");
    }
    // Oldest first: nobody promised an order.
    json edges = json::array();
    for (const RailwayDeployment& deployment : service.deployments) {
        edges.push_back(node_of(deployment));
    }
    const json first = variables.is_object() ? variables.value("first", json()) : json();
    while (first.is_number_unsigned() && edges.size() > first.get<std::size_t>()) {
        edges.erase(edges.begin());
    }
    json data = json::object();
    data["deployments"] = json::object({{"edges", edges}});
    return json_reply(200, json::object({{"data", data}}));
}

Reply answered(bool done) {
    json data = json::object({{"deploymentRollback", done}});
    return json_reply(200, json::object({{"data", data}}));
}

Reply roll_back(World& world, const std::string& id) {
    RailwayService& service = world.railway;
    const auto wanted = std::find_if(service.deployments.begin(), service.deployments.end(),
                                     [&id](const RailwayDeployment& d) { return d.id == id; });
    const std::string mode = service.rollback.take();
    if (mode == "lost_before_effect") {
        return wire_reply(Wire::cut);
    }
    if (mode == "http_500") {
        return error_reply(500, "internal error");
    }
    if (mode == "refused") {
        return graphql_error("Not Authorized");
    }
    if (mode == "429") {
        return limited();
    }
    if (mode == "html") {
        return html_reply(200, "<!doctype html><title>Railway</title>\n");
    }
    if (mode == "noop" || mode == "false") {
        return answered(mode == "noop");
    }
    if (wanted == service.deployments.end() || !wanted->can_rollback) {
        return graphql_error("Deployment cannot be rolled back");
    }
    RailwayDeployment made = *wanted;
    made.id = random_uuid();
    made.status = "DEPLOYING";
    made.created = world.wall();
    made.ends = world.now() + kBuild;
    made.end_status = service.next_end;
    made.old_token = service.next_old_token;
    const std::string commit = made.commit;
    service.deployments.push_back(std::move(made));
    // `problem`: it fails after it began, and says so with 200.
    Reply reply = mode == "lost"      ? wire_reply(Wire::cut)
                  : mode == "problem" ? graphql_error("Problem processing request")
                                      : answered(true);
    reply.effect = "railway rollback to " + commit;
    return reply;
}

}  // namespace

Reply railway_host(World& world, const Request& request) {
    if (request.path != "/graphql/v2" || request.method != "POST") {
        return text_reply(404, "not found\n");
    }
    const std::string mode = world.railway.reads.mode;
    const json body = parse(request.body);
    const std::string query = text_of(body, "query");
    const json variables =
        body.is_object() && body.contains("variables") ? body["variables"] : json::object();
    if (!authorised(world.railway, request)) {
        return graphql_error("Not Authorized");
    }
    if (query.starts_with("mutation") && query.find("deploymentRollback(") != std::string::npos) {
        return roll_back(world, text_of(variables, "id"));
    }
    if (mode == "429" || mode == "refused" || mode == "5xx") {
        (void)world.railway.reads.take();
        return mode == "429"   ? limited()
               : mode == "5xx" ? error_reply(502, "bad gateway")
                               : graphql_error("Not Authorized");
    }
    if (query.starts_with("query") && query.find("deployments(") != std::string::npos) {
        return list(world.railway, variables);
    }
    if (query.starts_with("query") && query.find("projectToken") != std::string::npos) {
        const json token = json::object({{"projectId", world.railway.project_id},
                                         {"environmentId", world.railway.environment_id}});
        return json_reply(200, json::object({{"data", json::object({{"projectToken", token}})}}));
    }
    // No data at all: the request was not understood, so nothing ran.
    json error = json::object({{"message", "Cannot query this field"}});
    return json_reply(200, json::object({{"errors", json::array({error})}}));
}

}  // namespace sandbox
