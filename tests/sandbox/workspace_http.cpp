// Why: the workspace routes of a tenant, with the traps that the real handlers have: a wrong UUID
// is deleted with 200, a bad template gives an empty 200, old builds ignore since_secs.
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

json workspace_row(const Workspace& workspace, bool list) {
    json row = json::object();
    row["id"] = workspace.id;
    row["name"] = workspace.name;
    row["tier"] = workspace.tier;
    row["status"] = workspace.status;
    row["url"] = "http://10.0.3.7:8000";
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
    row["collapsed"] = false;
    row["role"] = or_null(workspace.role);
    row["agent_card"] = nullptr;
    if (workspace.runtime == "hermes") {
        row["provision_timeout_ms"] = 720'000;
    }
    if (list) {
        row["last_sample_error"] = workspace.last_error;
        row["current_task"] = "";
        row["workspace_dir"] = "";
        row["budget_limit"] = nullptr;
        row["monthly_spend"] = 0;
    } else {
        row["last_outbound_at"] = nullptr;
    }
    return row;
}

Reply list_workspaces(const Tenant& tenant) {
    json rows = json::array();
    for (const Workspace& workspace : tenant.workspaces) {
        if (workspace.removed_at == 0) {
            rows.push_back(workspace_row(workspace, true));
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
    return json_reply(200, workspace_row(workspace, false));
}

// What create must be told; an empty answer means the payload is refused with 400.
std::optional<Workspace> wanted_workspace(const json& body) {
    const std::string name = text_of(body, "name");
    if (name.empty() || name.size() > 255 ||
        name.find_first_of("\n{}[]|>*&!") != std::string::npos ||
        text_of(body, "role").size() > 1000 || text_of(body, "model").size() > 100) {
        return std::nullopt;
    }
    Workspace wanted;
    wanted.name = name;
    wanted.role = text_of(body, "role");
    wanted.runtime = text_of(body, "runtime", "langgraph");
    wanted.model = text_of(body, "model");
    wanted.template_name = text_of(body, "template");
    wanted.parent_id = text_of(body, "parent_id");
    wanted.access = text_of(body, "workspace_access", "none");
    const auto whole = [&body](const char* key, int fallback) {
        const auto found = body.find(key);
        return found != body.end() && found->is_number_integer() ? found->get<int>() : fallback;
    };
    wanted.tier = whole("tier", 3);
    wanted.max_concurrent = whole("max_concurrent_tasks", 1);
    if (const auto canvas = body.find("canvas"); canvas != body.end() && canvas->is_object()) {
        if (canvas->contains("x") && (*canvas)["x"].is_number()) {
            wanted.x = (*canvas)["x"].get<double>();
        }
        if (canvas->contains("y") && (*canvas)["y"].is_number()) {
            wanted.y = (*canvas)["y"].get<double>();
        }
    }
    if (const auto secrets = body.find("secrets"); secrets != body.end()) {
        if (!secrets->is_object()) {
            return std::nullopt;
        }
        for (const auto& [key, value] : secrets->items()) {
            if (!value.is_string()) {
                return std::nullopt;
            }
            wanted.secrets[key] = value.get<std::string>();
        }
    }
    if (!wanted.model.empty()) {
        wanted.secrets["MODEL_PROVIDER"] = wanted.model;
    } else if (wanted.secrets.contains("MODEL_PROVIDER")) {
        wanted.model = wanted.secrets["MODEL_PROVIDER"];
    }
    return wanted;
}

bool known_template(const Workspace& wanted) {
    return wanted.template_name.empty() || wanted.template_name.starts_with(wanted.runtime + "-");
}

Reply create_workspace(World& world, Tenant& tenant, const Request& request) {
    const json body = parse(request.body);
    if (!body.is_object() || !request.header("content-type").starts_with("application/json")) {
        return error_reply(400, "invalid workspace payload");
    }
    const std::string mode = world.modes.create.take();
    std::optional<Workspace> wanted = wanted_workspace(body);
    if (!wanted || mode == "400") {
        return error_reply(400, "invalid workspace fields");
    }
    if (tenant.later_build && wanted->model.empty()) {
        return json_reply(
            400, json::object({{"error", "model is required"}, {"code", "MODEL_REQUIRED"}}));
    }
    if (!wanted->parent_id.empty()) {
        const Workspace* parent = world.workspace(tenant, wanted->parent_id);
        if (parent == nullptr || parent->removed_at != 0) {
            return error_reply(400, "invalid workspace fields");
        }
    }
    const bool half_made = mode == "empty200" || !known_template(*wanted);
    Workspace& made = world.provision(tenant, std::move(*wanted));
    Reply reply;
    if (half_made) {
        made.status = "failed";
        made.online_at = 0;
        made.last_error = "template not found";
        reply.content_type.clear();
    } else if (mode == "lost") {
        reply = wire_reply(Wire::cut);
    } else {
        reply = json_reply(201, json::object({{"id", made.id},
                                              {"status", "provisioning"},
                                              {"awareness_namespace", "ws-" + made.id},
                                              {"workspace_access", made.access}}));
    }
    reply.effect = "create " + made.id;
    return reply;
}

Reply delete_workspace(World& world, Tenant& tenant, const std::string& id,
                       const Request& request) {
    const std::string mode = world.modes.remove.take();
    json children = json::array();
    for (const Workspace& workspace : tenant.workspaces) {
        if (workspace.parent_id == id && workspace.removed_at == 0) {
            children.push_back(json::object({{"id", workspace.id}, {"name", workspace.name}}));
        }
    }
    const auto confirm = request.query.find("confirm");
    const bool confirmed = confirm != request.query.end() && confirm->second == "true";
    if (mode == "409" || (!children.empty() && !confirmed)) {
        return json_reply(409, json::object({{"status", "confirmation_required"},
                                             {"message", "workspace has children"},
                                             {"children", children},
                                             {"children_count", children.size()}}));
    }
    Workspace* workspace = world.workspace(tenant, id);
    const bool present = workspace != nullptr && workspace->removed_at == 0;
    std::string effect;
    if (present) {
        world.remove(*workspace);
        effect = "delete " + id;
    }
    for (Workspace& other : tenant.workspaces) {
        if (other.parent_id == id && other.removed_at == 0) {
            world.remove(other);
            effect += ", delete " + other.id;
        }
    }
    Reply reply;
    if (mode == "lost") {
        reply = wire_reply(Wire::cut);
    } else if (mode == "500") {
        reply = json_reply(500, json::object({{"error", "stop failed"},
                                              {"removed_count", 1},
                                              {"stop_failures", json::array({id})}}));
    } else {
        const bool purge = request.query.contains("purge");
        reply = json_reply(200, json::object({{"status", purge ? "purged" : "removed"},
                                              {"cascade_deleted", children.size()}}));
    }
    reply.effect = effect;
    return reply;
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

Reply secrets_list(const Workspace& workspace) {
    json rows = json::array();
    for (const auto& [key, value] : workspace.secrets) {
        rows.push_back(json::object({{"key", key},
                                     {"has_value", true},
                                     {"scope", "workspace"},
                                     {"created_at", "2026-04-20T09:00:00Z"},
                                     {"updated_at", "2026-04-20T09:00:00Z"}}));
    }
    return json_reply(200, rows);
}

// The admin bearer or the same origin without any bearer, as the real middleware has it.
std::optional<Reply> refuse_workspace(const Tenant& tenant, const Request& request) {
    const std::string& origin = request.header("origin");
    const bool same = !origin.empty() && origin == "https://" + request.host_header;
    if (request.header("authorization").empty() && same) {
        return std::nullopt;
    }
    if (request.bearer() != tenant.admin_token) {
        return error_reply(401, "invalid workspace auth token");
    }
    return std::nullopt;
}

Reply workspace_reads(World& world, Tenant& tenant, Workspace& workspace, const Request& request,
                      const std::vector<std::string>& parts) {
    const std::string& what = parts[2];
    if (what == "activity") {
        return activity(world, tenant, workspace, request);
    }
    if (what == "model") {
        const bool set = !workspace.model.empty();
        return json_reply(200, json::object({{"model", workspace.model},
                                             {"source", set ? "workspace_secrets" : "default"}}));
    }
    if (what == "secrets" && parts.size() == 3) {
        return secrets_list(workspace);
    }
    if (what == "secrets" && parts[3] == "values") {
        // A workspace with a token of its own hands its secrets to that token only.
        return tenant.locked_values ? error_reply(401, "invalid workspace auth token")
                                    : json_reply(200, workspace.secrets);
    }
    return canvas_fallback(404);
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
    if (parts.size() > 2) {
        if (std::optional<Reply> refused = refuse_workspace(tenant, request)) {
            return std::move(*refused);
        }
    }
    if (workspace == nullptr || (parts.size() > 2 && workspace->removed_at != 0)) {
        return error_reply(404, "workspace not found");
    }
    if (parts.size() == 2) {
        return get ? get_workspace(tenant, *workspace, request) : canvas_fallback(404);
    }
    if (get) {
        return workspace_reads(world, tenant, *workspace, request, parts);
    }
    return method == "POST" ? workspace_changes(world, tenant, *workspace, parts[2])
                            : canvas_fallback(404);
}

}  // namespace sandbox
