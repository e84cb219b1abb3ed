// Why: deleting a workspace loses what the list does not show (wire-contracts 2.5): its model and
// its secrets. Everything that is needed to create it anew is captured before anything is deleted;
// what cannot be captured is a reason not to delete.
#pragma once

#include "core/stack/tenant.hpp"
#include "policies/levers/lever.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace leverd::levers {

struct WorkspaceSpec {
    std::string id;
    std::string name;
    nlohmann::json create;                  // body of POST /workspaces without secret values
    std::vector<std::string> secret_names;  // sorted; their values have to be read for the create
    std::vector<std::string> others;        // ids of all other rows of the list
    std::vector<std::string> namesakes;     // those of them with the same name
    std::string version;  // hash of all that a recreation needs; not of status and load
};

// Reads the list, the model and the names of the secrets. An Error when the workspace is not there,
// has children, was paused by somebody, or could not be created anew as it is.
boost::asio::awaitable<Result<WorkspaceSpec>> capture_spec(Context& context,
                                                           stack::TenantAccess* access,
                                                           std::string id, net::Deadline deadline);

using SecretValues = std::map<std::string, Secret>;

// The values of exactly these secrets. Read right before they are needed, kept nowhere; no answer's
// body ever becomes an error text. An Error when one is missing.
boost::asio::awaitable<Result<SecretValues>> read_secret_values(stack::TenantAccess access,
                                                                WorkspaceSpec spec,
                                                                net::Deadline deadline);

// The body of the create call, stable JSON. The masked one shows the names with "***".
std::string create_body(const WorkspaceSpec& spec, const SecretValues& values);
std::string masked_create_body(const WorkspaceSpec& spec);

// A row that took the place of `spec_id`: the same name, and none of the rows known before.
// Nullopt when there is none or more than one.
std::optional<stack::Workspace> find_replacement(const stack::WorkspaceList& list,
                                                 const std::string& name, const std::string& old_id,
                                                 const std::vector<std::string>& known_before);

}  // namespace leverd::levers
