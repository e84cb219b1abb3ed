// Why: trust is earned per symptom and lever, from proven recoveries, and set beside what the
// symptom does when nobody touches it. It is lost by one failed proof, one rejection or one veto.
#pragma once

#include "policies/work.hpp"

#include <optional>
#include <string>

namespace leverd {

// What a policy's `auto_after` demands and what the record shows. A policy without it has it all.
struct Standing {
    bool earned = true;
    std::string why;  // what is there and what is missing
};
Standing standing_of(const Rules& rules, const State& state, const Policy& policy, Instant now);

// A lever that rarely helps is not fired, whoever would allow it.
struct Helpfulness {
    bool enough = true;
    std::string why;
};
Helpfulness effect_of(const Rules& rules, const State& state, const Policy& policy, Instant now);

// Verdicts of the window, for tables and metrics.
struct Tally {
    int verdicts = 0;
    int recovered = 0;
};
Tally tally_of(const Rules& rules, const State& state, const std::string& symptom,
               const std::string& lever, Instant now);
std::optional<Millis> median_of(const std::deque<Millis>& values);

// Says when a policy's standing changes.
void settle_autonomy(Work& work);

}  // namespace leverd
