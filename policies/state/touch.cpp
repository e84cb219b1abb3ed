// Why: see touch.hpp; cases, symptoms and runs.
#include "policies/state/touch.hpp"

#include "policies/state/tally.hpp"
#include "policies/topology.hpp"

#include <algorithm>

namespace leverd {
namespace {

bool is_open(const Incident& incident) {
    return incident.phase != IncidentPhase::closed;
}

bool has_trip(const State& state, const Subject& subject) {
    const auto held = state.subjects.find(subject);
    return held != state.subjects.end() &&
           std::ranges::any_of(held->second.detectors,
                               [](const auto& one) { return one.second.raised; });
}

bool names(const std::vector<std::string>& signals, const std::string& signal) {
    return std::ranges::find(signals, signal) != signals.end();
}

bool mentions(const Symptom& symptom, const std::string& signal) {
    return names(symptom.any, signal) || names(symptom.all, signal) ||
           names(symptom.not_all, signal) || names(symptom.unless, signal);
}

// The rows that ask about this signal, here and below: one counts as raised for a subject when it
// is raised on anything above it.
void touch_rows_of(const Rules& rules, State& state, const RunKey& run) {
    const auto& [signal, subject] = run;
    for (const auto& symptom : rules.runbook.symptoms) {
        if (symptom.group || !mentions(symptom, signal)) {
            continue;
        }
        if (symptom.subject_kind == subject.kind()) {
            touch_row(state, {symptom.id, subject});
        }
        const auto below = state.index.uneasy_below.find(subject);
        if (below == state.index.uneasy_below.end()) {
            continue;
        }
        for (const auto& other : below->second) {
            if (other.kind() == symptom.subject_kind) {
                touch_row(state, {symptom.id, other});
            }
        }
    }
}

bool is_loose(const State& state, const std::string& incident) {
    const auto held = state.incidents.find(incident);
    return held == state.incidents.end() || !is_open(held->second);
}

void set_loose(State& state, const SymptomKey& key, const std::string& incident) {
    if (is_loose(state, incident)) {
        state.index.loose.insert(key);
    } else {
        state.index.loose.erase(key);
    }
}

}  // namespace

// Registered below everything above it while anything about it is open.
const Family& family_of(const Rules& rules, const State& state, const Subject& subject) {
    return ancestors_of(rules.runbook, state, subject);
}

void note_uneasy(const Rules& rules, State& state, const Subject& subject) {
    auto& index = state.index;
    const bool now = index.symptoms_on.contains(subject) || index.open_on.contains(subject) ||
                     has_trip(state, subject);
    if (now == index.uneasy.contains(subject)) {
        return;
    }
    if (now) {
        index.uneasy.insert(subject);
    } else {
        index.uneasy.erase(subject);
    }
    for (const auto& above : family_of(rules, state, subject)) {
        if (now) {
            index.uneasy_below[above].insert(subject);
        } else {
            take_out(index.uneasy_below, above, subject);
        }
    }
}

void touch_direct_rows(const Rules& rules, State& state, const Subject& subject) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (!symptom.group && symptom.subject_kind == subject.kind()) {
            touch_row(state, {symptom.id, subject});
        }
    }
}

void note_trip(const Rules& rules, State& state, const RunKey& key, const Detector& before,
               const Detector& after) {
    auto& index = state.index;
    if (before.raised) {
        index.trips.erase({before.first_bad, key});
    }
    if (after.raised) {
        index.trips.insert({after.first_bad, key});
        state.tripped.insert(key);
    } else {
        state.tripped.erase(key);
    }
    index.trip_changes += 1;
    const auto& above = family_of(rules, state, key.second);
    tally_run(rules, state, key, above, before.raised, after.raised);
    if (before.raised != after.raised) {
        note_off(rules, state, key, after.raised);
    }
    tally_peer(rules, state, key.second, state.subjects.at(key.second), above, true);
    note_uneasy(rules, state, key.second);
    touch_rows_of(rules, state, key);
    touch_evidence(rules, state, key.second, true);
}

void note_runs(State& state, const Subject& subject, bool any) {
    if (any) {
        state.index.running.insert(subject);
    } else {
        state.index.running.erase(subject);
    }
}

