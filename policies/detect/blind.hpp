// Why: not seeing is a state of its own, neither health nor fault. Looks that cannot judge raise no
// symptom, so without this a watchdog whose credential ran out would call everything well.
#pragma once

#include "policies/work.hpp"

#include <string>
#include <vector>

namespace leverd {

// The look says that nobody could judge. What is meant to be at rest (paused, removed, without
// traffic) was seen well enough.
bool cannot_judge(const Observation& look);

// Part of fold: begins or ends the run of looks that cannot judge. Constant work for a look.
void note_unseen(State& state, const Observation& look);
void forget_unseen(State& state, const Subject& subject);

// Enters and leaves blindness, per kind of subject. Asks every five seconds at most, and only about
// what cannot be judged.
void settle_blind(Work& work);

// When a Tick could change it; Instant::max() when nothing is unseen.
Instant blind_due(const State& state, const Transient& transient);

// The subject, or what it stands on, is seen to fail: that what is below it cannot be judged is
// part of that fault and no blindness.
bool is_seen_failing(const Runbook& runbook, const State& state, const Subject& subject);

// Nothing below a kind that cannot be seen is forgotten: not seen is not gone.
bool is_kept_for_blindness(const Runbook& runbook, const State& state, const Subject& subject);

// A run of bad looks that makes no symptom because what its row wants to see healthy cannot be
// judged.
struct Withheld {
    Subject subject;
    const Symptom* symptom = nullptr;
    Subject unseen;
    Reason reason = Reason::ok;
};
std::vector<Withheld> withheld(const Rules& rules, const State& state);

// The row says that something cannot be judged: each of its signals counts nothing but looks that
// could not judge. It explains nothing below: what fails there is seen, and told by its own name.
// The guard "explained" holds the levers all the same.
bool speaks_of_blindness(const Rules& rules, const std::string& symptom);

// A row of the runbook's table speaks about these very looks (a signal with health = ["unknown"])
// and its case is open, so that this case tells it.
bool blindness_has_case(const Rules& rules, const State& state, const std::string& what);

}  // namespace leverd
