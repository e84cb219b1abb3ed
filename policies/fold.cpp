// Why: see fold.hpp.
#include "policies/fold.hpp"

#include "policies/detect.hpp"
#include "policies/detect/blind.hpp"
#include "policies/state/touch.hpp"
#include "policies/topology.hpp"
#include "policies/verify.hpp"

#include <algorithm>
#include <bit>

namespace leverd {
namespace {

bool holds(const FactCondition& condition, const Facts& facts) {
    const auto found = facts.find(condition.fact);
    if (found == facts.end()) {
        return false;
    }
    switch (condition.compare) {
        case Compare::less:
            return found->second < condition.value;
        case Compare::less_equal:
            return found->second <= condition.value;
        case Compare::equal:
            return !(found->second < condition.value) && !(found->second > condition.value);
        case Compare::greater_equal:
            return found->second >= condition.value;
        case Compare::greater:
            return found->second > condition.value;
    }
    return false;
}

int looks_needed(const Signal& signal) {
    return signal.silent_after > Millis{0} ? 1 : signal.looks;
}

void shift_history(const Signal& signal, bool bad, Detector& run) {
    const auto mask = signal.of >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << signal.of) - 1;
    run.history = ((run.history << 1) | (bad ? 1U : 0U)) & mask;
    run.bad = std::popcount(run.history);
}

void count_bad(const Signal& signal, Millis spread, Instant at, Detector& run) {
    if (run.bad == 0) {
        run.first_bad = at;
    }
    if (signal.of > 0) {
        shift_history(signal, true, run);
    } else {
        run.bad = std::min(run.bad + 1, looks_needed(signal));
    }
    run.good = 0;
    if (!run.raised) {
        run.last_bad = at;
        if (run.bad >= looks_needed(signal) && at - run.first_bad >= spread) {
            run.raised = true;
            run.tripped = at;
        }
    }
}

void count_good(const Signal& signal, Detector& run) {
    if (signal.of > 0) {
        shift_history(signal, false, run);
    }
    run.good = std::min(run.good + 1, signal.clear_looks);
    const bool over =
        run.raised ? run.good >= signal.clear_looks : signal.of == 0 || run.history == 0;
    if (over) {
        run = Detector{};
    }
}

// Remembers that the looks turned from good to bad or back.
void note_change(const Rules& rules, State& state, const std::pair<std::string, Subject>& key,
                 Instant at) {
    auto& changes = state.changes[key];
    std::erase_if(changes, [&](Instant then) { return at - then > rules.runbook.flap.window; });
    changes.push_back(at);
    state.agenda.flaps.insert(key);
    state.agenda.change_alarms.wake(key, at + rules.runbook.flap.window + Millis{1});
}

bool has_bad_run(const SubjectState& held) {
    return std::ranges::any_of(held.detectors, [](const auto& one) { return one.second.bad > 0; });
}

bool fold_signal(const Rules& rules, const Signal& signal, State& state, SubjectState& held,
                 const Observation& look) {
    const auto moved = state.own_moves.find(look.subject.text());
    const auto value =
        judge(signal, look, moved == state.own_moves.end() ? std::string{} : moved->second);
    auto found = held.detectors.find(signal.id);
    if (value == LookValue::nothing ||
        (value == LookValue::good && found == held.detectors.end())) {
        return false;
    }
    const bool was_bad = found != held.detectors.end() && found->second.good == 0;
    if (was_bad != (value == LookValue::bad)) {
        note_change(rules, state, {signal.id, look.subject}, look.seen.at);
    }
    if (found == held.detectors.end()) {
        found = held.detectors.emplace(signal.id, Detector{}).first;
    }
    const Detector before = found->second;
    if (value == LookValue::bad) {
        count_bad(signal, spread_of(signal, held.attributes, look.facts), look.seen.at,
                  found->second);
    } else {
        count_good(signal, found->second);
    }
    const Detector after = found->second;
    const bool changed = !(before == after);
    if (after == Detector{}) {
        held.detectors.erase(found);
    }
    if (before.raised != after.raised || (after.raised && before.first_bad != after.first_bad)) {
        note_trip(rules, state, {signal.id, look.subject}, before, after);
    }
    note_runs(state, look.subject, !held.detectors.empty());
    if ((before.bad > 0) != (after.bad > 0)) {
        touch_family(state, look.subject);
        if (!has_bad_run(held)) {
            note_clean(state, look.subject, held);
        }
    }
    return changed;
}

struct News {
    bool identity = false;  // attributes or version: what stands above it may be another now
    bool value = false;
};

void keep_proof_facts(const Rules& rules, SubjectState& held, const Observation& look) {
    for (const auto& [id, contract] : rules.levers) {
        for (const auto& step : contract.proof) {
            if (step.reset_fact.empty()) {
                continue;
            }
            const auto fact = look.facts.find(step.reset_fact);
            if (fact != look.facts.end()) {
                held.last_facts[fact->first] = fact->second;
            }
        }
    }
}

News remember(const Rules& rules, State& state, SubjectState& held, const Observation& look) {
    News news;
    if (look.reason != Reason::silent) {
        held.last_seen = look.seen.at;
    }
    for (const auto& [key, value] : look.attributes) {
        auto& known = held.attributes[key];
        if (known != value) {
            news.identity = true;
            known = value;
        }
    }
    if (!look.version.empty() && look.version != held.version) {
        held.version_since = held.version.empty() ? Instant{} : look.seen.at;
        held.version = look.version;
        news.identity = true;
        note_version(rules, state, look.subject);
    }
    if (!look.facts.empty()) {
        keep_proof_facts(rules, held, look);
    }
    news.value = held.looks.keep(state.shapes, look);
    note_unseen(state, look);
    return news;
}

// When it would have fallen silent.
void note_deadlines(const Rules& rules, State& state, const SubjectState& held,
                    const Observation& look) {
    const bool has = std::ranges::any_of(rules.runbook.signals, [&](const Signal& signal) {
        return signal.silent_after > Millis{0} && signal.probe == look.probe &&
               signal.subject_kind == look.subject.kind();
    });
    if (has) {
        note_heard(rules, state, look.subject, *held.looks.find(look.probe));
    }
}

bool is_local_fault(const Observation& look) {
    return look.reason == Reason::resolver_down || look.reason == Reason::no_descriptors ||
           look.reason == Reason::deadline_local;
}

}  // namespace

