// Why: a person may fire a lever that leverd did not propose. It is an ordinary decision: the same
// guards, the same ledger, and the person's name and reason in place of a symptom.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// What the guards say now. `incident` is the open case of this subject to which the firing would
// belong; empty: it would be a case of its own.
struct JudgedByHand {
    Decision decision;
    std::string incident;
};
JudgedByHand judge_by_hand(const Rules& rules, const State& state, const Transient& transient,
                           const FireByHand& wanted, Now now);

// Records the decision and, when every guard passes, the intent that fires. A refusal opens no
// case.
void fire_by_hand(Work& work, const FireByHand& wanted);

}  // namespace leverd
