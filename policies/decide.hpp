// Why: the fourth stage. For every open incident there is always a decision with a closed reason,
// also when nothing is done; the same decision is not recorded twice.
#pragma once

#include "policies/guards.hpp"
#include "policies/work.hpp"

namespace leverd {

void settle_decisions(Work& work);

// Every guard in order, and the decision that follows; not numbered and not recorded.
Decision ask_guards(const GuardInput& input);

// What an approval is bound to: change any of these and it no longer holds.
std::string decision_hash(const Incident& incident, const State& state, const PlanMade* plan);

// The decision of a symptom that a higher incident explains: held.
void record_explained(Work& work, const std::string& incident, const SymptomKey& key);

// A plan older than this is made anew before anything is decided on it.
constexpr Millis plan_ttl{60'000};

}  // namespace leverd