LookValue judge(const Signal& signal, const Observation& look, const std::string& own_version) {
    if (signal.silent_after > Millis{0} || look.reason == Reason::silent) {
        if (look.health == Health::unknown || signal.silent_after == Millis{0}) {
            return LookValue::nothing;
        }
        return look.reason == Reason::silent ? LookValue::bad : LookValue::good;
    }
    // A row about not seeing is content with any look that can judge, a bad one too.
    if (signal.bad_health == std::vector{Health::unknown} && look.health != Health::unknown) {
        return LookValue::good;
    }
    const bool listed =
        std::ranges::find(signal.bad_health, look.health) != signal.bad_health.end();
    if (!listed) {
        const bool good = look.health == Health::healthy || look.health == Health::degraded;
        return good ? LookValue::good : LookValue::nothing;
    }
    if (look.reason == Reason::drift && !own_version.empty() && own_version == look.version) {
        return LookValue::nothing;
    }
    const auto has = [&](const std::vector<Reason>& reasons) {
        return std::ranges::find(reasons, look.reason) != reasons.end();
    };
    const bool wanted =
        (signal.reasons.empty() || has(signal.reasons)) && !has(signal.except_reasons);
    if (!wanted) {
        // Degraded in another way than this signal's is a working target as far as this signal
        // goes.
        return look.health == Health::degraded ? LookValue::good : LookValue::nothing;
    }
    const bool all =
        std::ranges::all_of(signal.where, [&](const auto& c) { return holds(c, look.facts); });
    return all ? LookValue::bad : LookValue::nothing;
}

Millis spread_of(const Signal& signal, const SmallMap<std::string>& attributes,
                 const Facts& facts) {
    Millis spread = signal.spread;
    if (const auto value = attributes.find(signal.spread_attribute); value != attributes.end()) {
        if (const auto own = signal.spread_by.find(value->second); own != signal.spread_by.end()) {
            spread = own->second;
        }
    }
    // What a subject claims can only make us wait longer, and not for ever.
    constexpr double claimed_seconds_max = 6 * 3600;
    const auto claimed = facts.find(signal.spread_fact);
    if (claimed != facts.end() && claimed->second > 0) {
        const double seconds = std::min(claimed->second, claimed_seconds_max);
        spread = std::max(spread, Millis{static_cast<std::int64_t>(seconds * 1000)});
    }
    return spread;
}

