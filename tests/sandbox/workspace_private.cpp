// Why: what belongs to one workspace alone. Its secrets are the trap: the platform's middleware
// lets the admin token in, and the handler then asks again for the workspace's own, as soon as it
// has a live one.
#include "crypto.hpp"
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr std::size_t kMostTokens = 50;
constexpr std::size_t kPrefix = 8;

bool owns(const Workspace& workspace, const std::string& bearer) {
    return !bearer.empty() &&
           std::any_of(workspace.tokens.begin(), workspace.tokens.end(),
                       [&bearer](const AgentToken& one) { return one.token == bearer; });
}

Reply model_of(const Tenant& tenant, const Workspace* workspace) {
    const auto* secrets = workspace == nullptr ? nullptr : &workspace->secrets;
    const char* name = model_secret(tenant);
    if (secrets != nullptr && secrets->contains(name)) {
        return json_reply(
            200, json::object({{"model", secrets->at(name)}, {"source", "workspace_secrets"}}));
    }
    return json_reply(
        200, json::object({{"model", ""}, {"source", tenant.newest ? "unresolved" : "default"}}));
}

Reply secrets_list(const Workspace* workspace) {
    json rows = json::array();
    if (workspace != nullptr) {
        for (const auto& [key, value] : workspace->secrets) {
            rows.push_back(json::object({{"key", key},
                                         {"has_value", true},
                                         {"scope", "workspace"},
                                         {"created_at", "2026-04-20T09:00:00Z"},
                                         {"updated_at", "2026-04-20T09:00:00Z"}}));
        }
    }
    return json_reply(200, rows);
}

Reply secret_values(World& world, const Workspace* workspace, const Request& request) {
    if (workspace == nullptr) {
        return json_reply(200, json::object());
    }
    if (!workspace->tokens.empty() && !owns(*workspace, request.bearer())) {
        return error_reply(401, request.bearer().empty() ? "missing workspace auth token"
                                                         : "invalid workspace auth token");
    }
    const std::string mode = world.modes.values.take();
    if (mode == "lost") {
        return wire_reply(Wire::cut);
    }
    if (mode == "500") {
        return json_reply(500, json::object({{"error", "one or more secrets failed to decrypt"},
                                             {"failed_keys", json::array()}}));
    }
    json values = workspace->secrets;
    if (mode == "half" && !workspace->secrets.empty()) {
        values.erase(workspace->secrets.rbegin()->first);
    }
    return json_reply(200, values);
}

Reply tokens_list(const Workspace* workspace) {
    json rows = json::array();
    if (workspace != nullptr) {
        for (const AgentToken& one : workspace->tokens) {
            rows.push_back(json::object({{"id", one.id},
                                         {"prefix", one.token.substr(0, kPrefix)},
                                         {"created_at", "2026-04-20T09:00:00Z"},
                                         {"last_used_at", nullptr}}));
        }
    }
    return json_reply(200, json::object({{"tokens", rows}, {"count", rows.size()}}));
}

Reply belongings(const Workspace* workspace, const std::string& what) {
    const bool config = what == "config";
    json rows = config ? json::object() : json::array();
    if (workspace != nullptr && workspace->belongings.contains(what)) {
        rows = workspace->belongings[what];
    }
    return json_reply(200, config ? json::object({{"data", rows}}) : rows);
}

Reply mint_token(const World& world, Workspace& workspace) {
    if (workspace.tokens.size() >= kMostTokens) {
        return error_reply(429, "maximum 50 active tokens per workspace");
    }
    workspace.tokens.push_back({random_uuid(), random_hex(32), world.wall()});
    Reply reply = json_reply(201, json::object({{"auth_token", workspace.tokens.back().token},
                                                {"workspace_id", workspace.id},
                                                {"message", "Save this token now."}}));
    reply.effect = "mint " + workspace.id;
    return reply;
}

Reply revoke_token(Workspace& workspace, const std::string& id) {
    const auto gone =
        std::erase_if(workspace.tokens, [&id](const auto& one) { return one.id == id; });
    if (gone == 0) {
        return error_reply(404, "token not found or already revoked");
    }
    Reply reply = json_reply(200, json::object({{"status", "revoked"}}));
    reply.effect = "revoke " + workspace.id;
    return reply;
}

Reply set_model(const Tenant& tenant, Workspace& workspace, const Request& request) {
    const json body = parse(request.body);
    const std::string model = text_of(body, "model");
    if (!body.is_object() || model.size() > 100) {
        return error_reply(400, "invalid model");
    }
    workspace.model = model;
    workspace.secrets[model_secret(tenant)] = model;
    Reply reply = json_reply(200, json::object({{"status", "saved"}, {"model", model}}));
    reply.effect = "model " + workspace.id;
    return reply;
}

}  // namespace

std::optional<Reply> refuse_workspace(const Tenant& tenant, const Workspace* workspace,
                                      const Request& request) {
    const std::string& origin = request.header("origin");
    const bool same = !origin.empty() && origin == "https://" + request.host_header;
    if (request.header("authorization").empty() && same && !tenant.newest) {
        return std::nullopt;
    }
    const std::string bearer = request.bearer();
    if (bearer == tenant.admin_token || (workspace != nullptr && owns(*workspace, bearer))) {
        return std::nullopt;
    }
    return error_reply(401, "invalid workspace auth token");
}

Reply private_reads(World& world, const Tenant& tenant, const Workspace* workspace,
                    const Request& request, const std::vector<std::string>& parts) {
    const std::string& what = parts[2];
    if (what == "model") {
        return model_of(tenant, workspace);
    }
    if (what == "secrets" && parts.size() == 3) {
        return secrets_list(workspace);
    }
    if (what == "secrets" && parts.size() == 4 && parts[3] == "values") {
        return secret_values(world, workspace, request);
    }
    if (what == "tokens" && parts.size() == 3) {
        return tokens_list(workspace);
    }
    for (const char* one : {"schedules", "memories", "memory", "config", "channels", "plugins"}) {
        if (what == one && parts.size() == 3) {
            return belongings(workspace, what);
        }
    }
    return canvas_fallback(404);
}

std::optional<Reply> private_changes(World& world, const Tenant& tenant, Workspace& workspace,
                                     const Request& request,
                                     const std::vector<std::string>& parts) {
    if (parts[2] == "tokens" && parts.size() == 3 && request.method == "POST") {
        return mint_token(world, workspace);
    }
    if (parts[2] == "tokens" && parts.size() == 4 && request.method == "DELETE") {
        return revoke_token(workspace, parts[3]);
    }
    if (parts[2] == "model" && parts.size() == 3 && request.method == "PUT") {
        return set_model(tenant, workspace, request);
    }
    return std::nullopt;
}

}  // namespace sandbox
