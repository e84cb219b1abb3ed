// Why: vercel.sandbox.test answers as Vercel does: a move is accepted with 201 and becomes a job
// that may fail, be skipped, or leave one domain behind.
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr std::int64_t kJob = 500;  // until a move's job ends
constexpr const char* kStuckAlias = "www.sandbox.test";

Reply vercel_error(int status, const char* code) {
    json error = json::object({{"code", code}, {"message", code}});
    return json_reply(status, json::object({{"error", error}}));
}

Reply limited() {
    Reply reply = vercel_error(429, "rate_limited");
    reply.headers.emplace_back("Retry-After", "2");
    return reply;
}

Reply project(const VercelApp& app, const Request& request) {
    json body = json::object();
    body["id"] = app.project_id;
    body["name"] = "molecule-app";
    body["targets"] = json::object();
    for (const VercelDeployment& d : app.deployments) {
        if (d.id == app.live) {
            body["targets"]["production"] = json::object({{"id", d.id},
                                                          {"readyState", d.state},
                                                          {"url", d.id + ".vercel.app"},
                                                          {"createdAt", d.created}});
        }
    }
    const VercelJob& job = app.job;
    if (job.requested != 0 && request.query.contains("rollbackInfo")) {
        body["lastAliasRequest"] = json::object({{"fromDeploymentId", job.from},
                                                 {"toDeploymentId", job.to},
                                                 {"jobStatus", job.status},
                                                 {"requestedAt", job.requested},
                                                 {"type", job.type}});
    }
    return json_reply(200, body);
}

Reply list(const VercelApp& app, const Request& request) {
    const auto wanted = request.query.find("projectId");
    if (wanted == request.query.end() || wanted->second != app.project_id) {
        return vercel_error(404, "not_found");
    }
    json rows = json::array();
    for (auto d = app.deployments.rbegin(); d != app.deployments.rend(); ++d) {
        json row = json::object();
        row["uid"] = d->id;
        row["name"] = "molecule-app";
        row["created"] = d->created;
        row["state"] = d->state;
        row["readyState"] = d->state;
        row["target"] = "production";
        row["aliasAssigned"] = d->was_live ? json(d->created) : json(nullptr);
        row["isRollbackCandidate"] = d->state == "READY";
        row["meta"] = json::object({{"githubCommitSha", d->commit}});
        rows.push_back(std::move(row));
    }
    return json_reply(200, json::object({{"deployments", rows}}));
}

Reply move_to(World& world, const std::string& verb, const std::string& id) {
    VercelApp& app = world.vercel;
    const std::string mode = app.move.take();
    if (mode == "lost_before_effect") {
        return wire_reply(Wire::cut);
    }
    if (mode == "http_500") {
        return vercel_error(500, "internal_server_error");
    }
    if (mode == "429") {
        return limited();
    }
    if (mode == "402" || mode == "409" || mode == "422") {
        return vercel_error(std::stoi(mode), "refused");
    }
    const auto wanted = std::find_if(app.deployments.begin(), app.deployments.end(),
                                     [&id](const VercelDeployment& d) { return d.id == id; });
    if (wanted == app.deployments.end()) {
        return vercel_error(404, "not_found");
    }
    if (wanted->state != "READY") {
        return vercel_error(422, "not_ready");
    }
    if (mode == "noop") {
        return json_reply(201, json::object());
    }
    VercelJob job;
    job.from = app.live;
    job.to = id;
    job.status = "in-progress";
    job.type = verb;
    job.requested = world.wall();
    job.ends = world.now() + kJob;
    job.partial = app.next_end == "partial";
    job.end_status = job.partial ? "succeeded" : app.next_end;
    app.job = job;
    Reply reply = mode == "lost" ? wire_reply(Wire::cut) : json_reply(201, json::object());
    reply.effect = "vercel " + verb + " to " + id;
    return reply;
}

Reply aliases(const VercelApp& app) {
    json rows = json::array();
    if (app.job.partial) {
        rows.push_back(json::object({{"alias", kStuckAlias}, {"id", "1"}, {"status", "failed"}}));
    }
    return json_reply(200, json::object({{"aliases", rows}}));
}

}  // namespace

Reply vercel_host(World& world, const Request& request) {
    VercelApp& app = world.vercel;
    if (request.bearer() != app.token || app.token.empty()) {
        return vercel_error(403, "forbidden");
    }
    const auto team = request.query.find("teamId");
    if (team == request.query.end() || team->second != app.team_id) {
        return vercel_error(404, "not_found");
    }
    const std::vector<std::string> parts = path_parts(request.path);
    const bool get = request.method == "GET";
    if (get && app.reads.mode != "ok") {
        return app.reads.take() == "429" ? limited() : vercel_error(500, "internal_server_error");
    }
    if (get && request.path == "/v6/deployments") {
        return list(app, request);
    }
    if (parts.size() < 3 || parts[1] != "projects" || parts[2] != app.project_id) {
        return vercel_error(404, "not_found");
    }
    if (get && parts[0] == "v9" && parts.size() == 3) {
        return project(app, request);
    }
    if (get && parts[0] == "v9" && parts.size() == 5 && parts[4] == "aliases") {
        return aliases(app);
    }
    const bool rollback = parts[0] == "v1" && parts.size() == 5 && parts[3] == "rollback";
    const bool promote = parts[0] == "v10" && parts.size() == 5 && parts[3] == "promote";
    if (request.method == "POST" && (rollback || promote)) {
        return move_to(world, parts[3], parts[4]);
    }
    return vercel_error(404, "not_found");
}

}  // namespace sandbox
