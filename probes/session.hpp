// Why: every authenticated look at a tenant needs its admin token, which lives in memory only,
// comes from the control plane and rotates with a redeploy (wire-contracts 1.3). One look asks for
// it at most twice.
#pragma once

#include "probes/common.hpp"

namespace leverd::probes {

class TenantSession {
  public:
    TenantSession(Context& context, std::string slug);

    // The list of workspaces; a 401 fetches the token anew, once per session. A Problem with status
    // 0 and reason credential_missing: no token was to be had, the tenant was not asked.
    boost::asio::awaitable<stack::Read<stack::WorkspaceList>> workspaces(net::Deadline deadline);
    boost::asio::awaitable<stack::Read<std::vector<stack::ActivityRow>>> activity(
        std::string workspace_id, int limit, net::Deadline deadline);

    const stack::TenantAccess& access() const { return access_; }

  private:
    // Makes sure that there is a token; nullopt when there is one.
    boost::asio::awaitable<std::optional<stack::Problem>> ensure_token(net::Deadline deadline);
    // After a 401: true when another token is there to try.
    boost::asio::awaitable<bool> renew_token(net::Deadline deadline);

    Context& context_;
    stack::TenantAccess access_;
    bool fetched_ = false;
};

}  // namespace leverd::probes
