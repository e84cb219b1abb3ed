// Why: a lever that deletes may end with the thing gone and nothing in its place. No look can find
// what is not there any more, so such a case does not end by itself: a person says that it was seen
// to.
#pragma once

#include "core/model/plan_params.hpp"
#include "policies/work.hpp"

#include <string>

namespace leverd {

// What this call destroyed and nothing replaced, as the target showed it; empty: nothing.
std::string lost_by(const IntentState& held);

// The same of any lever of this case, unless a person acknowledged it.
std::string open_loss(const State& state, const Incident& incident);

// What this call put in the place of what it deleted and nobody saw to work; empty: nothing. Its
// subject is gone and its symptom with it, so no look would ever say that it still fails.
std::string unproven_replacement(const IntentState& held);

// The same of any lever of this case, unless a person acknowledged it.
std::string open_replacement(const State& state, const Incident& incident);

// Gives the case over to a person when such a verdict was given.
void escalate_replacement(Work& work, const std::string& intent);

// The secret values that were sealed for this intent may be the last copy: it is under way, or what
// it deleted was neither proven to be replaced nor acknowledged. Also of an intent that nobody
// knows: history may be missing.
bool needs_sealed(const State& state, const std::string& intent);

// Gives the case of this intent over to a person when something is lost; at once, so that no other
// lever is tried on what is gone.
void escalate_loss(Work& work, const std::string& intent);

// How a case whose symptom is gone ends, in the ledger's words: recovered (a lever was proven),
// lost (a person acknowledged what was destroyed), by_hand (it was opened by firing by hand), gone
// (the subject is), unproven (a lever acted, and nobody saw that it was the reason), self_healed.
std::string end_of(const Rules& rules, const State& state, const Incident& incident);

}  // namespace leverd
