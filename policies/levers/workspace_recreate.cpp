// Why: see workspace_recreate.hpp.
#include "policies/levers/workspace_recreate.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/workspace_create.hpp"
#include "policies/levers/workspace_look.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace leverd::levers {
namespace {

constexpr const char* nothing_made = "nothing was created";

// A deleted workspace as its intent and the sealed file know it.
struct Kept {
    std::string slug;
    stack::TenantAccess access;
    WorkspaceSpec spec;
    SecretValues values;
    std::vector<std::string> missing;  // secrets of which no value is kept
    std::string unopened;              // why; empty: nothing was sealed
};

std::vector<std::string> list_in(const Plan& plan, const char* name) {
    const auto text = param(plan, name);
    return text.empty() ? std::vector<std::string>{} : split(text, ',');
}

// The create that the plan showed, without its masks.
Result<WorkspaceSpec> spec_in(const Plan& plan) {
    const auto create =
        plan.calls.empty() ? Result<nlohmann::json>(Error{}) : parse_json(plan.calls.back().body);
    if (create.has_error() || !create->is_object() || stack::text_at(*create, "name").empty()) {
        return refusal("that intent holds no create, so there is nothing to recreate it from",
                       "create it by hand");
    }
    WorkspaceSpec spec;
    spec.create = *create;
    spec.id = param(plan, "id");
    spec.name = sanitize(stack::text_at(*create, "name"), 255);
    spec.secret_names = list_in(plan, "secrets");
    spec.namesakes = list_in(plan, "namesakes");
    if (const auto secrets = spec.create.find("secrets"); secrets != spec.create.end()) {
        for (const auto& name : spec.secret_names) {
            secrets->erase(name);
        }
        if (secrets->empty()) {
            spec.create.erase("secrets");
        }
    }
    return spec;
}

// Takes what is kept of the secrets; the others are left out of the create.
void open_sealed(const Context& context, const std::string& from, Kept& kept) {
    if (kept.spec.secret_names.empty()) {
        return;
    }
    const auto sealed = context.safe == nullptr ? Result<Secret>(Error{"no sealing key is set", {}})
                                                : context.safe->open(from);
    if (sealed.has_error()) {
        kept.unopened = sealed.error().what;
    } else if (const auto all = parse_json(sealed->reveal()); all && all->is_object()) {
        for (const auto& name : kept.spec.secret_names) {
            const auto value = all->find(name);
            if (value != all->end() && value->is_string()) {
                kept.values[name] = Secret(value->get<std::string>());
            }
        }
    }
    for (const auto& name : kept.spec.secret_names) {
        if (!kept.values.contains(name)) {
            kept.missing.push_back(name);
        }
    }
    std::erase_if(kept.spec.secret_names,
                  [&](const auto& name) { return !kept.values.contains(name); });
}

// Nullopt: it is gone, nothing has its name, and its parent is there.
std::optional<Error> not_recreatable(const stack::WorkspaceList& list, const WorkspaceSpec& spec) {
    if (!list.complete) {
        return refusal("the list of workspaces has unreadable rows", nothing_made);
    }
    if (find_id(list, spec.id) != nullptr) {
        return refusal("the workspace is still there, so there is nothing to recreate",
                       nothing_made);
    }
    for (const auto& workspace : list.workspaces) {
        const bool before = std::find(spec.namesakes.begin(), spec.namesakes.end(),
                                      workspace.row.id) != spec.namesakes.end();
        if (workspace.row.name == spec.name && !before) {
            return refusal("a workspace of its name is there already: " + workspace.row.id,
                           "if it is the replacement, acknowledge the case");
        }
    }
    const auto parent = stack::text_at(spec.create, "parent_id");
    if (!parent.empty() && find_id(list, parent) == nullptr) {
        return refusal("its parent is not in the list any more", "create it by hand elsewhere");
    }
    return std::nullopt;
}

boost::asio::awaitable<Result<Kept>> look_up(Context& context, Plan from_plan, std::string from,
                                             net::Deadline deadline) {
    const auto name = workspace_name(from_plan.subject);
    if (name.has_error()) {
        co_return name.error();
    }
    auto spec = spec_in(from_plan);
    if (spec.has_error()) {
        co_return spec.error();
    }
    Kept kept;
    kept.slug = name->slug;
    kept.spec = *spec;
    auto access = co_await open_tenant(context, name->slug, deadline);
    if (access.has_error()) {
        co_return access.error();
    }
    kept.access = *access;
    auto list = co_await read_workspaces(context, &kept.access, deadline);
    if (list.has_error()) {
        co_return wrap("the list of workspaces", stack::to_error(list.error()));
    }
    if (const auto why = not_recreatable(*list, kept.spec)) {
        co_return *why;
    }
    for (const auto& workspace : list->workspaces) {
        kept.spec.others.push_back(workspace.row.id);
    }
    open_sealed(context, from, kept);
    co_return kept;
}

std::string version_of(const Kept& kept, const std::string& from) {
    nlohmann::json all = nlohmann::json::object();
    all["from"] = from;
    all["create"] = kept.spec.create;
    all["secrets"] = kept.spec.secret_names;
    return "sha256:" + sha256_hex(dump(all));
}

// A plan from which the same can be planned again: the spec stands in its last call.
Plan plan_of(const Kept& kept, const Plan& from_plan, const std::string& from) {
    Plan plan;
    plan.lever = from_plan.lever;
    plan.subject = from_plan.subject;
    plan.resource = from_plan.resource;
    plan.target_version = version_of(kept, from);
    plan.params = from_plan.params;
    plan.params[recreates_param] = from;
    plan.params["secrets"] = fmt::format("{}", fmt::join(kept.spec.secret_names, ","));
    plan.calls = create_calls(kept.access, kept.spec);
    return plan;
}

}  // namespace

