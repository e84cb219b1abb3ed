// Why: many separate incidents at once mean that something is wrong which no row of the table
// names, or that leverd itself is. The storm breaker then holds new levers; afterwards one lever
// goes, is proven, and the number doubles, so that nothing is replayed in a burst.
#pragma once

#include "policies/work.hpp"

namespace leverd {

void settle_breaker(Work& work);

}  // namespace leverd
