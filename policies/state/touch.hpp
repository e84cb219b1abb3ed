// Why: keeps the index true and fills the agenda while state changes. Only fold and apply call
// these; the stages read.
#pragma once

#include "policies/engine.hpp"

namespace leverd {

template <class Map, class Key, class Value>
void take_out(Map& map, const Key& key, const Value& value) {
    const auto held = map.find(key);
    if (held != map.end()) {
        held->second.erase(value);
        if (held->second.empty()) {
            map.erase(held);
        }
    }
}

const Family& family_of(const Rules& rules, const State& state, const Subject& subject);

// The state of a subject, made when it is new, and the only way to let go of one.
SubjectState& hold_subject(const Rules& rules, State& state, const Subject& subject);
void drop_subject(const Rules& rules, State& state, const Subject& subject);
// Nor is it known any more how often its looks turned.
void forget_changes(State& state, const Subject& subject);

// Its attributes or version changed, so what stands above it, and above what stands below it, may
// be another now.
void note_identity(const Rules& rules, State& state, const Subject& subject);
// It moved to another version; rows may ask for that.
void note_version(const Rules& rules, State& state, const Subject& subject);
// After each look was kept and folded; `turned`: it said something else than the one before it.
void note_look(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
               const Observation& look, bool turned);
void set_sight(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
               bool visible);
// A signal by which it may be meant to be off tripped or cleared: it counts in no share then.
void note_off(const Rules& rules, State& state, const RunKey& key, bool off);
// Whether it is in sight at `now`, by the looks that it has.
void note_sight(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
                Instant now);
// A look at something that must not fall silent.
void note_heard(const Rules& rules, State& state, const Subject& subject, const LookState& look);
// Its last bad run is over, so its good looks vouch for its kind.
void note_clean(State& state, const Subject& subject, const SubjectState& held);
// A run was tripped, is over, or began anew.
void note_trip(const Rules& rules, State& state, const RunKey& key, const Detector& before,
               const Detector& after);
// The subject has a run now, or none any more.
void note_runs(State& state, const Subject& subject, bool any);
// Something about it is open now, or nothing any more.
void note_uneasy(const Rules& rules, State& state, const Subject& subject);

void note_symptom(const Rules& rules, State& state, const SymptomKey& key, bool active);
// Its own symptom cleared at `when`, or is there again: of the open cases that it is the cause of.
void note_cause(State& state, const SymptomKey& key, Now when);
void note_opened(const Rules& rules, State& state, const std::string& incident);
// Counts the incident among the openings of its cause, or no longer.
void note_opening(State& state, const Incident& incident, bool counts);
void note_closed(const Rules& rules, State& state, const std::string& incident);
void note_dropped(State& state, const std::string& incident);
// An active symptom moved from one incident to another; either may be empty.
void note_link(State& state, const SymptomKey& key, const std::string& from, const std::string& to);

void touch_row(State& state, const SymptomKey& key);
void touch_cases_on(State& state, const Subject& subject);
// Evidence that arrives matters to a case that lacks it; a look that says something else to all.
void touch_evidence(const Rules& rules, State& state, const Subject& subject, bool turned);
void touch_direct_rows(const Rules& rules, State& state, const Subject& subject);
// The cases of this subject and of everything below it.
void touch_family(State& state, const Subject& subject);
// The cases of this subject and of everything above it.
void touch_cases_around(const Rules& rules, State& state, const Subject& subject);
void touch_all_cases(State& state);

// Alarms that have rung, before anything is judged at `now`.
void ring(const Rules& rules, State& state, Instant now);

// Everything anew: other rules, or a test that trusts nothing.
void rebuild(const Rules& rules, State& state);
// Every row, case and run is to be looked at.
void touch_everything(const Rules& rules, State& state);

}  // namespace leverd
