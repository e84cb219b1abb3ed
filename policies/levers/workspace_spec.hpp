// Why: a deleted workspace can be created anew only from what was read before. Everything that the
// create accepts and a read shows is captured here; what cannot be captured is a reason not to
// delete (workspace_fit.hpp), or a loss that the plan names (workspace_losses.hpp).
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
    std::string raw_name;                   // as the platform has it, for a header
    nlohmann::json row;                     // as the list shows it
    nlohmann::json create;                  // body of POST /workspaces without secret values
    std::vector<std::string> secret_names;  // sorted; their values have to be read for the create
    std::vector<std::string> all_secrets;   // these, the inherited ones and the model's; sorted
    std::vector<std::string> others;        // ids of all other rows of the list
    std::vector<std::string> namesakes;     // those of them with the same name
    bool newest = false;                    // the build is newer than the one that was measured
    std::string version;  // hash of all that a recreation needs; not of status and load
};

// Reads the list, the model and the names of the secrets. An Error when the workspace is not there
// or must not or could not be created anew as it is.
boost::asio::awaitable<Result<WorkspaceSpec>> capture_spec(Context& context,
                                                           stack::TenantAccess* access,
                                                           std::string id, net::Deadline deadline);

using SecretValues = std::map<std::string, Secret>;

// The body of the create call, stable JSON.
std::string create_body(const WorkspaceSpec& spec, const SecretValues& values);

// A row that took the place of `spec_id`: the same name, and none of the rows known before.
// Nullopt when there is none or more than one.
std::optional<stack::Workspace> find_replacement(const stack::WorkspaceList& list,
                                                 const std::string& name, const std::string& old_id,
                                                 const std::vector<std::string>& known_before);

}  // namespace leverd::levers
