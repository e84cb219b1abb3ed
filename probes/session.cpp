// Why: see session.hpp. A tenant that says 401 for ever must not make us hammer the control plane.
#include "probes/session.hpp"

namespace leverd::probes {

TenantSession::TenantSession(Context& context, std::string slug)
    : context_(context), access_(tenant_access(context, slug)) {
    const auto it = context.inventory->admin_tokens.find(slug);
    if (it != context.inventory->admin_tokens.end()) {
        access_.admin_token = it->second;
    }
}

boost::asio::awaitable<std::optional<stack::Problem>> TenantSession::ensure_token(
    net::Deadline deadline) {
    if (!access_.admin_token.empty()) {
        co_return std::nullopt;
    }
    if (fetched_) {
        co_return stack::local_problem(Reason::credential_missing, "no admin token for the tenant");
    }
    fetched_ = true;
    stack::ControlPlaneAccess control_plane = control_plane_access(context_);
    auto token = co_await stack::fetch_admin_token(
        control_plane, context_.config->control_plane.admin_token_path, access_.slug, deadline);
    if (token.has_error()) {
        co_return stack::local_problem(Reason::credential_missing,
                                       "no admin token for the tenant: " + token.error().detail);
    }
    access_.admin_token = *token;
    context_.inventory->admin_tokens.insert_or_assign(access_.slug, *token);
    co_return std::nullopt;
}

boost::asio::awaitable<bool> TenantSession::renew_token(net::Deadline deadline) {
    context_.inventory->admin_tokens.erase(access_.slug);
    if (fetched_) {
        co_return false;
    }
    access_.admin_token = Secret{};
    auto missing = co_await ensure_token(deadline);
    co_return !missing.has_value();
}

boost::asio::awaitable<stack::Read<stack::WorkspaceList>> TenantSession::workspaces(
    net::Deadline deadline) {
    auto missing = co_await ensure_token(deadline);
    if (missing) {
        co_return *missing;
    }
    auto list = co_await stack::list_workspaces(access_, deadline);
    if (list.has_value() || list.error().status != 401) {
        co_return list;
    }
    const bool renewed = co_await renew_token(deadline);
    if (renewed) {
        list = co_await stack::list_workspaces(access_, deadline);
    }
    co_return list;
}

boost::asio::awaitable<stack::Read<std::vector<stack::ActivityRow>>> TenantSession::activity(
    std::string workspace_id, int limit, net::Deadline deadline) {
    auto missing = co_await ensure_token(deadline);
    if (missing) {
        co_return *missing;
    }
    auto rows = co_await stack::read_activity(access_, workspace_id, limit, deadline);
    if (rows.has_value() || rows.error().status != 401) {
        co_return rows;
    }
    const bool renewed = co_await renew_token(deadline);
    if (renewed) {
        rows = co_await stack::read_activity(access_, workspace_id, limit, deadline);
    }
    co_return rows;
}

}  // namespace leverd::probes
