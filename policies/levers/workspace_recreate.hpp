// Why: a workspace that was deleted and not recreated can still be made from what the ledger and
// the sealed file kept. A person asks for it; leverd looks that nothing stands in its place yet.
#pragma once

#include "core/model/plan_params.hpp"
#include "policies/levers/lever.hpp"

#include <string>

namespace leverd::levers {

// Read-only. An Error when the workspace is not gone, something has its name already, or the intent
// holds no spec.
boost::asio::awaitable<Result<Plan>> plan_workspace_recreation(Context& context, Intent done,
                                                               net::Deadline deadline);

// Looks again, rehearses, and creates once.
boost::asio::awaitable<Outcome> fire_workspace_recreation(Context& context, Plan plan,
                                                          std::string intent,
                                                          net::Deadline deadline);

}  // namespace leverd::levers
