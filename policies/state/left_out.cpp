// Why: see left_out.hpp.
#include "policies/state/left_out.hpp"

#include "policies/state/touch.hpp"

#include <algorithm>

namespace leverd {
namespace {

template <class Visit>
void for_signals(const Rules& rules, const Observation& look, Visit visit) {
    for (const auto& signal : rules.runbook.signals) {
        if (signal.probe == look.probe && signal.subject_kind == look.subject.kind()) {
            visit(signal);
        }
    }
}

std::vector<std::string> raised_signals(const SubjectState& held) {
    std::vector<std::string> raised;
    for (const auto& [signal, run] : held.detectors) {
        if (run.raised) {
            raised.push_back(signal);
        }
    }
    return raised;
}

}  // namespace

bool is_flapping(const Rules& rules, const State& state, const Observation& look) {
    if (state.flapping.empty()) {
        return false;
    }
    bool found = false;
    for_signals(rules, look, [&](const Signal& signal) {
        found = found || state.flapping.contains({signal.id, look.subject});
    });
    return found;
}

BeforeLook before_look(const SubjectState& held) {
    return {held.attributes, held.version, raised_signals(held)};
}

bool only_turned(const BeforeLook& before, const SubjectState& held) {
    return before.attributes == held.attributes && before.version == held.version &&
           before.raised == raised_signals(held);
}

void leave_out(const Rules& rules, const State& state, const Observation& look, LeftOut& out) {
    out.looks += 1;
    for_signals(rules, look, [&](const Signal& signal) {
        const auto changes = state.changes.find({signal.id, look.subject});
        if (changes != state.changes.end() && changes->second.back() == look.seen.at) {
            out.changes[signal.id] += 1;
        }
    });
}

std::vector<SignalRun> runs_of(const Rules& rules, const SubjectState& held,
                               const Observation& look, const LeftOut& out) {
    std::vector<SignalRun> runs;
    for_signals(rules, look, [&](const Signal& signal) {
        SignalRun one;
        one.signal = signal.id;
        if (const auto run = held.detectors.find(signal.id); run != held.detectors.end()) {
            one.bad = run->second.bad;
            one.good = run->second.good;
            one.history = static_cast<std::int64_t>(run->second.history);
            one.first_bad = run->second.first_bad;
            one.last_bad = run->second.last_bad;
            one.tripped = run->second.tripped;
            one.raised = run->second.raised;
        }
        const auto changes = out.changes.find(signal.id);
        one.changes = changes == out.changes.end() ? 0 : changes->second;
        runs.push_back(std::move(one));
    });
    return runs;
}

void take_runs(const Rules& rules, State& state, const Observed& entry, Instant previous) {
    const auto& look = entry.observation;
    const auto held = state.subjects.find(look.subject);
    if (held == state.subjects.end()) {
        return;
    }
    for (const auto& one : entry.runs) {
        const std::pair key{one.signal, look.subject};
        Detector run;
        run.bad = static_cast<int>(one.bad);
        run.good = static_cast<int>(one.good);
        run.history = static_cast<std::uint64_t>(one.history);
        run.first_bad = one.first_bad;
        run.last_bad = one.last_bad;
        run.tripped = one.tripped;
        run.raised = one.raised;
        const auto known = held->second.detectors.find(one.signal);
        const auto before = known == held->second.detectors.end() ? Detector{} : known->second;
        if (run == Detector{}) {
            held->second.detectors.erase(one.signal);
        } else {
            held->second.detectors[one.signal] = run;
        }
        if (before.raised != run.raised || (run.raised && before.first_bad != run.first_bad)) {
            note_trip(rules, state, key, before, run);
        }
        note_runs(state, look.subject, !held->second.detectors.empty());
        if ((before.bad > 0) != (run.bad > 0)) {
            touch_family(state, look.subject);
            if (run.bad == 0) {
                note_clean(state, look.subject, held->second);
            }
        }
        if (one.changes <= 0) {
            continue;
        }
        // When each of them was is not kept; they were between the two looks that are.
        auto& changes = state.changes[key];
        const auto span = look.seen.at - previous;
        for (std::int64_t i = 1; i <= one.changes; ++i) {
            changes.push_back(previous + span * i / (one.changes + 1));
        }
        std::ranges::sort(changes);
        std::erase_if(
            changes, [&](Instant then) { return look.seen.at - then > rules.runbook.flap.window; });
        state.agenda.flaps.insert(key);
        if (changes.empty()) {
            state.changes.erase(key);
        } else {
            state.agenda.change_alarms.wake(key,
                                            changes.back() + rules.runbook.flap.window + Millis{1});
        }
    }
}

}  // namespace leverd
