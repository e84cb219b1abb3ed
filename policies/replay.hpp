// Why: a policy is tried on what really happened before it is trusted. The recorded history is
// decided again under other rules, and what would have been done is laid beside what was done.
//
// What the ledger cannot know is assumed, and the caller must say so (replay_assumptions).
#pragma once

#include "policies/engine.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd {

// One step of an incident: what was decided, and what came of it when a lever fired.
struct ReplayStep {
    Now when;
    Action action = Action::none;
    std::string lever;
    std::string reason;
    std::string guard_text;  // of the guard that blocked; empty when none did
    std::int64_t rung = 1;
    bool fired = false;
    std::string outcome;  // of what fired
    std::string verdict;
};

struct ReplaySide {
    std::string incident;  // its id in that history; empty: there was none
    Now opened;
    std::optional<Now> closed;
    std::string end;
    std::vector<ReplayStep> steps;  // equal ones in a row are one
    bool unknown_after = false;     // a lever fired that did not fire then: nobody knows the rest
};

// newly_fired - a lever would have fired that did not
// not_fired   - a lever fired that would not have
enum class ReplayDifference { same, newly_fired, not_fired, other_lever, other_reasons };
std::string_view to_string(ReplayDifference d);

struct ReplayCase {
    std::string symptom;
    Subject subject;
    ReplaySide then;
    ReplaySide now;
    ReplayDifference difference = ReplayDifference::same;
};

struct ReplayTotals {
    int incidents = 0;
    int fired = 0;
    int asked = 0;
    int recommended = 0;
    int held = 0;
    int noted = 0;  // action none
};

struct ReplayReport {
    Now from;  // the first entry decided again
    Now until;
    std::size_t entries = 0;  // of the whole ledger
    std::size_t looks = 0;    // that were played, runs expanded
    std::vector<ReplayCase> cases;
    ReplayTotals then;  // decisions from `from` on
    ReplayTotals now;
    std::vector<Entry> ledger;  // what the engine wrote this time
};

// `since` counts back from the newest entry, not from today, so that a rerun gives the same bytes;
// zero: everything. Entries older than that are taken as they are. `before`: what entries said that
// are no longer kept; null: there were none.
ReplayReport replay(const std::vector<Entry>& ledger, const Rules& rules, Millis since = Millis{0},
                    const State* before = nullptr);

const std::vector<std::string_view>& replay_assumptions();

// --- private to the replay's files
// ----------------------------------------------------------------

// One moment of the recorded history: an entry, or one more look like that of an entry.
struct ReplayMoment {
    Instant at{};
    std::uint32_t entry = 0;  // index into the ledger
    bool repeat = false;
};
// In time order, from `from` on; runs of equal looks expanded, the open ones until the end.
std::vector<ReplayMoment> replay_moments(const std::vector<Entry>& ledger, Instant from);

// Lays `report.ledger` beside `recorded`. `hypothetical`: intents that did not fire then.
void compare_histories(const std::vector<Entry>& recorded,
                       const std::vector<std::string>& hypothetical, ReplayReport& report);

}  // namespace leverd
