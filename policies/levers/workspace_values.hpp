// Why: between the committed intent and the delete, lever D makes sure that what it deletes can
// come back: it reads the secret values, for which the platform wants a token of the workspace's
// own, and rehearses the create. Each of these can still say no, and then nothing is deleted.
#pragma once

#include "policies/levers/workspace_spec.hpp"

#include <optional>
#include <string>

namespace leverd::levers {

net::HttpRequest mint_request(const stack::TenantAccess& access, const std::string& id);

// The values of exactly the spec's secrets. The admin's token may read them only while no agent of
// the workspace has a token; after that one is minted, left in *minted, and used. No answer's body
// ever becomes an error text. An Error when a value is missing.
boost::asio::awaitable<Result<SecretValues>> read_secret_values(stack::TenantAccess access,
                                                                WorkspaceSpec spec, Secret* minted,
                                                                net::Deadline deadline);

// Takes a minted token back. Empty, or why it is still live; never the token.
boost::asio::awaitable<std::string> revoke_token(stack::TenantAccess access, std::string id,
                                                 Secret minted, net::Deadline deadline);

}  // namespace leverd::levers
