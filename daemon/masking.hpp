// Why: what the engine is told is what the ledger keeps, a page says and the API answers. Whatever
// others put into it is masked before the engine hears it, so that all of them say the same.
#pragma once

#include "policies/engine.hpp"

namespace leverd {

// Redacts what remote sides and programs said, and masks known secrets in what people wrote.
void mask(Event& event);

}  // namespace leverd
