// Why: see tally.hpp.
#include "policies/state/tally.hpp"

#include "policies/state/touch.hpp"

#include <algorithm>

namespace leverd {
namespace {

bool names(const std::vector<std::string>& signals, const std::string& signal) {
    return std::ranges::find(signals, signal) != signals.end();
}

bool rests_on(const Symptom& symptom, const std::string& signal) {
    return names(symptom.any, signal) || names(symptom.all, signal);
}

// Whether the other groups under one distinct parent have a member, and a good one.
std::pair<bool, bool> others_of(const std::map<Subject, Peers>& groups, const Subject& group) {
    std::pair<bool, bool> found{false, false};
    for (const auto& [other, peers] : groups) {
        if (other != group) {
            found.first = found.first || peers.known > 0;
            found.second = found.second || peers.good > 0;
        }
    }
    return found;
}

void note_others(State& state, const SymptomKey& key, GroupTally& tally, const Subject& parent) {
    std::pair<bool, bool> now{false, false};
    const auto peers = state.index.peers.find({key.first, parent});
    const bool counts = tally.recent.distinct.contains(parent);
    if (counts && peers != state.index.peers.end()) {
        now = others_of(peers->second, key.second);
    }
    auto& was = tally.others[parent];
    tally.others_any += (now.first ? 1 : 0) - (was.first ? 1 : 0);
    tally.others_good += (now.second ? 1 : 0) - (was.second ? 1 : 0);
    was = now;
    if (!counts) {
        tally.others.erase(parent);
    }
}

struct Counting {
    const Symptom& symptom;
    State& state;
    const SymptomKey& key;  // the row and its group
    GroupTally& tally;

    void take_out(const RunKey& run) {
        const auto held = tally.runs.find(run);
        if (held == tally.runs.end()) {
            return;
        }
        tally.all.remove(run, held->second);
        tally.recent.remove(run, held->second);
        tally.by_seen.erase({held->second.seen, run});
        const auto distinct = held->second.distinct;
        tally.runs.erase(held);
        if (symptom.group->others_work) {
            note_others(state, key, tally, distinct);
        }
    }
    // `recent` until the alarm says otherwise.
    void put_in(const RunKey& run, MemberRun made) {
        const auto& rule = *symptom.group;
        if (!made.forbidden) {
            tally.all.add(run, made);
            tally.recent.add(run, made);
            if (rule.within != Millis{0}) {
                state.agenda.group_alarms.wake(key, made.tripped + rule.within + Millis{1});
            }
        }
        tally.by_seen.emplace(made.seen, run);
        const auto distinct = made.distinct;
        tally.runs[run] = std::move(made);
        if (rule.others_work) {
            note_others(state, key, tally, distinct);
        }
    }
};

bool is_forbidden(const State& state, const Symptom& symptom, const Subject& member) {
    return std::ranges::any_of(
        symptom.unless, [&](const auto& other) { return state.tripped.contains({other, member}); });
}

// By another of the row's signals than this one.
bool forbidden_besides(const State& state, const Symptom& symptom, const RunKey& key) {
    return std::ranges::any_of(symptom.unless, [&](const auto& other) {
        return other != key.first && state.tripped.contains({other, key.second});
    });
}

// The denominator of a share: members that should be running and that can be judged.
void count_in_sight(State& state, const Symptom& symptom, const Family& above, int by) {
    const SymptomKey key{symptom.id, of_kind(above, symptom.subject_kind)};
    if (key.second.empty()) {
        return;
    }
    state.index.in_sight[key] += by;
    if (state.index.tallies.contains(key)) {
        touch_row(state, key);
    }
}

Instant judged_at(const Rules& rules, const SubjectState& held, const std::string& signal) {
    for (const auto& rule : rules.runbook.signals) {
        const auto* look = rule.id == signal ? held.looks.find(rule.probe) : nullptr;
        if (look != nullptr && look->health != Health::unknown) {
            return look->seen.at;
        }
    }
    return Instant::min();
}

// The row's own runs of this member, with `unless` as it stands now.
void count_anew(const Rules& rules, State& state, const Symptom& symptom, const RunKey& run,
                const Family& above, bool raised) {
    const auto group = of_kind(above, symptom.subject_kind);
    if (group.empty()) {
        return;
    }
    const SymptomKey key{symptom.id, group};
    auto found = state.index.tallies.find(key);
    if (found == state.index.tallies.end()) {
        if (!raised) {
            return;
        }
        found = state.index.tallies.try_emplace(key).first;
    }
    Counting counting{symptom, state, key, found->second};
    counting.take_out(run);
    if (raised) {
        const auto& held = state.subjects.at(run.second);
        const auto& seen = held.detectors.at(run.first);
        const auto& kind = symptom.group->distinct_kind;
        counting.put_in(run, MemberRun{seen.tripped, seen.first_bad,
                                       kind.empty() ? run.second : of_kind(above, kind),
                                       judged_at(rules, held, run.first),
                                       is_forbidden(state, symptom, run.second)});
    } else if (found->second.runs.empty()) {
        state.index.tallies.erase(found);
    }
    touch_row(state, key);
}

}  // namespace

Subject of_kind(const Family& above, std::string_view kind) {
    const auto found =
        std::ranges::find_if(above, [&](const auto& one) { return one.kind() == kind; });
    return found == above.end() ? Subject{} : *found;
}

const Symptom* group_row(const Rules& rules, const std::string& id) {
    const auto found = std::ranges::find(rules.runbook.symptoms, id, &Symptom::id);
    return found == rules.runbook.symptoms.end() || !found->group ? nullptr : &*found;
}

void tally_run(const Rules& rules, State& state, const RunKey& key, const Family& above, bool was,
               bool raised) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (!symptom.group || symptom.group->member_kind != key.second.kind()) {
            continue;
        }
        if (rests_on(symptom, key.first)) {
            count_anew(rules, state, symptom, key, above, raised);
        }
        if (!names(symptom.unless, key.first)) {
            continue;
        }
        const auto held = state.subjects.find(key.second);
        if (held == state.subjects.end()) {
            continue;
        }
        if (held->second.visible && was != raised && !forbidden_besides(state, symptom, key)) {
            count_in_sight(state, symptom, above, raised ? -1 : 1);
        }
        for (const auto& [signal, run] : held->second.detectors) {
            if (run.raised && rests_on(symptom, signal)) {
                count_anew(rules, state, symptom, {signal, key.second}, above, true);
            }
        }
    }
}

