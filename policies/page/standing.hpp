// Why: what leverd holds, doubts or lost by itself has no case to be told with, and is told all the
// same: one page each, with the grace and the severity of its row.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// `told`: pages of cases changed in this turn, which may speak for leverd, too.
void settle_standing(Work& work, bool told);

}  // namespace leverd
