// Why: see workspace_spec.hpp.
#include "policies/levers/workspace_spec.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

constexpr const char* by_a_person = "a person decides; nothing was deleted";
constexpr const char* model_secret = "MODEL_PROVIDER";  // where a platform keeps the model
constexpr std::size_t name_max = 255;
constexpr std::size_t role_max = 1000;
constexpr std::size_t model_max = 100;
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
    for (const char* key : {"name", "role", "runtime", "template", "workspace_dir",
                            "workspace_access", "parent_id"}) {
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
    return create;
}

// What the platform would refuse after the delete has to be found before it (2.5).
std::optional<Error> not_creatable(const nlohmann::json& create) {
    const std::string name = stack::text_at(create, "name");
    if (name.empty() || name.size() > name_max ||
        name.find_first_of("\r\n{}[]|>*&!") != std::string::npos) {
        return refusal("its name would be refused when it is created anew", by_a_person);
    }
    if (stack::text_at(create, "role").size() > role_max ||
        stack::text_at(create, "model").size() > model_max) {
        return refusal("its role or model would be refused when it is created anew", by_a_person);
    }
    const std::string parent = stack::text_at(create, "parent_id");
    if (!parent.empty() && !is_uuid(parent)) {
        return refusal("its parent has no readable id", by_a_person);
    }
    return std::nullopt;
}

std::optional<Error> not_replaceable(const stack::Workspace& found) {
    const std::string& status = found.row.status;
    if (found.children > 0) {
        return refusal(
            fmt::format("it has {} children, which a delete would take along", found.children),
            by_a_person);
    }
    if (status == "removed") {
        return refusal("it is removed already", "look for what replaced it");
    }
    if (status == "paused" || status.starts_with("hibernat")) {
        return refusal("somebody put it to sleep: it is " + status, by_a_person);
    }
    if (found.row.runtime == "external") {
        return refusal("it runs outside the platform, so the platform cannot create it anew",
                       by_a_person);
    }
    return std::nullopt;
}

net::HttpRequest workspace_request(const stack::TenantAccess& access, const std::string& id,
                                   const char* what) {
    return stack::tenant_request(access, "GET", "/workspaces/" + id + what);
}

boost::asio::awaitable<Result<std::string>> read_model(stack::TenantAccess access, std::string id,
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
    co_return success(stack::text_at(*body, "model"));
}

// Rows of scope "global" are inherited by every workspace and need no copy.
Result<std::vector<std::string>> parse_secret_names(const nlohmann::json& body) {
    const auto inner = body.is_object() ? body.find("secrets") : body.end();
    const nlohmann::json& rows = body.is_object() && inner != body.end() ? *inner : body;
    if (!rows.is_array() || rows.size() > secrets_max) {
        return refusal("the list of its secrets cannot be read", by_a_person);
    }
    std::vector<std::string> names;
    for (const auto& row : rows) {
        std::string name = stack::text_at(row, "key");
        if (name.empty()) {
            name = row.is_string() ? row.get<std::string>() : stack::text_at(row, "name");
        }
        if (stack::text_at(row, "scope") == "global") {
            continue;
        }
        if (!is_secret_name(name)) {
            return refusal("one of its secrets has no readable name", by_a_person);
        }
        names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

boost::asio::awaitable<Result<std::vector<std::string>>> read_secret_names(
    stack::TenantAccess access, std::string id, net::Deadline deadline) {
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

// The model lives among the secrets, but is none: it is known already and may be shown.
void place_model(WorkspaceSpec& spec, const std::string& model) {
    if (model.empty()) {
        return;
    }
    spec.create["model"] = model;
    const auto among = std::find(spec.secret_names.begin(), spec.secret_names.end(), model_secret);
    if (among != spec.secret_names.end()) {
        spec.secret_names.erase(among);
        spec.create["secrets"][model_secret] = model;
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
    if (const auto why = not_replaceable(*found)) {
        co_return *why;
    }
    const auto row = parse_json(found->raw);
    if (row.has_error() || !row->is_object()) {
        co_return refusal("its row cannot be read", by_a_person);
    }
    spec.create = create_of(*row);
    spec.name = found->row.name;
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
    spec.secret_names = *names;
    place_model(spec, *model);
    if (const auto why = not_creatable(spec.create)) {
        co_return *why;
    }
    std::sort(spec.namesakes.begin(), spec.namesakes.end());
    place_version(spec);
    co_return spec;
}

boost::asio::awaitable<Result<SecretValues>> read_secret_values(stack::TenantAccess access,
                                                                WorkspaceSpec spec,
                                                                net::Deadline deadline) {
    SecretValues values;
    if (spec.secret_names.empty()) {
        co_return values;
    }
    const auto request = workspace_request(access, spec.id, "/secrets/values");
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return wrap("the values of its secrets", stack::to_error(answer.error()));
    }
    const std::string words = stack::describe_without_body(request, *answer);
    const int status = answer->status;
    const bool json = stack::is_json(*answer);
    const auto body = Secret::unlisted(std::move(answer->body));
    const auto parsed = parse_json(body.reveal());
    if (status != 200 || !json || parsed.has_error() || !parsed->is_object()) {
        co_return refusal(
            "the values of its secrets cannot be read, so a new workspace would "
            "lack them: " +
                words,
            by_a_person);
    }
    for (const auto& name : spec.secret_names) {
        const auto found = parsed->find(name);
        if (found == parsed->end() || !found->is_string()) {
            co_return refusal("the value of its secret " + name + " is missing: " + words,
                              by_a_person);
        }
        values[name] = Secret(found->get<std::string>());
    }
    co_return values;
}

std::string create_body(const WorkspaceSpec& spec, const SecretValues& values) {
    nlohmann::json body = spec.create;
    for (const auto& [name, value] : values) {
        body["secrets"][name] = value.reveal();
    }
    return dump(body);
}

std::string masked_create_body(const WorkspaceSpec& spec) {
    nlohmann::json body = spec.create;
    for (const auto& name : spec.secret_names) {
        body["secrets"][name] = "***";
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