void note_symptom(const Rules& rules, State& state, const SymptomKey& key, bool active) {
    auto& index = state.index;
    if (active) {
        index.symptoms_on[key.second].insert(key.first);
        set_loose(state, key, state.symptoms.at(key).incident);
    } else {
        take_out(index.symptoms_on, key.second, key.first);
        index.loose.erase(key);
    }
    note_uneasy(rules, state, key.second);
    touch_row(state, key);
    touch_family(state, key.second);
}

void note_link(State& state, const SymptomKey& key, const std::string& from,
               const std::string& to) {
    take_out(state.index.linked_to, from, key);
    if (!to.empty()) {
        state.index.linked_to[to].insert(key);
    }
    for (const auto& id : {from, to}) {
        if (state.incidents.contains(id)) {
            state.agenda.touch_case(id);
        }
    }
    if (state.symptoms.contains(key)) {
        set_loose(state, key, to);
    }
    touch_family(state, key.second);
}

void note_cause(State& state, const SymptomKey& key, Now when) {
    const auto open = state.index.open_on.find(key.second);
    if (open == state.index.open_on.end()) {
        return;
    }
    for (const auto& id : open->second) {
        auto& held = state.incidents.at(id);
        held.cleared = held.symptom == key.first ? when : held.cleared;
    }
}

void note_opened(const Rules& rules, State& state, const std::string& id) {
    const auto& made = state.incidents.at(id);
    auto& index = state.index;
    index.open_on[made.subject].insert(id);
    index.held_on[made.subject].insert(id);
    index.open_cases.insert(id);
    note_opening(state, made, true);
    note_uneasy(rules, state, made.subject);
    touch_family(state, made.subject);
}

void note_opening(State& state, const Incident& incident, bool counts) {
    if (incident.symptom == by_hand_symptom) {
        return;
    }
    const SymptomKey cause{incident.symptom, incident.subject};
    auto& openings = state.index.openings[cause];
    if (!openings.empty()) {
        state.index.causes.erase({openings.rbegin()->first, cause});
    }
    if (counts) {
        openings.emplace(incident.opened.at, incident.id);
    } else {
        openings.erase({incident.opened.at, incident.id});
    }
    if (openings.empty()) {
        state.index.openings.erase(cause);
    } else {
        state.index.causes.emplace(openings.rbegin()->first, cause);
    }
}

void note_closed(const Rules& rules, State& state, const std::string& id) {
    const auto& held = state.incidents.at(id);
    auto& index = state.index;
    take_out(index.open_on, held.subject, id);
    index.open_cases.erase(id);
    index.closed_cases.emplace(held.closed.at, id);
    if (held.end == "absorbed") {
        note_opening(state, held, false);
    }
    state.agenda.case_alarms.forget(id);
    state.agenda.touch_case(id);
    note_uneasy(rules, state, held.subject);
    touch_family(state, held.subject);
}

void note_dropped(State& state, const std::string& id) {
    const auto& held = state.incidents.at(id);
    auto& index = state.index;
    index.closed_cases.erase({held.closed.at, id});
    note_opening(state, held, false);
    take_out(index.held_on, held.subject, id);
    if (held.decision) {
        index.case_of.erase(held.decision->id);
    }
    for (const auto& intent : held.intents) {
        index.at_work.erase(intent);
        index.worse.erase(intent);
        index.undone.erase(intent);
    }
    touch_cases_on(state, held.subject);
}

void touch_row(State& state, const SymptomKey& key) {
    state.agenda.rows.insert(key);
}

void touch_family(State& state, const Subject& subject) {
    touch_cases_on(state, subject);
    const auto below = state.index.uneasy_below.find(subject);
    if (below != state.index.uneasy_below.end()) {
        for (const auto& other : below->second) {
            touch_cases_on(state, other);
        }
    }
}

void touch_cases_around(const Rules& rules, State& state, const Subject& subject) {
    touch_cases_on(state, subject);
    for (const auto& above : family_of(rules, state, subject)) {
        touch_cases_on(state, above);
    }
}

void touch_all_cases(State& state) {
    state.agenda.all_cases = true;
}

void touch_cases_on(State& state, const Subject& subject) {
    const auto open = state.index.open_on.find(subject);
    if (open != state.index.open_on.end()) {
        for (const auto& id : open->second) {
            state.agenda.touch_case(id);
        }
    }
}

}  // namespace leverd