void tally_member(const Rules& rules, State& state, const Subject& subject,
                  const SubjectState& held, const Family& above, bool in) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (!symptom.group || symptom.group->member_kind != subject.kind()) {
            continue;
        }
        for (const auto& [signal, run] : held.detectors) {
            if (run.raised && rests_on(symptom, signal)) {
                count_anew(rules, state, symptom, {signal, subject}, above, in);
            }
        }
    }
}

void tally_seen(const Rules& rules, State& state, const RunKey& key, Instant seen) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (!symptom.group || symptom.group->member_kind != key.second.kind() ||
            !rests_on(symptom, key.first)) {
            continue;
        }
        const auto& held = state.subjects.at(key.second);
        const auto group = held.above ? of_kind(*held.above, symptom.subject_kind) : Subject{};
        const auto tally = state.index.tallies.find({symptom.id, group});
        if (tally == state.index.tallies.end()) {
            continue;
        }
        const auto run = tally->second.runs.find(key);
        if (run != tally->second.runs.end()) {
            tally->second.by_seen.erase({run->second.seen, key});
            run->second.seen = seen;
            tally->second.by_seen.emplace(seen, key);
        }
    }
}

void tally_sight(const Rules& rules, State& state, const Subject& subject, const Family& above,
                 bool visible) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (!symptom.group || symptom.group->member_kind != subject.kind()) {
            continue;
        }
        if (!is_forbidden(state, symptom, subject)) {
            count_in_sight(state, symptom, above, visible ? 1 : -1);
        }
    }
}

void tally_peer(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
                const Family& above, bool known) {
    unsigned bit = 1;
    for (const auto& symptom : rules.runbook.symptoms) {
        if (!symptom.group || !symptom.group->others_work || symptom.group->distinct_kind.empty()) {
            continue;
        }
        const auto mask = static_cast<std::uint8_t>(bit);
        bit <<= 1U;
        if (symptom.group->member_kind != subject.kind()) {
            continue;
        }
        const bool bad = std::ranges::any_of(symptom.any, [&](const auto& signal) {
            return state.tripped.contains({signal, subject});
        });
        const bool good = known && !bad && std::ranges::any_of(held.looks, [](const auto& look) {
                              return look.health == Health::healthy;
                          });
        const bool was_known = (held.counted & mask) != 0;
        const bool was_good = (held.counted_good & mask) != 0;
        if (known == was_known && good == was_good) {
            continue;
        }
        const auto set = [&](std::uint8_t& bits, bool on) {
            bits = static_cast<std::uint8_t>(on ? bits | mask : bits & ~mask);
        };
        set(held.counted, known);
        set(held.counted_good, good);
        const auto parent = of_kind(above, symptom.group->distinct_kind);
        const auto group = of_kind(above, symptom.subject_kind);
        auto& groups = state.index.peers[{symptom.id, parent}];
        auto& peers = groups[group];
        peers.known += (known ? 1 : 0) - (was_known ? 1 : 0);
        peers.good += (good ? 1 : 0) - (was_good ? 1 : 0);
        for (const auto& [other, unused] : groups) {
            const auto tally = state.index.tallies.find({symptom.id, other});
            if (tally != state.index.tallies.end()) {
                note_others(state, tally->first, tally->second, parent);
                touch_row(state, tally->first);
            }
        }
    }
}

void tally_expired(const Rules& rules, State& state, const SymptomKey& key, Instant now) {
    const auto* symptom = group_row(rules, key.first);
    const auto found = state.index.tallies.find(key);
    if (symptom == nullptr || found == state.index.tallies.end()) {
        return;
    }
    auto& tally = found->second;
    const auto within = symptom->group->within;
    while (!tally.recent.by_tripped.empty()) {
        const auto [tripped, run] = *tally.recent.by_tripped.begin();
        if (now - tripped <= within) {
            state.agenda.group_alarms.wake(key, tripped + within + Millis{1});
            break;
        }
        const auto member = tally.runs.at(run);
        tally.recent.remove(run, member);
        if (symptom->group->others_work) {
            note_others(state, key, tally, member.distinct);
        }
    }
    touch_row(state, key);
}

}  // namespace leverd
