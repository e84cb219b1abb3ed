// Why: see access.hpp. Every slug and id is validated before it can become part of a URL.
#include "policies/levers/access.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace leverd::levers {
namespace {

constexpr std::size_t subject_shown_max = 120;

const config::LeverSettings* settings_of(const Context& context, std::string_view lever) {
    const auto& all = context.config->levers;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& row) { return row.id == lever; });
    return found == all.end() ? nullptr : &*found;
}

boost::asio::awaitable<Result<Secret>> fetch_token(Context& context, std::string slug,
                                                   net::Deadline deadline) {
    auto token = co_await stack::fetch_admin_token(
        control_plane_of(context), context.config->control_plane.admin_token_path, slug, deadline);
    if (token.has_error()) {
        co_return wrap("admin token of tenant " + slug, stack::to_error(token.error()));
    }
    context.inventory->admin_tokens[slug] = *token;
    co_return std::move(*token);
}

}  // namespace

Secret secret_named(const Context& context, const std::string& name) {
    if (name.empty() || context.secrets == nullptr) {
        return {};
    }
    const auto found = context.secrets->find(name);
    return found == context.secrets->end() ? Secret{} : found->second;
}

Error refusal(std::string what, std::string hint) {
    Error error;
    error.what = std::move(what);
    error.hint = std::move(hint);
    return error;
}

stack::ControlPlaneAccess control_plane_of(const Context& context) {
    stack::ControlPlaneAccess access;
    access.http = context.http;
    access.url = context.config->control_plane.url;
    access.token = secret_named(context, context.config->control_plane.admin_token);
    return access;
}

stack::RegistryAccess registry_of(const Context& context) {
    const auto& registry = context.config->registry;
    stack::RegistryAccess access;
    access.http = context.http;
    access.url = registry.url;
    access.user = registry.user;
    access.token = secret_named(context, registry.token);
    access.allow_private_realm = registry.allow_private_realm;
    return access;
}

Result<std::string> tenant_slug(const Subject& subject) {
    if (subject.kind() != "tenant" || !is_slug(subject.name())) {
        return refusal("not a tenant: \"" + sanitize(subject.text(), subject_shown_max) + "\"",
                       "name it as tenant/<slug>; a slug is 1 to 63 of a-z, 0-9 and '-'");
    }
    return success(std::string(subject.name()));
}

Result<WorkspaceName> workspace_name(const Subject& subject) {
    const auto parts = split(subject.name(), '/');
    if (subject.kind() != "workspace" || parts.size() != 2 || !is_slug(parts[0]) ||
        !is_uuid(parts[1])) {
        return refusal("not a workspace: \"" + sanitize(subject.text(), subject_shown_max) + "\"",
                       "name it as workspace/<slug>/<uuid>");
    }
    return WorkspaceName{parts[0], parts[1]};
}

boost::asio::awaitable<Result<Tenant>> find_org(Context& context, std::string slug,
                                                net::Deadline deadline) {
    auto orgs = co_await stack::list_orgs(control_plane_of(context),
                                          context.config->control_plane.orgs_path, deadline);
    if (orgs.has_error()) {
        co_return wrap("tenant " + slug + " in the control plane's list",
                       stack::to_error(orgs.error()));
    }
    for (const auto& tenant : orgs->tenants) {
        if (tenant.slug == slug) {
            co_return tenant;
        }
    }
    co_return refusal(
        fmt::format("the control plane's list of {} rows does not show {}", orgs->rows, slug),
        "a page without the slug does not prove that the tenant is gone; look at it by hand");
}

boost::asio::awaitable<Result<stack::TenantAccess>> open_tenant(Context& context, std::string slug,
                                                                net::Deadline deadline) {
    stack::TenantAccess access;
    access.http = context.http;
    access.url_template = context.config->tenants.url;
    access.slug = slug;
    const auto base = stack::tenant_url(access.url_template, slug);
    if (base.has_error()) {
        co_return base.error();
    }
    const auto known = context.inventory->tenants.find(slug);
    if (known != context.inventory->tenants.end()) {
        access.org_id = known->second.org_id;
    }
    if (access.org_id.empty()) {
        auto org = co_await find_org(context, slug, deadline);
        if (org.has_error()) {
            co_return org.error();
        }
        access.org_id = org->org_id;
    }
    const auto token = context.inventory->admin_tokens.find(slug);
    if (token != context.inventory->admin_tokens.end() && !token->second.empty()) {
        access.admin_token = token->second;
        co_return access;
    }
    auto fetched = co_await fetch_token(context, slug, deadline);
    if (fetched.has_error()) {
        co_return fetched.error();
    }
    access.admin_token = *fetched;
    co_return access;
}

boost::asio::awaitable<stack::Read<stack::WorkspaceList>> read_workspaces(
    Context& context, stack::TenantAccess* access, net::Deadline deadline) {
    auto list = co_await stack::list_workspaces(*access, deadline);
    if (list.has_value() || list.error().reason != Reason::unauthorized) {
        co_return list;
    }
    auto fetched = co_await fetch_token(context, access->slug, deadline);
    if (fetched.has_error()) {
        co_return list;
    }
    access->admin_token = *fetched;
    auto again = co_await stack::list_workspaces(*access, deadline);
    co_return again;
}

Call call_of(const net::HttpRequest& request, std::string why) {
    Call call;
    call.method = request.method;
    call.url = request.url;
    call.body = request.body;
    call.why = std::move(why);
    return call;
}

Millis propagation_of(const Context& context, const LeverContract& contract) {
    const auto* settings = settings_of(context, contract.id);
    return settings != nullptr && settings->propagation ? *settings->propagation
                                                        : contract.propagation;
}

Millis pace_of(const Context& context, const LeverContract& contract) {
    const auto* settings = settings_of(context, contract.id);
    return settings != nullptr && settings->prove_every ? *settings->prove_every
                                                        : contract.prove_every;
}

Millis timeout_of(const Context& context, std::string_view lever) {
    const auto* settings = settings_of(context, lever);
    return settings != nullptr ? settings->timeout : config::LeverSettings{}.timeout;
}

bool keeps_token(const Context& context, std::string_view lever) {
    const auto* settings = settings_of(context, lever);
    return settings != nullptr && settings->keeps_token;
}

}  // namespace leverd::levers
