// Why: a subject that flaps changes with every look, and an entry for each would fill the ledger.
// While it flaps, one look a minute is kept: it says how many it stands for and where they left the
// runs of its signals, so that a fold of the ledger goes on from there.
#pragma once

#include "core/model/entry.hpp"
#include "policies/engine.hpp"
#include "policies/state.hpp"

#include <vector>

namespace leverd {

constexpr Millis flapping_kept_every{60'000};

bool is_flapping(const Rules& rules, const State& state, const Observation& look);

// What a look must leave as it was to be left out.
struct BeforeLook {
    SmallMap<std::string> attributes;
    std::string version;
    std::vector<std::string> raised;  // signals
};
BeforeLook before_look(const SubjectState& held);
// The look changed nothing but the direction in which it points.
bool only_turned(const BeforeLook& before, const SubjectState& held);

// Counts a look that is left out.
void leave_out(const Rules& rules, const State& state, const Observation& look, LeftOut& out);

// Where the runs of the look's signals stand, for the entry that stands for `out`.
std::vector<SignalRun> runs_of(const Rules& rules, const SubjectState& held,
                               const Observation& look, const LeftOut& out);
// Takes them over. `previous`: when the look before the entry's was seen.
void take_runs(const Rules& rules, State& state, const Observed& entry, Instant previous);

}  // namespace leverd
