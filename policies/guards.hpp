// Why: permission in one table. Each guard can veto a lever and says so with its value and limit; a
// guard that cannot read what it needs blocks.
#pragma once

#include "policies/engine.hpp"

#include <string_view>
#include <vector>

namespace leverd {

struct GuardInput {
    const Rules& rules;
    const State& state;
    const Transient& transient;
    const Incident& incident;
    const Symptom& symptom;
    const LeverContract* lever = nullptr;  // null: unknown lever
    const Policy* policy = nullptr;        // null: none matched
    Mode mode = Mode::observe;             // after every ceiling
    const PlanMade* plan = nullptr;        // null: not made yet
    std::string hash;                      // of what would be fired
    Now now;
};

struct Guard {
    std::string_view name;
    GuardVerdict (*check)(const GuardInput& input);
    bool needs_plan = false;
};

// In the order in which they are asked; the first that blocks is the decision's reason.
const std::vector<Guard>& guard_table();

// How far this lever may go: the least of policy, box, and what the contract allows.
Mode mode_ceiling(const Rules& rules, const Policy* policy, const LeverContract* lever);

}  // namespace leverd
