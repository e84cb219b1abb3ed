// Why: the runbook's three read-only diagnostics are read right before a lever fires, because what
// the lever changes can never be read again.
#pragma once

#include "core/model/entry.hpp"
#include "policies/levers/lever.hpp"

#include <vector>

namespace leverd::levers {

// All diagnostics of one firing together; a slow stack delays a lever by this much at most.
inline constexpr Millis diagnose_within{4'000};
inline constexpr std::size_t diagnosed_tenants_max = 3;
inline constexpr std::size_t diagnosed_workspaces_max = 3;

// What the tenants and workspaces among `about` look like: infra state, boot events, activity, in
// this order. Shapes, statuses and error classes only. What could not be read says why; never
// throws and never lasts longer than diagnose_within.
boost::asio::awaitable<std::vector<Diagnostic>> diagnose(Context& context,
                                                         std::vector<Subject> about);

}  // namespace leverd::levers
