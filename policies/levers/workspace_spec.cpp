// Why: see workspace_spec.hpp.
#include "policies/levers/workspace_spec.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/workspace_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

// Where a platform keeps the model among the secrets: the measured build, and the newest one.
constexpr const char* older_model_secret = "MODEL_PROVIDER";
constexpr const char* model_secret = "MODEL";
constexpr std::size_t secrets_max = 200;
constexpr std::size_t secret_name_max = 128;

bool is_secret_name(const std::string& name) {
    return !name.empty() && name.size() <= secret_name_max &&
           name.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
               ".-") == std::string::npos;
}

void copy_text(const nlohmann::json& row, const char* key, nlohmann::json& into) {
    const std::string value = stack::text_at(row, key);
    if (!value.empty()) {
        into[key] = value;
    }
}

void copy_number(const nlohmann::json& row, const char* key, nlohmann::json& into) {
    const auto it = row.find(key);
    if (it != row.end() && it->is_number()) {
        into[key] = *it;
    }
}

nlohmann::json create_of(const nlohmann::json& row) {
    nlohmann::json create = nlohmann::json::object();
    for (const char* key :
         {"name", "role", "runtime", "template", "workspace_access", "parent_id"}) {
        copy_text(row, key, create);
    }
    for (const char* key : {"tier", "max_concurrent_tasks", "budget_limit"}) {
        copy_number(row, key, create);
    }
    nlohmann::json canvas = nlohmann::json::object();
    copy_number(row, "x", canvas);
    copy_number(row, "y", canvas);
    if (!canvas.empty()) {
        create["canvas"] = std::move(canvas);
    }
    const auto compute = row.find("compute");
    if (compute != row.end() && compute->is_object() && !compute->empty()) {
        create["compute"] = *compute;
    }
    return create;
}

net::HttpRequest workspace_request(const stack::TenantAccess& access, const std::string& id,
                                   const char* what) {
    return stack::tenant_request(access, "GET", "/workspaces/" + id + what);
}

struct Model {
    std::string name;    // empty: none is stored
    std::string source;  // the platform's word for where it comes from
};

boost::asio::awaitable<Result<Model>> read_model(stack::TenantAccess access, std::string id,
                                                 net::Deadline deadline) {
    const auto request = workspace_request(access, id, "/model");
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return wrap("its model", stack::to_error(answer.error()));
    }
    const auto body = stack::json_of(request, *answer);
    if (body.has_error()) {
        co_return wrap("its model", stack::to_error(body.error()));
    }
    const auto model = body->is_object() ? body->find("model") : body->end();
    if (!body->is_object() || model == body->end() || !(model->is_string() || model->is_null())) {
        co_return refusal("its model cannot be read", by_a_person);
    }
    Model found{stack::text_at(*body, "model"), stack::text_at(*body, "source")};
    co_return found;
}

struct SecretNames {
    std::vector<std::string> own;
    std::vector<std::string> all;
};

void sort_once(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

// Rows of scope "global" are inherited by every workspace and need no copy.
Result<SecretNames> parse_secret_names(const nlohmann::json& body) {
    const auto inner = body.is_object() ? body.find("secrets") : body.end();
    const nlohmann::json& rows = body.is_object() && inner != body.end() ? *inner : body;
    if (!rows.is_array() || rows.size() > secrets_max) {
        return refusal("the list of its secrets cannot be read", by_a_person);
    }
    SecretNames names;
    for (const auto& row : rows) {
        std::string name = stack::text_at(row, "key");
        if (name.empty()) {
            name = row.is_string() ? row.get<std::string>() : stack::text_at(row, "name");
        }
        const bool inherited = stack::text_at(row, "scope") == "global";
        if (!inherited && !is_secret_name(name)) {
            return refusal("one of its secrets has no readable name", by_a_person);
        }
        const auto value = row.is_object() ? row.find("has_value") : row.end();
        if (!inherited && row.is_object() && value != row.end() && *value == false) {
            return refusal("its secret " + name + " has no value that could be read", by_a_person);
        }
        names.all.push_back(name);
        if (!inherited) {
            names.own.push_back(std::move(name));
        }
    }
    sort_once(names.own);
    sort_once(names.all);
    return names;
}

boost::asio::awaitable<Result<SecretNames>> read_secret_names(stack::TenantAccess access,
                                                              std::string id,
                                                              net::Deadline deadline) {
    const auto request = workspace_request(access, id, "/secrets");
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return wrap("the names of its secrets", stack::to_error(answer.error()));
    }
    const auto body = stack::json_of(request, *answer);
    if (body.has_error()) {
        co_return wrap("the names of its secrets", stack::to_error(body.error()));
    }
    co_return parse_secret_names(*body);
}

