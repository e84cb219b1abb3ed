// Why: what stops speaking is a finding too. A signal with `silent_after` has a deadline that
// counts from the last look, so a restart neither shortens nor lengthens it.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// Records a look of its own, reason `silent`, for every subject whose deadline has passed, and
// notes when the next one will.
void settle_silence(Work& work);

}  // namespace leverd
