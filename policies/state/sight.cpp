// Why: see touch.hpp; what a look changes besides its own subject.
#include "policies/state/touch.hpp"

#include "policies/state/page_news.hpp"
#include "policies/state/tally.hpp"
#include "policies/topology.hpp"

#include <algorithm>

namespace leverd {
namespace {

int blast_limit(const Limits& limits, int fleet) {
    return std::min(limits.blast_count,
                    std::max(1, std::max(1, fleet) * limits.blast_percent / 100));
}

void count_reach(const Rules& rules, State& state, const Subject& subject, bool visible) {
    const std::string kind(subject.kind());
    for (const auto& policy : rules.policies.policies) {
        const bool named = std::ranges::any_of(policy.subjects, [&](const auto& pattern) {
            return subject_matches(pattern, subject);
        });
        if (!named) {
            continue;
        }
        auto& count = state.index.reach[{policy.id, kind}];
        const int before = blast_limit(policy.limits, count);
        count += visible ? 1 : -1;
        if (before != blast_limit(policy.limits, count)) {
            touch_all_cases(state);
        }
    }
}

bool names(const std::vector<std::string>& signals, const std::string& signal) {
    return std::ranges::find(signals, signal) != signals.end();
}

// It only forbids: no row rests on it, so it says what is meant to be so.
bool says_off(const Rules& rules, const std::string& signal) {
    const auto& rows = rules.runbook.symptoms;
    return std::ranges::any_of(rows, [&](const auto& row) { return names(row.unless, signal); }) &&
           std::ranges::none_of(rows, [&](const auto& row) {
               return names(row.any, signal) || names(row.all, signal);
           });
}

// Meant to be off, by another signal than this one.
bool is_off_besides(const Rules& rules, const State& state, const Subject& subject,
                    const std::string& besides) {
    return std::ranges::any_of(rules.runbook.signals, [&](const Signal& signal) {
        return signal.id != besides && state.tripped.contains({signal.id, subject}) &&
               says_off(rules, signal.id);
    });
}

std::optional<Instant> newest_judged(const SubjectState& held) {
    std::optional<Instant> newest;
    for (const auto& look : held.looks) {
        if (look.health != Health::unknown) {
            newest = std::max(newest.value_or(look.seen.at), look.seen.at);
        }
    }
    return newest;
}

bool is_clean(const SubjectState& held) {
    return std::ranges::none_of(held.detectors, [](const auto& one) { return one.second.bad > 0; });
}

void witness(State& state, const Subject& subject, const LookState& look) {
    const std::string kind(subject.kind());
    auto& known = state.index.witnesses[{kind, look.probe()}];
    if (look.health == Health::healthy && look.seen.at >= known.seen) {
        known = Witness{look.seen.at, subject};
    }
    if (look.health == Health::healthy &&
        state.agenda.waiting.waits(Wait::sibling, Subject{kind})) {
        state.agenda.siblings_good.insert(kind);
    }
}

void note_evidence(const Rules& rules, State& state, const Subject& subject,
                   const SubjectState& held, const Observation& look, bool turned) {
    bool counts = false;
    for (const auto& signal : rules.runbook.signals) {
        if (signal.probe != look.probe) {
            continue;
        }
        const auto run = held.detectors.find(signal.id);
        if (run != held.detectors.end() && run->second.raised) {
            counts = true;
            tally_seen(rules, state, {signal.id, subject},
                       look.health == Health::unknown ? Instant::min() : look.seen.at);
        }
    }
    if (counts) {
        touch_evidence(rules, state, subject, turned);
    }
}

// One alarm at a time: looks that come meanwhile only make it ring again.
void await_fading(State& state, const Subject& subject, SubjectState& held, Instant at) {
    if (held.fades == Instant{} || at < held.fades) {
        held.fades = at;
        state.agenda.sight_alarms.add(subject, at);
    }
}

}  // namespace

void set_sight(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
               bool visible) {
    if (held.visible == visible) {
        return;
    }
    held.visible = visible;
    tally_sight(rules, state, subject, family_of(rules, state, subject), visible);
    if (!is_off_besides(rules, state, subject, {})) {
        count_reach(rules, state, subject, visible);
    }
}

void note_off(const Rules& rules, State& state, const RunKey& key, bool off) {
    const auto& held = state.subjects.at(key.second);
    if (held.visible && says_off(rules, key.first) &&
        !is_off_besides(rules, state, key.second, key.first)) {
        count_reach(rules, state, key.second, !off);
    }
}

// Evidence that arrives matters to a case that lacks it; a look that says something else to all.
void touch_evidence(const Rules& rules, State& state, const Subject& subject, bool turned) {
    const auto lacks = [&](const std::string& id) {
        const auto held = state.incidents.find(id);
        return held != state.incidents.end() && held->second.decision &&
               held->second.decision->reason == "evidence";
    };
    const auto touch = [&](const Subject& about) {
        const auto open = state.index.open_on.find(about);
        if (open == state.index.open_on.end()) {
            return;
        }
        for (const auto& id : open->second) {
            if (turned || lacks(id)) {
                state.agenda.touch_case(id);
            }
        }
    };
    touch(subject);
    for (const auto& above : family_of(rules, state, subject)) {
        touch(above);
    }
    const auto below = state.index.uneasy_below.find(subject);
    if (below != state.index.uneasy_below.end()) {
        for (const auto& other : below->second) {
            touch(other);
        }
    }
}

void note_version(const Rules& rules, State& state, const Subject& subject) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (!symptom.group || symptom.group->after_change_within == Millis{0} ||
            Subject{symptom.group->after_change_of}.kind() != subject.kind()) {
            continue;
        }
        for (auto at = state.index.tallies.lower_bound({symptom.id, Subject{}});
             at != state.index.tallies.end() && at->first.first == symptom.id; ++at) {
            touch_row(state, at->first);
        }
    }
}

