// Why: levers reach the same places as probes, with the same credentials, from the same config; how
// a lever gets its access is decided here once, so that no lever handles a token by hand.
#pragma once

#include "core/stack/control_plane.hpp"
#include "core/stack/registry.hpp"
#include "core/stack/tenant.hpp"
#include "policies/levers/lever.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace leverd::levers {

// An Error in one expression, so that no braced temporary is needed where one is refused.
Error refusal(std::string what, std::string hint = {});

// A value where a plain return would be ambiguous, because an Error can be made of the value too.
template <class T>
Result<T> success(T value) {
    return Result<T>(boost::system::in_place_value, std::move(value));
}

stack::ControlPlaneAccess control_plane_of(const Context& context);
stack::RegistryAccess registry_of(const Context& context);
// The value of a name in [secrets]; empty when there is none. For the one lever whose host it is.
Secret secret_named(const Context& context, const std::string& name);

// "acme" of "tenant/acme"; an Error for another kind of subject or a text that is no slug.
Result<std::string> tenant_slug(const Subject& subject);

struct WorkspaceName {
    std::string slug;
    std::string id;  // UUID
};
// The two parts of "workspace/<slug>/<uuid>", validated.
Result<WorkspaceName> workspace_name(const Subject& subject);

// The request as a plan shows it: without its headers, which hold credentials.
Call call_of(const net::HttpRequest& request, std::string why);

// The row of the control plane's list for exactly this slug. A slug that is not on the page is an
// Error that says so; it is no proof that the tenant is gone (wire-contracts 0.8).
boost::asio::awaitable<Result<Tenant>> find_org(Context& context, std::string slug,
                                                net::Deadline deadline);

// The way into one tenant: organisation id from the inventory or the control plane, admin token
// from the inventory or the control plane. The token is kept in the inventory's memory only.
boost::asio::awaitable<Result<stack::TenantAccess>> open_tenant(Context& context, std::string slug,
                                                                net::Deadline deadline);

// GET /workspaces. A 401 means that the token was rotated: it is fetched anew once, stored in
// *access and in the inventory, and the read is repeated.
boost::asio::awaitable<stack::Read<stack::WorkspaceList>> read_workspaces(
    Context& context, stack::TenantAccess* access, net::Deadline deadline);

// The propagation delay that holds here: the config's when it sets one, else the contract's.
Millis propagation_of(const Context& context, const LeverContract& contract);

// The pace of looks, for a lever that has to wait between its calls.
Millis pace_of(const Context& context, const LeverContract& contract);

// The config's timeout of this lever.
Millis timeout_of(const Context& context, std::string_view lever);

// The config says that a restarted agent comes back.
bool keeps_token(const Context& context, std::string_view lever);

}  // namespace leverd::levers
