// Why: something that goes up and down all the time is not mended by restarting it once more. A
// run that changes too often is flapping: one alarm when it begins, one all-clear when it ends, and
// no disruptive lever in between.
#pragma once

#include "policies/work.hpp"

#include <string>
#include <vector>

namespace leverd {

// Enters or leaves the flapping state of every run that changed lately.
void settle_flapping(Work& work);

// The weight of the changes at `now`: each counts 1 when new, falling to 0.5 at the window's end.
double flap_score(const FlapRules& rules, const std::vector<Instant>& changes, Instant now);

}  // namespace leverd
