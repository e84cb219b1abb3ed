// Why: a rollback needs something to go back to. What was in service while nothing was wrong for
// long enough is remembered, so that a missing receipt does not leave lever B without a target.
#pragma once

#include "policies/work.hpp"

namespace leverd {

void settle_known_good(Work& work);

}  // namespace leverd