Millis kept_within(const Rules& rules, std::string_view probe, std::string_view kind) {
    constexpr int coarse = 20;  // a twentieth of the shortest deadline
    Millis shortest{0};
    for (const auto& signal : rules.runbook.signals) {
        const bool counts =
            signal.silent_after > Millis{0} && signal.probe == probe && signal.subject_kind == kind;
        if (counts && (shortest == Millis{0} || signal.silent_after < shortest)) {
            shortest = signal.silent_after;
        }
    }
    return shortest / coarse;
}

bool fold(const Rules& rules, State& state, const Observation& look) {
    if (look.reason == Reason::removed) {
        const bool known = state.subjects.contains(look.subject);
        forget_unseen(state, look.subject);
        drop_subject(rules, state, look.subject);
        forget_changes(state, look.subject);
        return known;
    }
    return fold(rules, state, hold_subject(rules, state, look.subject), look);
}

bool fold(const Rules& rules, State& state, SubjectState& held, const Observation& look) {
    if (held.looks.empty()) {
        held.first_seen = look.seen.at;
    }
    bool durable = state.intents_open > 0 && advance_proofs(rules, state, look);
    const News news = remember(rules, state, held, look);
    if (news.identity) {
        note_identity(rules, state, look.subject);
    }
    if (is_local_fault(look)) {
        state.local_faults.insert(look.subject);
    } else if (!state.local_faults.empty()) {
        state.local_faults.erase(look.subject);
    }
    note_deadlines(rules, state, held, look);
    durable = durable || news.identity || news.value;
    if (state.observer.trusted || look.health == Health::healthy) {
        for (const auto& signal : rules.runbook.signals) {
            if (signal.probe == look.probe && signal.subject_kind == look.subject.kind()) {
                durable = fold_signal(rules, signal, state, held, look) || durable;
            }
        }
    }
    note_look(rules, state, look.subject, held, look, news.value);
    return durable;
}

bool change_pending(const Rules& rules, const State& state, const Observation& look) {
    const auto held = state.subjects.find(look.subject);
    if (held == state.subjects.end() || held->second.detectors.empty()) {
        return false;
    }
    for (const auto& signal : rules.runbook.signals) {
        const auto run = held->second.detectors.find(signal.id);
        if (signal.probe != look.probe || run == held->second.detectors.end()) {
            continue;
        }
        // A signal that needs a long spread gains nothing from a hurried look.
        const bool rising = !run->second.raised && run->second.bad < looks_needed(signal);
        if (rising || (run->second.raised && run->second.good > 0)) {
            return true;
        }
    }
    return false;
}

void forget_unraised_runs(const Rules& rules, State& state) {
    const auto explains_symptom = [&](const std::string& signal, const Subject& subject) {
        return std::ranges::any_of(rules.runbook.symptoms, [&](const Symptom& symptom) {
            if (!names_signal(symptom, signal)) {
                return false;
            }
            const Subject about = symptom.group ? ancestor_of_kind(rules.runbook, state, subject,
                                                                   symptom.subject_kind)
                                                : subject;
            return state.symptoms.contains({symptom.id, about});
        });
    };
    const auto running = state.index.running;
    for (const auto& subject : running) {
        auto& held = state.subjects.at(subject);
        for (auto at = held.detectors.begin(); at != held.detectors.end();) {
            if (explains_symptom(at->first, subject)) {
                ++at;
                continue;
            }
            const std::pair key{at->first, subject};
            const auto run = at->second;
            const auto changes = state.changes.find(key);
            if (changes != state.changes.end() && changes->second.back() >= run.first_bad) {
                state.changes.erase(changes);
                state.agenda.flaps.insert(key);
            }
            at = held.detectors.erase(at);
            if (run.raised) {
                note_trip(rules, state, key, run, Detector{});
            }
        }
        note_runs(state, subject, !held.detectors.empty());
        touch_family(state, subject);
        if (!has_bad_run(held)) {
            note_clean(state, subject, held);
        }
    }
}

}  // namespace leverd
