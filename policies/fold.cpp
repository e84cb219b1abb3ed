// Why: see fold.hpp.
#include "policies/fold.hpp"

#include "policies/topology.hpp"
#include "policies/verify.hpp"

#include <algorithm>

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

void count_bad(const Signal& signal, Millis spread, Instant at, Detector& run) {
    if (run.bad == 0) {
        run.first_bad = at;
    }
    run.bad = std::min(run.bad + 1, signal.looks);
    run.good = 0;
    if (!run.raised) {
        run.last_bad = at;
        if (run.bad >= signal.looks && at - run.first_bad >= spread) {
            run.raised = true;
            run.tripped = at;
        }
    }
}

void count_good(const Signal& signal, Detector& run) {
    if (!run.raised) {
        run = Detector{};
        return;
    }
    run.good += 1;
    if (run.good >= signal.clear_looks) {
        run = Detector{};
    }
}

bool fold_signal(const Signal& signal, State& state, SubjectState& held, const Observation& look) {
    const auto moved = state.own_moves.find(look.subject.text());
    const auto value =
        judge(signal, look, moved == state.own_moves.end() ? std::string{} : moved->second);
    auto found = held.detectors.find(signal.id);
    if (value == LookValue::nothing ||
        (value == LookValue::good && found == held.detectors.end())) {
        return false;
    }
    if (found == held.detectors.end()) {
        found = held.detectors.emplace(signal.id, Detector{}).first;
    }
    const Detector before = found->second;
    if (value == LookValue::bad) {
        count_bad(signal, spread_of(signal, held.attributes), look.seen.at, found->second);
    } else {
        count_good(signal, found->second);
    }
    const bool changed = !(before == found->second);
    const auto key = std::pair{signal.id, look.subject};
    if (found->second.raised) {
        state.tripped.insert(key);
    } else {
        state.tripped.erase(key);
    }
    if (found->second == Detector{}) {
        held.detectors.erase(found);
    }
    return changed;
}

bool remember(SubjectState& held, const Observation& look) {
    bool changed = false;
    held.last_seen = look.seen.at;
    for (const auto& [key, value] : look.attributes) {
        auto& known = held.attributes[key];
        changed = changed || known != value;
        known = value;
    }
    if (!look.version.empty() && look.version != held.version) {
        held.version_since = held.version.empty() ? Instant{} : look.seen.at;
        held.version = look.version;
        changed = true;
    }
    for (const auto& [key, value] : look.facts) {
        held.last_facts[key] = value;
    }
    auto& newest = held.looks[look.probe];
    const bool same =
        newest.probe == look.probe && newest.health == look.health && newest.reason == look.reason;
    held.repeats[look.probe] = same ? held.repeats[look.probe] + 1 : 1;
    newest = look;
    return changed || !same;
}

void retire(State& state, const Subject& subject) {
    std::erase_if(state.tripped, [&](const auto& key) { return key.second == subject; });
    state.subjects.erase(subject);
}

}  // namespace

LookValue judge(const Signal& signal, const Observation& look, const std::string& own_version) {
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

Millis spread_of(const Signal& signal, const Attributes& attributes) {
    if (const auto value = attributes.find(signal.spread_attribute); value != attributes.end()) {
        if (const auto own = signal.spread_by.find(value->second); own != signal.spread_by.end()) {
            return own->second;
        }
    }
    return signal.spread;
}

bool fold(const Rules& rules, State& state, const Observation& look) {
    if (look.reason == Reason::removed) {
        const bool known = state.subjects.contains(look.subject);
        retire(state, look.subject);
        return known;
    }
    auto& held = state.subjects[look.subject];
    if (held.looks.empty()) {
        held.first_seen = look.seen.at;
    }
    bool durable = advance_proofs(rules, state, look);
    durable = remember(held, look) || durable;
    if (!state.observer.trusted && look.health != Health::healthy) {
        return durable;
    }
    for (const auto& signal : rules.runbook.signals) {
        if (signal.probe == look.probe && signal.subject_kind == look.subject.kind()) {
            durable = fold_signal(signal, state, held, look) || durable;
        }
    }
    return durable;
}

bool change_pending(const Rules& rules, const State& state, const Observation& look) {
    const auto held = state.subjects.find(look.subject);
    if (held == state.subjects.end()) {
        return false;
    }
    for (const auto& signal : rules.runbook.signals) {
        const auto run = held->second.detectors.find(signal.id);
        if (signal.probe != look.probe || run == held->second.detectors.end()) {
            continue;
        }
        // A signal that needs a long spread gains nothing from a hurried look.
        const bool rising = !run->second.raised && run->second.bad < signal.looks;
        if (rising || (run->second.raised && run->second.good > 0)) {
            return true;
        }
    }
    return false;
}

void forget_unraised_runs(const Rules& rules, State& state) {
    const auto explains_symptom = [&](const std::string& signal, const Subject& subject) {
        return std::ranges::any_of(rules.runbook.symptoms, [&](const Symptom& symptom) {
            if (std::ranges::find(symptom.any, signal) == symptom.any.end()) {
                return false;
            }
            const Subject about = symptom.group ? ancestor_of_kind(rules.runbook, state, subject,
                                                                   symptom.subject_kind)
                                                : subject;
            return state.symptoms.contains({symptom.id, about});
        });
    };
    for (auto& [subject, held] : state.subjects) {
        std::erase_if(held.detectors, [&](const auto& item) {
            if (explains_symptom(item.first, subject)) {
                return false;
            }
            state.tripped.erase({item.first, subject});
            return true;
        });
    }
}

}  // namespace leverd
