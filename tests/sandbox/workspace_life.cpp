// Why: how a workspace begins and ends, with the traps of the real handlers: a wrong UUID is
// deleted with 200, a role may be stored that no create accepts, a model is not kept, a bad
// template gives an empty 200. The newest build asks for the name before it deletes, and refuses a
// create in six more ways.
#include "hosts.hpp"

#include <algorithm>
#include <array>

namespace sandbox {

namespace {

constexpr std::array kRuntimes{"claude-code", "codex", "hermes", "openclaw"};
constexpr std::array kExternal{"external", "kimi", "kimi-cli", "mock"};

template <class Names>
bool among(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool plain(const std::string& text) {
    return text.find_first_of("\n\r{}[]|>*&!") == std::string::npos;
}

// What both builds look at before anything else.
bool fields_fit(const json& body) {
    const std::string name = text_of(body, "name");
    const std::string role = text_of(body, "role");
    return !name.empty() && name.size() <= 255 && plain(name) && role.size() <= 1000 &&
           plain(role) && text_of(body, "model").size() <= 100;
}

void take_numbers(const json& body, Workspace& wanted) {
    const auto whole = [&body](const char* key, int fallback) {
        const auto found = body.find(key);
        return found != body.end() && found->is_number_integer() ? found->get<int>() : fallback;
    };
    wanted.tier = whole("tier", 3);
    wanted.max_concurrent = whole("max_concurrent_tasks", 1);
    if (const auto limit = body.find("budget_limit"); limit != body.end()) {
        wanted.budget_limit = *limit;
    }
    if (const auto canvas = body.find("canvas"); canvas != body.end() && canvas->is_object()) {
        if (canvas->contains("x") && (*canvas)["x"].is_number()) {
            wanted.x = (*canvas)["x"].get<double>();
        }
        if (canvas->contains("y") && (*canvas)["y"].is_number()) {
            wanted.y = (*canvas)["y"].get<double>();
        }
    }
}

// An empty answer means that the payload is refused with 400.
std::optional<Workspace> wanted_workspace(const json& body) {
    Workspace wanted;
    wanted.name = text_of(body, "name");
    wanted.role = text_of(body, "role");
    wanted.runtime = text_of(body, "runtime", "langgraph");
    wanted.model = text_of(body, "model");
    wanted.template_name = text_of(body, "template");
    wanted.parent_id = text_of(body, "parent_id");
    wanted.workspace_dir = text_of(body, "workspace_dir");
    wanted.access = text_of(body, "workspace_access", "none");
    wanted.compute = body.value("compute", json());
    take_numbers(body, wanted);
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
    return wanted;
}

Reply refused(const char* code, const std::string& why) {
    return json_reply(422, json::object({{"error", why}, {"code", code}}));
}

// The registry of models that the newest build has compiled in, played small.
bool registered(const Workspace& wanted) {
    const std::string& model = wanted.model;
    const bool named = model.find_first_of("/:") != std::string::npos;
    if (wanted.runtime == "claude-code") {
        return model == "sonnet" || model == "opus" || model == "haiku" || named;
    }
    return named;
}

bool has_credential(const Workspace& wanted) {
    if (wanted.model.starts_with("moonshot/")) {
        return true;  // billed by the platform
    }
    for (const char* key :
         {"CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "OPENAI_API_KEY"}) {
        if (wanted.secrets.contains(key)) {
            return true;
        }
    }
    return false;
}

// The six refusals of the newest build, in its order.
std::optional<Reply> refused_by_newest(const Workspace& wanted, const json& body) {
    if (text_of(body, "runtime").empty() && !wanted.template_name.empty()) {
        return refused("RUNTIME_UNRESOLVED", "runtime could not be resolved from the template");
    }
    if (among(kExternal, wanted.runtime)) {
        return std::nullopt;
    }
    if (!among(kRuntimes, wanted.runtime)) {
        return refused("RUNTIME_UNSUPPORTED", "unsupported workspace runtime");
    }
    if (wanted.model.empty()) {
        return refused("MODEL_REQUIRED", "model is required and has no platform-side default");
    }
    if (!registered(wanted)) {
        return refused("UNREGISTERED_MODEL_FOR_RUNTIME", "model not registered for this runtime");
    }
    if (wanted.model.starts_with("ghost/")) {
        return refused("DERIVED_PROVIDER_NOT_IN_REGISTRY", "provider not in the registry");
    }
    if (!has_credential(wanted)) {
        return refused("MISSING_BYOK_CREDENTIAL", "no credential for the provider of this model");
    }
    return std::nullopt;
}

bool access_fits(const Workspace& wanted) {
    const bool mounted = wanted.access == "read_only" || wanted.access == "read_write";
    return wanted.access == "none" || (mounted && !wanted.workspace_dir.empty());
}

// All that is looked at before a row is written: a create that fails here changed nothing.
std::optional<Reply> refuse_create(World& world, Tenant& tenant, const json& body,
                                   const std::optional<Workspace>& wanted, std::string& mode) {
    if (!fields_fit(body) || !wanted) {
        return error_reply(400, "invalid workspace fields");
    }
    if (tenant.newest) {
        if (std::optional<Reply> no = refused_by_newest(*wanted, body)) {
            return no;
        }
    }
    if (!access_fits(*wanted)) {
        return error_reply(400, "invalid workspace access");
    }
    mode = world.modes.create.take();
    if (mode == "400") {
        return error_reply(400, "invalid workspace fields");
    }
    if (mode == "hang") {
        return wire_reply(Wire::hang);
    }
    if (mode == "409") {
        return error_reply(409, "workspace quota exceeded");
    }
    if (!wanted->parent_id.empty()) {
        const Workspace* parent = world.workspace(tenant, wanted->parent_id);
        if (parent == nullptr || parent->removed_at != 0) {
            return error_reply(400, "invalid workspace fields");
        }
    }
    return std::nullopt;
}

// Where the newest build puts what it is asked for.
void place_newest(const Tenant& tenant, Workspace& wanted) {
    wanted.tier = 4;
    if (!wanted.model.empty()) {
        wanted.secrets[model_secret(tenant)] = wanted.model;
    }
    for (const Workspace& one : tenant.workspaces) {
        const bool live = one.removed_at == 0;
        if (live && one.kind == "platform" && wanted.parent_id.empty()) {
            wanted.parent_id = one.id;
        }
    }
    for (const Workspace& one : tenant.workspaces) {
        if (one.removed_at == 0 && one.parent_id == wanted.parent_id && one.name == wanted.name) {
            wanted.name += " (2)";
            return;
        }
    }
}

bool known_template(const Workspace& wanted) {
    return wanted.template_name.empty() || wanted.template_name.starts_with(wanted.runtime + "-");
}

json children_of(const Tenant& tenant, const std::string& id) {
    json children = json::array();
    for (const Workspace& workspace : tenant.workspaces) {
        if (workspace.parent_id == id && workspace.removed_at == 0) {
            children.push_back(json::object({{"id", workspace.id}, {"name", workspace.name}}));
        }
    }
    return children;
}

// 404, 410, the name, and only then the children.
std::optional<Reply> refuse_delete(const Workspace* workspace, const json& children,
                                   const Request& request) {
    if (workspace == nullptr) {
        return error_reply(404, "workspace not found");
    }
    if (workspace->removed_at != 0) {
        return json_reply(410,
                          json::object({{"error", "workspace removed"}, {"id", workspace->id}}));
    }
    if (request.header("x-confirm-name") != workspace->name) {
        return json_reply(400, json::object({{"error", "destructive_action_requires_confirmation"},
                                             {"hint", "set X-Confirm-Name to the workspace's name"},
                                             {"name", workspace->name},
                                             {"active_tasks", 0},
                                             {"child_count", children.size()}}));
    }
    return std::nullopt;
}

}  // namespace

Reply create_workspace(World& world, Tenant& tenant, const Request& request) {
    const json body = parse(request.body);
    if (!body.is_object() || !request.header("content-type").starts_with("application/json")) {
        return error_reply(400, "invalid workspace payload");
    }
    std::optional<Workspace> wanted = wanted_workspace(body);
    std::string mode;
    if (std::optional<Reply> no = refuse_create(world, tenant, body, wanted, mode)) {
        return std::move(*no);
    }
    if (tenant.newest) {
        place_newest(tenant, *wanted);
    }
    if (const auto stored = wanted->secrets.find(model_secret(tenant));
        wanted->model.empty() && stored != wanted->secrets.end()) {
        wanted->model = stored->second;
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
    Workspace* workspace = world.workspace(tenant, id);
    const json children = children_of(tenant, id);
    if (tenant.newest) {
        if (std::optional<Reply> no = refuse_delete(workspace, children, request)) {
            return std::move(*no);
        }
    }
    const std::string mode = world.modes.remove.take();
    const auto confirm = request.query.find("confirm");
    const bool confirmed = confirm != request.query.end() && confirm->second == "true";
    if (mode == "409" || (!children.empty() && !confirmed)) {
        return json_reply(409, json::object({{"status", "confirmation_required"},
                                             {"message", "workspace has children"},
                                             {"children", children},
                                             {"children_count", children.size()}}));
    }
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

}  // namespace sandbox
