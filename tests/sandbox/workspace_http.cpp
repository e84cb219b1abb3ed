// Why: the workspace routes of a tenant, with the traps that the real handlers have: what is not
// there is read with 200, old builds ignore since_secs. Creating and deleting is in
// workspace_life.cpp, what a workspace keeps for itself in workspace_private.cpp.
#include "clock.hpp"
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

bool is_uuid(const std::string& text) {
    if (text.size() != 36) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (dash ? text[i] != '-' : !hex) {
            return false;
        }
    }
    return true;
}

json or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

json workspace_row(const Tenant& tenant, const Workspace& workspace, bool list) {
    json row = json::object();
    row["id"] = workspace.id;
    row["name"] = workspace.name;
    row["tier"] = workspace.tier;
    row["status"] = workspace.status;
    row["url"] = workspace.url;
    row["parent_id"] = or_null(workspace.parent_id);
    row["active_tasks"] = 0;
    row["max_concurrent_tasks"] = workspace.max_concurrent;
    const auto errors =
        std::count(workspace.recent_errors.begin(), workspace.recent_errors.end(), true);
    row["last_error_rate"] =
        workspace.recent_errors.empty()
            ? 0.0
            : static_cast<double>(errors) / static_cast<double>(workspace.recent_errors.size());
    row["uptime_seconds"] = workspace.heard_uptime;
    row["runtime"] = workspace.runtime;
    row["x"] = workspace.x;
    row["y"] = workspace.y;
    row["collapsed"] = workspace.collapsed;
    row["role"] = or_null(workspace.role);
    row["agent_card"] = nullptr;
    if (workspace.runtime == "hermes") {
        row["provision_timeout_ms"] = 720'000;
    }
    if (list) {
        row["last_sample_error"] = workspace.last_error;
        row["current_task"] = "";
        row["workspace_dir"] = workspace.workspace_dir;
        row["budget_limit"] = workspace.budget_limit;
        row["monthly_spend"] = workspace.monthly_spend;
        if (tenant.newest) {
            row["kind"] = workspace.kind.empty() ? "workspace" : workspace.kind;
            row["compute"] = workspace.compute;
            row["broadcast_enabled"] = workspace.broadcast;
            row["talk_to_user_enabled"] = workspace.talk;
        }
    } else {
        row["last_outbound_at"] = nullptr;
    }
    return row;
}

Reply list_workspaces(const Tenant& tenant) {
    json rows = json::array();
    for (const Workspace& workspace : tenant.workspaces) {
        if (workspace.removed_at == 0) {
            rows.push_back(workspace_row(tenant, workspace, true));
        }
    }
    return json_reply(200, rows);
}

Reply get_workspace(const Tenant& tenant, const Workspace& workspace, const Request& request) {
    const bool old_shape = request.query.contains("include_removed");
    if (workspace.removed_at != 0 && tenant.later_build && !old_shape) {
        return json_reply(410, json::object({{"error", "workspace removed"},
                                             {"id", workspace.id},
                                             {"removed_at", rfc3339(workspace.removed_at)},
                                             {"hint", "create a new workspace"}}));
    }
    return json_reply(200, workspace_row(tenant, workspace, false));
}

