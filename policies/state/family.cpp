// Why: see touch.hpp; subjects that come, go, or move in the topology.
#include "policies/state/touch.hpp"

#include "policies/state/tally.hpp"
#include "policies/topology.hpp"

#include <algorithm>

namespace leverd {
namespace {

// What is counted by the place of the subject in the topology, taken out or put in.
void count_family(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
                  const Family& above, bool in) {
    auto& index = state.index;
    tally_member(rules, state, subject, held, above, in);
    tally_peer(rules, state, subject, held, above, in);
    if (held.visible) {
        tally_sight(rules, state, subject, above, in);
    }
    if (!index.uneasy.contains(subject)) {
        return;
    }
    for (const auto& one : above) {
        if (in) {
            index.uneasy_below[one].insert(subject);
        } else {
            take_out(index.uneasy_below, one, subject);
        }
    }
}

void replace_family(const Rules& rules, State& state, const Subject& subject) {
    const auto found = state.subjects.find(subject);
    if (found == state.subjects.end() || !found->second.above) {
        return;
    }
    auto& held = found->second;
    const auto old = held.above;
    for (const auto& above : *old) {
        take_out(state.index.dependents, above, subject);
    }
    held.above = nullptr;
    const auto& now = family_of(rules, state, subject);
    if (*old == now) {
        return;
    }
    count_family(rules, state, subject, held, *old, false);
    count_family(rules, state, subject, held, now, true);
    if (state.index.uneasy.contains(subject)) {
        touch_direct_rows(rules, state, subject);
        touch_family(state, subject);
    }
}

// Those whose place depends on the attributes of this one.
void replace_dependents(const Rules& rules, State& state, const Subject& subject) {
    std::set<Subject> all;
    if (const auto known = state.index.dependents.find(subject);
        known != state.index.dependents.end()) {
        all = known->second;
    } else if (attributes_of(state, subject).contains("name") &&
               is_above_others(rules.runbook, subject)) {
        // It goes by another name than its subject's: too rare to be prepared for.
        for (const auto& [other, held] : state.subjects) {
            if (held.above && std::ranges::find(*held.above, subject) != held.above->end()) {
                all.insert(other);
            }
        }
    }
    for (const auto& other : all) {
        replace_family(rules, state, other);
    }
}

void erase_runs(const Rules& rules, State& state, const Subject& subject, SubjectState& held) {
    while (!held.detectors.empty()) {
        const auto [signal, run] = *held.detectors.begin();
        held.detectors.erase(held.detectors.begin());
        if (run.raised) {
            note_trip(rules, state, {signal, subject}, run, Detector{});
        }
    }
    note_runs(state, subject, false);
}

// Entries of a map or set by (signal, subject), without looking at those of other subjects.
template <class Runs, class Erase>
void each_run_of(Runs& runs, const Subject& subject, Erase erase) {
    const auto key_of = [](const auto& one) -> const RunKey& {
        if constexpr (requires { one.first.second.text(); }) {
            return one.first;
        } else {
            return one;
        }
    };
    std::string signal;
    for (auto at = runs.begin(); at != runs.end();) {
        signal = key_of(*at).first;
        const auto found = runs.find({signal, subject});
        at = runs.lower_bound({signal + '\0', Subject{}});
        if (found != runs.end()) {
            const RunKey key = key_of(*found);
            runs.erase(found);
            erase(key);
        }
    }
}

}  // namespace

SubjectState& hold_subject(const Rules& rules, State& state, const Subject& subject) {
    const auto [held, fresh] = state.subjects.try_emplace(subject);
    if (fresh) {
        const auto kind = subject.kind();
        auto& known = state.index.known_of_kind;
        const auto count = known.find(kind);
        if (count == known.end()) {
            known.emplace(std::string(kind), 1);
        } else {
            count->second += 1;
        }
        state.ancestry.erase(subject);
        if (state.index.uneasy.contains(subject)) {
            family_of(rules, state, subject);  // where it is registered until its looks say more
        }
        if (state.agenda.waiting.waits(Wait::sibling, Subject{std::string(kind)})) {
            state.agenda.siblings_good.insert(std::string(kind));
        }
    }
    return held->second;
}

void drop_subject(const Rules& rules, State& state, const Subject& subject) {
    const auto found = state.subjects.find(subject);
    if (found == state.subjects.end()) {
        return;
    }
    auto& held = found->second;
    erase_runs(rules, state, subject, held);
    set_sight(rules, state, subject, held, false);
    if (held.above) {
        count_family(rules, state, subject, held, *held.above, false);
        for (const auto& above : *held.above) {
            take_out(state.index.dependents, above, subject);
        }
    }
    const std::string kind(subject.kind());
    state.index.known_of_kind[kind] -= 1;
    if (state.agenda.waiting.waits(Wait::sibling, Subject{kind})) {
        state.agenda.siblings_good.insert(kind);
    }
    state.local_faults.erase(subject);
    state.subjects.erase(found);
    state.ancestry.clear();
    // It is found below what stands above it by its kind alone from now on.
    if (state.index.uneasy.contains(subject)) {
        for (const auto& above : family_of(rules, state, subject)) {
            state.index.uneasy_below[above].insert(subject);
        }
    }
    note_uneasy(rules, state, subject);
    replace_dependents(rules, state, subject);
    touch_direct_rows(rules, state, subject);
    touch_family(state, subject);
}

void forget_changes(State& state, const Subject& subject) {
    each_run_of(state.changes, subject, [&](const RunKey& key) {
        state.agenda.change_alarms.forget(key);
        state.agenda.flaps.insert(key);
    });
    each_run_of(state.flapping, subject, [&](const RunKey& key) {
        state.agenda.pages.subjects.insert(key.second);
        state.agenda.pages.box = true;
        touch_cases_on(state, key.second);
    });
}

void note_identity(const Rules& rules, State& state, const Subject& subject) {
    if (!hangs_on_looks(rules.runbook, state, subject)) {
        return;
    }
    if (is_above_others(rules.runbook, subject)) {
        state.ancestry.clear();
    }
    replace_family(rules, state, subject);
    replace_dependents(rules, state, subject);
}

}  // namespace leverd
