// Why: a fault shared by several subjects is one fault. Counts tripped members below one subject,
// with shares.
#pragma once

#include "policies/engine.hpp"

#include <optional>
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

// The group as its recent members stand; nullopt when no member is tripped.
std::optional<GroupFinding> find_group(const State& state, const Symptom& symptom,
                                       const Subject& group, Instant now);

// An active group symptom stays as long as its counts hold, however long ago the members tripped.
bool group_persists(const State& state, const Symptom& symptom, const Subject& group);

// The runs that count for the group as it is.
std::vector<RunKey> group_runs(const State& state, const Symptom& symptom, const Subject& group);

// Its counts would hold by these of its runs alone.
bool group_stands_by(const State& state, const Symptom& symptom, const Subject& group,
                     const std::vector<RunKey>& runs);

}  // namespace leverd
