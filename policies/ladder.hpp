// Why: the gentlest lever comes first and the next rung only when a rung was seen not to help.
// Which rung an incident stands on follows from what was fired for it; a case that comes back soon
// after it was over is the same case, so a repair that only lasts minutes cannot go on for ever.
#pragma once

#include "policies/engine.hpp"

#include <string>
#include <vector>

namespace leverd {

// The row's levers for this subject in order, without "none"; empty when the row has none.
std::vector<std::string> rungs_for(const Symptom& symptom, const Subject& subject);

// So often a lever is refused at the last moment, before anything was sent, until it is taken for
// one that cannot be fired here.
constexpr int refused_most = 3;

struct Rung {
    std::string lever;         // empty: the row has no lever
    int number = 1;            // from 1
    int count = 0;             // of the ladder
    int attempts = 0;          // used on this rung, earlier ones of the same case included
    bool last_failed = false;  // its newest firing was seen not to help
    int refused = 0;           // in this incident, at the last moment
};

// The rung on which the incident stands now.
Rung rung_of(const Rules& rules, const State& state, const Incident& incident,
             const Symptom& symptom);

const Policy* policy_for(const Rules& rules, const std::string& symptom, const std::string& lever,
                         const Subject& subject);

}  // namespace leverd
