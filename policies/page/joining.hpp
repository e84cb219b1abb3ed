// Why: which page tells of a case: the one that its subject or its healed cause has open, the one
// that comes back, a storm of many, or one of its own.
#pragma once

#include "policies/work.hpp"

#include <string>

namespace leverd {

// Puts an open case that a person must hear of into its group, or notes when that will be.
void group_case(Work& work, const std::string& incident);

}  // namespace leverd