boost::asio::awaitable<Result<Plan>> plan_workspace_recreation(Context& context, Intent done,
                                                               net::Deadline deadline) {
    // A recreation that failed points to the firing that it was to make good.
    const auto before = param(done.plan, recreates_param);
    const std::string from = before.empty() ? done.id : before;
    auto kept = co_await look_up(context, done.plan, from, deadline);
    if (kept.has_error()) {
        co_return wrap(done.subject.text(), kept.error());
    }
    Plan plan = plan_of(*kept, done.plan, from);
    plan.warnings.push_back("creates " + kept->spec.name + " again as " + from +
                            " found it, with a new id; what that firing lost stays lost");
    if (!kept->missing.empty()) {
        plan.warnings.push_back(
            fmt::format("without these secrets, of which no value is kept ({}): {}; enter them by "
                        "hand afterwards",
                        kept->unopened.empty() ? "they were not sealed" : kept->unopened,
                        fmt::join(kept->missing, ", ")));
    }
    co_return plan;
}

boost::asio::awaitable<Outcome> fire_workspace_recreation(Context& context, Plan plan,
                                                          std::string intent,
                                                          net::Deadline deadline) {
    const std::string from = param(plan, recreates_param);
    auto kept = co_await look_up(context, plan, from, deadline);
    if (kept.has_error()) {
        co_return make_outcome(intent, OutcomeKind::refused, kept.error().what);
    }
    const Plan now = plan_of(*kept, plan, from);
    if (now.target_version != plan.target_version || now.calls != plan.calls ||
        !kept->missing.empty()) {
        co_return make_outcome(intent, OutcomeKind::refused,
                               "what is kept of the workspace changed since the plan");
    }
    const auto share = timeout_of(context, plan.lever) / 5;
    const auto rehearsal =
        co_await rehearse_create(kept->access, kept->spec, kept->values, deadline - 2 * share);
    if (!rehearsal.good) {
        const auto kind = rehearsal.made ? OutcomeKind::unknown : OutcomeKind::refused;
        co_return make_outcome(intent, kind, rehearsal.detail);
    }
    const auto created =
        co_await create_once(context, &kept->access, kept->spec, kept->values, deadline, share);
    if (created.new_id.empty()) {
        co_return make_outcome(intent, created.kind, created.words);
    }
    co_return replaced(intent, kept->spec, kept->slug, created, created.words);
}

}  // namespace leverd::levers