// The model lives among the secrets, but is none: it is known already and may be shown. The
// measured build does not store the `model` of a create, but the secrets that come with it.
void place_model(WorkspaceSpec& spec, const std::string& model) {
    if (model.empty()) {
        return;
    }
    spec.create["model"] = model;
    std::erase(spec.secret_names, model_secret);
    if (std::erase(spec.secret_names, older_model_secret) > 0) {
        spec.create["secrets"][older_model_secret] = model;
    }
}

void place_version(WorkspaceSpec& spec) {
    nlohmann::json all = nlohmann::json::object();
    all["id"] = spec.id;
    all["create"] = spec.create;
    all["secrets"] = spec.secret_names;
    spec.version = "sha256:" + sha256_hex(dump(all));
}

}  // namespace

boost::asio::awaitable<Result<WorkspaceSpec>> capture_spec(Context& context,
                                                           stack::TenantAccess* access,
                                                           std::string id, net::Deadline deadline) {
    auto list = co_await read_workspaces(context, access, deadline);
    if (list.has_error()) {
        co_return wrap("the list of workspaces", stack::to_error(list.error()));
    }
    WorkspaceSpec spec;
    spec.id = id;
    const stack::Workspace* found = nullptr;
    for (const auto& workspace : list->workspaces) {
        if (workspace.row.id == id) {
            found = &workspace;
        } else {
            spec.others.push_back(workspace.row.id);
        }
    }
    if (found == nullptr) {
        co_return refusal("workspace " + id + " is not in the list", "it may be gone already");
    }
    if (!list->complete) {
        co_return refusal("the list of workspaces has unreadable rows", by_a_person);
    }
    const auto row = parse_json(found->raw);
    if (row.has_error() || !row->is_object()) {
        co_return refusal("its row cannot be read", by_a_person);
    }
    if (const auto why = not_replaceable(*found, *row)) {
        co_return *why;
    }
    spec.row = *row;
    spec.create = create_of(*row);
    spec.name = found->row.name;
    spec.raw_name = stack::text_at(*row, "name");
    for (const auto& workspace : list->workspaces) {
        if (workspace.row.id != id && workspace.row.name == found->row.name) {
            spec.namesakes.push_back(workspace.row.id);
        }
    }
    auto model = co_await read_model(*access, id, deadline);
    if (model.has_error()) {
        co_return model.error();
    }
    auto names = co_await read_secret_names(*access, id, deadline);
    if (names.has_error()) {
        co_return names.error();
    }
    spec.secret_names = names->own;
    spec.all_secrets = names->all;
    spec.newest = looks_newest(spec.row, model->source, spec.all_secrets);
    place_model(spec, model->name);
    if (const auto why = not_creatable(spec)) {
        co_return *why;
    }
    std::sort(spec.namesakes.begin(), spec.namesakes.end());
    place_version(spec);
    co_return spec;
}

std::string create_body(const WorkspaceSpec& spec, const SecretValues& values) {
    nlohmann::json body = spec.create;
    for (const auto& [name, value] : values) {
        body["secrets"][name] = value.reveal();
    }
    return dump(body);
}

std::optional<stack::Workspace> find_replacement(const stack::WorkspaceList& list,
                                                 const std::string& name, const std::string& old_id,
                                                 const std::vector<std::string>& known_before) {
    std::optional<stack::Workspace> found;
    for (const auto& workspace : list.workspaces) {
        const bool known = std::find(known_before.begin(), known_before.end(), workspace.row.id) !=
                           known_before.end();
        if (workspace.row.name != name || workspace.row.id == old_id || known) {
            continue;
        }
        if (found) {
            return std::nullopt;
        }
        found = workspace;
    }
    return found;
}

}  // namespace leverd::levers
