// Why: a fault shared by several subjects is one fault. Counts tripped members below one subject,
// with shares.
#pragma once

#include "policies/engine.hpp"

#include <string>
#include <vector>

namespace leverd {

struct GroupFinding {
    Subject subject;
    bool met = false;
    Instant last_tripped{};
    Instant first_bad{};
    std::string evidence;
};

// One finding per subject of the symptom's kind that has at least one tripped member.
std::vector<GroupFinding> find_groups(const Rules& rules, const State& state,
                                      const Symptom& symptom, Instant now);

// An active group symptom stays as long as its counts hold, however long ago the members tripped.
bool group_persists(const Rules& rules, const State& state, const Symptom& symptom,
                    const Subject& subject, Instant now);

}  // namespace leverd
