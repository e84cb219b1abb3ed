// Why: the last stage. A lever has helped only when fresh looks taken after its propagation delay
// say so; absent data proves nothing; an ambiguous end is settled by looking at the target.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// Counts the look toward the proofs of levers being verified. True when one of them moved.
bool advance_proofs(const Rules& rules, State& state, const Observation& look);

// The values that the proof's counters had before the lever fired.
std::map<std::string, double> facts_before(const Rules& rules, const State& state,
                                           const Intent& intent);

// The runs that are over their threshold on the subject or below it.
std::set<std::pair<std::string, Subject>> tripped_in_scope(const State& state,
                                                           const Subject& subject);

// How long the proof of a lever that this policy lets fire may take; the default for one that is
// not in the rules.
Millis verify_timeout_of(const Rules& rules, const std::string& policy);

// Asks for looks, gives verdicts, gives up at the deadline.
void settle_verdicts(Work& work);

// The lever's own newest look since the call, when it found that the lever did not do its work.
const LookState* failing_own_look(const State& state, const IntentState& held);

bool step_done(const State& state, const IntentState& held, const ProofStep& step,
               const ProofProgress& progress);

}  // namespace leverd
