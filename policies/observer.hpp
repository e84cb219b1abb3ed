// Why: doubt the observer before the target. Reference points, loop lateness and clock steps decide
// whether this box may judge anybody.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// Subjects and probe names of the observer's own looks.
inline constexpr std::string_view reference_kind = "reference";
inline constexpr std::string_view self_subject = "observer";
inline constexpr std::string_view self_probe = "self";

// Value of the guard when too few reference points were heard of lately, without any having failed.
inline constexpr std::string_view references_unheard = "unheard";

// The driver's report about itself carries facts only (lateness_ms, clock_step_ms); this says what
// they mean.
Observation judge_self(const ObserverRules& rules, Observation report);

// Enters or leaves doubt.
void settle_observer(Work& work);

// How long the process was held up before its newest report about itself; zero when that was good.
// In that time it heard nothing.
Millis held_up(const State& state);

// A quorum of reference points was found good after `since`: our own network works, so the fault is
// the target's.
bool observer_vouches(const Rules& rules, const State& state, Instant since);

// Until when what was seen is vouched for so; nullopt: nothing is.
std::optional<Instant> vouched_until(const Rules& rules, const State& state);

// Asks for a look at every reference point now.
void ask_references(Work& work);

}  // namespace leverd