Reply activity(const World& world, const Tenant& tenant, const Workspace& workspace,
               const Request& request) {
    std::int64_t since = 0;
    if (tenant.later_build && request.query.contains("since_secs")) {
        const std::int64_t seconds = query_number(request, "since_secs", -1);
        if (seconds <= 0) {
            return error_reply(400, "since_secs must be a positive integer");
        }
        since = world.wall() - std::min<std::int64_t>(seconds, 30 * 86'400) * 1000;
    }
    const auto source = request.query.find("source");
    if (source != request.query.end() && source->second != "canvas" && source->second != "agent") {
        return error_reply(400, "source must be canvas or agent");
    }
    const auto type = request.query.find("type");
    std::int64_t limit = query_number(request, "limit", 100);
    limit = limit < 1 ? 100 : std::min<std::int64_t>(limit, 500);
    std::string out = "[";
    for (auto row = workspace.rows.rbegin(); row != workspace.rows.rend() && limit > 0; ++row) {
        if (row->at < since || (type != request.query.end() && row->type != type->second) ||
            (source != request.query.end() &&
             row->source.empty() != (source->second == "canvas"))) {
            continue;
        }
        out += out.size() > 1 ? "," : "";
        out += row->text;
        --limit;
    }
    Reply reply;
    reply.body = out + "]";
    return reply;
}

Reply workspace_reads(World& world, Tenant& tenant, Workspace& workspace, const Request& request,
                      const std::vector<std::string>& parts) {
    if (parts[2] == "activity") {
        return activity(world, tenant, workspace, request);
    }
    return private_reads(world, tenant, &workspace, request, parts);
}

Reply restart_workspace(World& world, Tenant& tenant, Workspace& workspace) {
    const Workspace* parent = world.workspace(tenant, workspace.parent_id);
    if (parent != nullptr && parent->status == "paused") {
        return error_reply(409, "parent workspace is paused");
    }
    const std::string mode = world.modes.restart.take();
    if (mode == "lost_before_effect") {
        return wire_reply(Wire::cut);
    }
    if (mode == "503") {
        return error_reply(503, "provisioner not available");
    }
    if (mode == "noop") {
        world.restart_in_vain(workspace);
    } else {
        // A new machine has the stored model only; what the create was told once is forgotten.
        const auto stored = workspace.secrets.find(model_secret(tenant));
        workspace.model = stored == workspace.secrets.end() ? "" : stored->second;
        world.restart(workspace);
    }
    Reply reply = json_reply(200, json::object({{"status", "provisioning"},
                                                {"config_dir", "/configs/" + workspace.id},
                                                {"reset_session", false}}));
    if (mode == "lost") {
        reply = wire_reply(Wire::cut);
    }
    reply.effect = "restart " + workspace.id;
    return reply;
}

// POST .../restart, pause, resume.
Reply workspace_changes(World& world, Tenant& tenant, Workspace& workspace,
                        const std::string& what) {
    if (what == "restart") {
        return restart_workspace(world, tenant, workspace);
    }
    const bool pause = what == "pause";
    if ((!pause && what != "resume")) {
        return canvas_fallback(404);
    }
    if ((workspace.status == "paused") == pause) {
        return error_reply(404, "workspace not found or in the wrong state");
    }
    if (pause) {
        workspace.status = "paused";
    } else {
        world.restart(workspace);
    }
    Reply reply = json_reply(200, json::object({{"status", workspace.status},
                                                {pause ? "paused_count" : "resumed_count", 1}}));
    reply.effect = what + " " + workspace.id;
    return reply;
}

}  // namespace

Reply workspaces_routes(World& world, Tenant& tenant, const Request& request,
                        const std::vector<std::string>& parts) {
    const std::string& method = request.method;
    const bool get = method == "GET" || method == "HEAD";
    if (parts.size() == 1 || method == "DELETE") {
        if (std::optional<Reply> refused = refuse_admin(tenant, request)) {
            return std::move(*refused);
        }
    }
    if (parts.size() == 1) {
        if (get) {
            return list_workspaces(tenant);
        }
        return method == "POST" ? create_workspace(world, tenant, request) : canvas_fallback(404);
    }
    if (!is_uuid(parts[1])) {
        return error_reply(400, "invalid workspace ID");
    }
    if (parts.size() == 2 && method == "DELETE") {
        return delete_workspace(world, tenant, parts[1], request);
    }
    Workspace* workspace = world.workspace(tenant, parts[1]);
    const bool there = workspace != nullptr && workspace->removed_at == 0;
    if (parts.size() > 2) {
        if (std::optional<Reply> refused = refuse_workspace(tenant, workspace, request)) {
            return std::move(*refused);
        }
        if (!there && get && !tenant.newest) {
            // The measured build asks no table whether the workspace exists.
            return parts[2] == "activity" ? json_reply(200, json::array())
                                          : private_reads(world, tenant, nullptr, request, parts);
        }
    }
    if (workspace == nullptr || (parts.size() > 2 && !there)) {
        return error_reply(404, "workspace not found");
    }
    if (parts.size() == 2) {
        return get ? get_workspace(tenant, *workspace, request) : canvas_fallback(404);
    }
    if (get) {
        return workspace_reads(world, tenant, *workspace, request, parts);
    }
    if (std::optional<Reply> changed = private_changes(world, tenant, *workspace, request, parts)) {
        return std::move(*changed);
    }
    return method == "POST" ? workspace_changes(world, tenant, *workspace, parts[2])
                            : canvas_fallback(404);
}

}  // namespace sandbox
