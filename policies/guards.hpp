// Why: permission in one table. Each guard can veto a lever and says so with its value and limit; a
// guard that cannot read what it needs blocks.
#pragma once

#include "policies/engine.hpp"
#include "policies/ladder.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace leverd {

// How far this lever may go, and what brought it down from what the policy says: the least of
// policy, box, contract, and what the record of the lever allows.
struct Ceiling {
    Mode mode = Mode::observe;
    std::string why;  // empty: the policy's own mode
};
// Who asked for this firing and why; leverd itself did not propose it.
struct ByHand {
    std::string who;
    std::string why;
};
struct GuardInput {
    const Rules& rules;
    const State& state;
    const Transient& transient;
    const Incident& incident;
    const Symptom& symptom;
    const LeverContract* lever = nullptr;  // null: unknown lever
    const Policy* policy = nullptr;        // null: none matched
    Ceiling ceiling;
    const PlanMade* plan = nullptr;  // null: not made yet
    std::string hash;                // of what would be fired
    Rung rung;                       // where the incident stands on its ladder
    Now now;
    const ByHand* by_hand = nullptr;  // null: leverd's own proposal
    Instant* again = nullptr;  // the earliest moment at which time alone changes a guard's mind

    // Every guard that reads the clock says here when to ask it again.
    void ask_again(Instant at) const {
        if (again != nullptr && at > now.at) {
            *again = std::min(*again, at);
        }
    }
};

struct Guard {
    std::string_view name;
    GuardVerdict (*check)(const GuardInput& input);
    bool needs_permission = true;  // asked only when the lever and a policy for it are known
};

// The row of the page table that the daemon reports while the config on disk is not the one that
// runs.
inline constexpr std::string_view config_refused = "config_refused";

// Why the process may not act now, whatever a lever is about; empty: it may. The guard
// daemon_ready,
// /-/ready and can_act all ask here. `automatic`: nobody is asked before the lever fires.
std::string not_ready(const State& state, bool automatic);

// In the order in which they are asked; the first that blocks is the decision's reason.
const std::vector<Guard>& guard_table();

// See Ceiling.
Ceiling mode_ceiling(const Rules& rules, const State& state, const Policy* policy,
                     const LeverContract* lever, Instant now);

}  // namespace leverd
