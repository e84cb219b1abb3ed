// Why: what leverd holds, doubts or lost by itself has no case to be told with, and is told all the
// same: one page each, with the grace and the severity of its row.
#pragma once

#include "policies/work.hpp"

namespace leverd {

void settle_standing(Work& work);

}  // namespace leverd
