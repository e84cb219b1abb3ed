// Why: the forge of the played stack, GitHub-shaped at /repos and Gitea-shaped at /api/v1/repos. It
// knows the nasty cases: everything 401, a secondary rate limit, an inactive workflow, a run that
// is under way, a workflow that is not to be seen.
#include "crypto.hpp"
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr const char* kSha = "0123abc4567890123456789012345678901234ab";

Reply message(int status, const char* text) {
    return json_reply(status, {{"message", text}, {"documentation_url", "https://docs.invalid"}});
}

// An authorised request that already knows the answer gets a 304 without a body.
Reply tagged(const Request& request, const json& body) {
    Reply reply = json_reply(200, body);
    const std::string etag = "W/\"" + sha256_hex(reply.body).substr(0, 32) + "\"";
    if (request.header("if-none-match") == etag) {
        reply = text_reply(304, "", "");
    }
    reply.headers.emplace_back("ETag", etag);
    reply.headers.emplace_back("X-RateLimit-Limit", "5000");
    reply.headers.emplace_back("X-RateLimit-Remaining", "4990");
    return reply;
}

Reply workflow(const World& world, const Request& request, const std::string& file) {
    const auto set = world.modes.workflows.find(file);
    const std::string state =
        set == world.modes.workflows.end() ? "disabled_manually" : set->second;
    if (state == "hidden") {
        return message(404, "Not Found");
    }
    return tagged(
        request,
        {{"id", 161335}, {"name", file}, {"path", ".github/workflows/" + file}, {"state", state}});
}

Reply runs(const World& world, const Request& request, const std::string& repository) {
    json rows = json::array();
    const auto wanted = [&request](const char* key, const std::string& value) {
        const auto asked = request.query.find(key);
        return asked == request.query.end() || asked->second == value;
    };
    json all = world.modes.runs;
    // One run that ended well is always there.
    all.push_back({{"repository", ""}, {"file", "ci.yml"}, {"status", "completed"}});
    for (const json& run : all) {
        const std::string home = text_of(run, "repository");
        const std::string status = text_of(run, "status");
        if ((!home.empty() && home != repository) || !wanted("status", status) ||
            !wanted("branch", "main")) {
            continue;
        }
        const bool done = status == "completed";
        rows.push_back({{"id", 30433642 + rows.size()},
                        {"name", "a run"},
                        {"path", ".github/workflows/" + text_of(run, "file")},
                        {"head_sha", kSha},
                        {"head_branch", "main"},
                        {"event", "push"},
                        {"status", status},
                        {"conclusion", done ? json("success") : json(nullptr)},
                        {"created_at", "2026-05-06T09:00:00Z"}});
    }
    return tagged(request, {{"total_count", rows.size()}, {"workflow_runs", rows}});
}

Reply pulls(const Request& request) {
    return tagged(request, json::array({{{"number", 2817},
                                         {"title", "fix: held back"},
                                         {"merged_at", "2026-05-06T08:00:00Z"},
                                         {"base", {{"ref", "staging"}}}},
                                        {{"number", 2818},
                                         {"title", "closed without a merge"},
                                         {"merged_at", nullptr},
                                         {"base", {{"ref", "staging"}}}}}));
}

}  // namespace

Reply forge_host(World& world, const Request& request) {
    const std::string& mode = world.modes.forge;
    if (mode == "5xx") {
        return text_reply(503, "unicorn\n");
    }
    // A suspended organisation: nothing of it is to be seen, with a token or without.
    if (mode == "401" || (mode == "bad_token" && !request.bearer().empty())) {
        return message(401, "Bad credentials");
    }
    if (mode == "secondary_limit") {
        Reply reply = message(403, "You have exceeded a secondary rate limit.");
        reply.headers.emplace_back("Retry-After", "2");
        return reply;
    }
    std::vector<std::string> parts = path_parts(request.path);
    if (parts.size() > 2 && parts[0] == "api" && parts[1] == "v1") {
        parts.erase(parts.begin(), parts.begin() + 2);
    }
    if (request.method != "GET" || parts.size() < 3 || parts[0] != "repos") {
        return message(404, "Not Found");
    }
    const std::string repository = parts[1] + "/" + parts[2];
    if (parts.size() == 3) {
        return tagged(request, {{"full_name", repository}});
    }
    if (parts.size() == 6 && parts[3] == "actions" && parts[4] == "workflows") {
        return workflow(world, request, parts[5]);
    }
    if (parts.size() == 5 && parts[3] == "actions" && parts[4] == "runs") {
        return runs(world, request, repository);
    }
    if (parts.size() == 4 && parts[3] == "pulls") {
        return pulls(request);
    }
    return message(404, "Not Found");
}

}  // namespace sandbox
