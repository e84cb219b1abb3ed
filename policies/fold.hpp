// Why: the first stage. Looks become runs: each signal counts the bad and the good looks of one
// probe on one subject, unknown looks leave every count as it is, and a change of reason does not
// reset a run.
#pragma once

#include "core/model/observation.hpp"
#include "policies/engine.hpp"

namespace leverd {

enum class LookValue { good, bad, nothing };

// What a look means to a signal. `own_version`: the version that a lever of ours gave the subject,
// else empty.
LookValue judge(const Signal& signal, const Observation& look, const std::string& own_version);

// The signal's spread on this subject, with its per-attribute exception.
Millis spread_of(const Signal& signal, const SmallMap<std::string>& attributes, const Facts& facts);

// Folds the look in. True when something changed that must be durable: the value, the version, the
// attributes, a run that is not settled, or the proof of a lever.
bool fold(const Rules& rules, State& state, const Observation& look);
// The same for a caller that has found the look's subject already; it is not taken out.
bool fold(const Rules& rules, State& state, SubjectState& held, const Observation& look);

// How old what the ledger holds of a look may be, where a deadline counts from the last look; zero:
// no deadline does. After a restart the deadline is that much longer.
Millis kept_within(const Rules& rules, std::string_view probe, std::string_view kind);

// A run that neither tripped nor is at rest: the next look should come soon.
bool change_pending(const Rules& rules, const State& state, const Observation& look);

// Forgets the runs that raised nothing yet: what was seen by a doubted observer is no evidence.
void forget_unraised_runs(const Rules& rules, State& state);

}  // namespace leverd
