// Why: what stops speaking is a finding too. A signal with `silent_after` has a deadline that
// counts from the last look, so a restart neither shortens nor lengthens it.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// Records a look of its own, reason `silent`, for every subject whose deadline has passed, and
// notes when the next one will.
void settle_silence(Work& work);

// How long nobody listened since then: that is nobody's silence. Every process adds the time
// between the ledger's newest entry and its own beginning, so short-lived ones find a silence, too.
Millis away_since(const State& state, Instant from);

// A process began after so much time in which none was there.
void note_absence(State& state, Instant ended, Millis took);

}  // namespace leverd
