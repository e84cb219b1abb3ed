// Why: the only place where the engine's state changes. Live turns and the start-up fold both come
// through here, so that the state after a restart is the state that was written down.
#pragma once

#include "policies/engine.hpp"

namespace leverd {

void apply(const Rules& rules, State& state, const Entry& entry);

// Closed incidents kept in view; older ones live on in the ledger only.
constexpr std::size_t closed_incidents_kept = 200;

}  // namespace leverd