void note_sight(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
                Instant now) {
    const auto newest = newest_judged(held);
    const auto fresh_for = rules.runbook.fresh_for;
    const bool visible = newest && now - *newest <= fresh_for;
    set_sight(rules, state, subject, held, visible);
    tally_peer(rules, state, subject, held, family_of(rules, state, subject), true);
    if (visible) {
        await_fading(state, subject, held, *newest + fresh_for + Millis{1});
    }
}

void note_look(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
               const Observation& look, bool turned) {
    if (look.health != Health::unknown) {
        if (!held.visible) {
            set_sight(rules, state, subject, held, true);
            await_fading(state, subject, held, look.seen.at + rules.runbook.fresh_for + Millis{1});
        }
    } else if (held.visible) {
        note_sight(rules, state, subject, held, look.seen.at);
    }
    if (!held.detectors.empty()) {
        note_evidence(rules, state, subject, held, look, turned);
    } else if (look.health == Health::healthy) {
        if (const auto* kept = held.looks.find(look.probe)) {
            witness(state, subject, *kept);
        }
    }
    if (turned && look.probe.starts_with("lever:")) {
        note_own_look(state, look);
    }
    if (turned) {
        tally_peer(rules, state, subject, held, family_of(rules, state, subject), true);
        if (!held.detectors.empty()) {
            touch_direct_rows(rules, state, subject);
        }
    }
}

void note_heard(const Rules& rules, State& state, const Subject& subject, const LookState& look) {
    for (const auto& signal : rules.runbook.signals) {
        if (signal.silent_after == Millis{0} || signal.probe != look.probe() ||
            signal.subject_kind != subject.kind()) {
            continue;
        }
        const RunKey key{signal.id, subject};
        state.agenda.silence_alarms.forget(key);
        if (look.reason != Reason::silent) {
            state.agenda.silence_alarms.wake(key, look.seen.at + signal.silent_after);
        }
    }
}

void note_clean(State& state, const Subject& subject, const SubjectState& held) {
    if (is_clean(held)) {
        for (const auto& look : held.looks) {
            witness(state, subject, look);
        }
    }
}

void ring(const Rules& rules, State& state, Instant now) {
    auto& agenda = state.agenda;
    for (const auto& [subject, at] : agenda.sight_alarms.take_due(now)) {
        const auto held = state.subjects.find(subject);
        if (held != state.subjects.end() && held->second.fades == at) {
            held->second.fades = Instant{};
            note_sight(rules, state, subject, held->second, now);
        }
    }
    for (const auto& key : agenda.group_alarms.take_due(now)) {
        tally_expired(rules, state, key, now);
    }
    for (const auto& id : agenda.case_alarms.take_due(now)) {
        agenda.touch_case(id);
    }
    for (const auto& key : agenda.flap_alarms.take_due(now)) {
        agenda.flaps.insert(key);
    }
}

}  // namespace leverd
