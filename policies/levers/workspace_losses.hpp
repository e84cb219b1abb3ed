// Why: a reprovisioning loses more than it can bring back. Whoever approves it reads here what this
// very workspace loses, with numbers where the platform tells them.
#pragma once

#include "policies/levers/workspace_spec.hpp"

#include <string>
#include <vector>

namespace leverd::levers {

struct Belongings {
    std::vector<std::string> counted;    // "3 schedules"; what there is none of is left out
    std::vector<std::string> uncounted;  // "memories"; nobody can tell
};

// What hangs on the workspace's id and has reads of its own. Never fails: what cannot be read is
// said.
boost::asio::awaitable<Belongings> count_belongings(stack::TenantAccess access, std::string id,
                                                    net::Deadline deadline);

// One sentence for each thing that is lost, or that could not be checked, most important first.
// `sealed`: secret values survive a create that fails.
std::vector<std::string> describe_losses(const WorkspaceSpec& spec, const Belongings& belongings,
                                         bool sealed);

}  // namespace leverd::levers
