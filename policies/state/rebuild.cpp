// Why: see touch.hpp. The index from nothing but the rest of the state; a test holds the index that
// grew with the changes against this one.
#include "policies/state/tally.hpp"
#include "policies/state/touch.hpp"
#include "policies/topology.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace leverd {
namespace {

void index_cases(State& state) {
    auto& index = state.index;
    for (const auto& [id, held] : state.incidents) {
        index.held_on[held.subject].insert(id);
        if (held.phase == IncidentPhase::closed) {
            index.closed_cases.emplace(held.closed.at, id);
        } else {
            index.open_on[held.subject].insert(id);
            index.open_cases.insert(id);
        }
        if (held.end != "absorbed") {
            note_opening(state, held, true);
        }
        if (held.decision) {
            index.case_of[held.decision->id] = id;
        }
    }
    for (const auto& [key, active] : state.symptoms) {
        index.symptoms_on[key.second].insert(key.first);
        const auto held = state.incidents.find(active.incident);
        if (held == state.incidents.end() || held->second.phase == IncidentPhase::closed) {
            index.loose.insert(key);
        }
        if (!active.incident.empty()) {
            index.linked_to[active.incident].insert(key);
        }
    }
    for (const auto& [id, held] : state.intents) {
        if (held.phase != IntentPhase::done) {
            index.at_work.insert(id);
        }
        if (held.verdict && held.verdict->kind == VerdictKind::worse) {
            index.worse.insert(id);
        }
        if (!held.intent.undoes.empty()) {
            index.undone.insert(held.intent.undoes);
        }
    }
}

void index_runs(const Rules& rules, State& state, const Subject& subject, SubjectState& held) {
    state.index.running.insert(subject);
    for (const auto& [signal, run] : held.detectors) {
        if (run.raised) {
            note_trip(rules, state, {signal, subject}, Detector{}, run);
        }
    }
}

void index_subject(const Rules& rules, State& state, const Subject& subject, SubjectState& held) {
    held.visible = false;
    held.counted = 0;
    held.counted_good = 0;
    state.index.known_of_kind[std::string(subject.kind())] += 1;
    if (!held.looks.empty()) {
        tally_peer(rules, state, subject, held, ancestors_of(rules.runbook, state, subject), true);
    }
    if (!held.detectors.empty()) {
        index_runs(rules, state, subject, held);
    }
    note_clean(state, subject, held);
    for (const auto& look : held.looks) {
        note_heard(rules, state, subject, look);
    }
}

bool has_rule(const Rules& rules, const std::string& signal) {
    return std::ranges::find(rules.runbook.signals, signal, &Signal::id) !=
           rules.runbook.signals.end();
}

// Runs of a signal that the rules no longer have: nobody counts them on, so they would stand as
// they are for ever.
void drop_ruleless_runs(const Rules& rules, State& state) {
    const auto ruleless = [&](const auto& key) { return !has_rule(rules, key.first); };
    for (auto& [subject, held] : state.subjects) {
        for (auto run = held.detectors.begin(); run != held.detectors.end();) {
            run = has_rule(rules, run->first) ? std::next(run) : held.detectors.erase(run);
        }
    }
    std::erase_if(state.tripped, ruleless);
    std::erase_if(state.flapping, ruleless);
    std::erase_if(state.changes, [&](const auto& one) { return ruleless(one.first); });
}

}  // namespace

void rebuild(const Rules& rules, State& state) {
    drop_ruleless_runs(rules, state);
    state.index = Index{};
    auto& agenda = state.agenda;
    agenda.waiting = WaitingRows{};
    agenda.group_alarms = {};
    agenda.sight_alarms = {};
    agenda.silence_alarms = {};
    state.ancestry.clear();
    for (auto& [subject, held] : state.subjects) {
        held.above = nullptr;
        held.fades = Instant{};
    }
    index_cases(state);
    for (auto& [subject, held] : state.subjects) {
        index_subject(rules, state, subject, held);
    }
    // Those out of sight by now go when their alarms ring, before anything is judged.
    for (auto& [subject, held] : state.subjects) {
        note_sight(rules, state, subject, held, Instant{});
    }
    for (const auto& [subject, ids] : state.index.open_on) {
        note_uneasy(rules, state, subject);
    }
    for (const auto& [subject, ids] : state.index.symptoms_on) {
        note_uneasy(rules, state, subject);
    }
    for (const auto& [key, changes] : state.changes) {
        agenda.change_alarms.wake(key, changes.back() + rules.runbook.flap.window + Millis{1});
    }
    touch_everything(rules, state);
}

void touch_everything(const Rules& rules, State& state) {
    auto& agenda = state.agenda;
    agenda.all_cases = true;
    agenda.records_news = true;
    agenda.pages.everything = true;
    for (const auto& subject : state.index.uneasy) {
        touch_direct_rows(rules, state, subject);
    }
    for (const auto& [key, tally] : state.index.tallies) {
        touch_row(state, key);
    }
    for (const auto& [key, active] : state.symptoms) {
        touch_row(state, key);
    }
    for (const auto& id : state.index.open_cases) {
        agenda.touch_case(id);
    }
    for (const auto& [key, changes] : state.changes) {
        agenda.flaps.insert(key);
    }
    agenda.flaps.insert(state.flapping.begin(), state.flapping.end());
}

}  // namespace leverd
