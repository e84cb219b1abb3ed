// Why: see detect.hpp.
#include "policies/detect.hpp"

#include "policies/group.hpp"
#include "policies/observer.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

bool fresh(const Rules& rules, const Observation& look, Instant now) {
    return now - look.seen.at <= rules.runbook.fresh_for;
}

bool works(Health health) {
    return health == Health::healthy || health == Health::degraded;
}

// Every recent look at the subject is good, and at least one of them is newer than `since`.
bool is_good_since(const Rules& rules, const State& state, const Subject& subject, Instant since,
                   Instant now) {
    const auto held = state.subjects.find(subject);
    if (held == state.subjects.end()) {
        return false;
    }
    bool newer = false;
    for (const auto& [probe, look] : held->second.looks) {
        if (!fresh(rules, look, now)) {
            continue;
        }
        if (!works(look.health)) {
            return false;
        }
        newer = newer || look.seen.at >= since;
    }
    return newer;
}

bool lever_at_work_on(const Rules& rules, const State& state, const Subject& subject) {
    return std::ranges::any_of(state.intents, [&](const auto& item) {
        const auto& held = item.second;
        return held.phase != IntentPhase::done &&
               (held.intent.subject == subject ||
                is_ancestor(rules.runbook, state, held.intent.subject, subject));
    });
}

bool sibling_works(const Rules& rules, const State& state, const Subject& subject, Instant since) {
    bool alone = true;
    for (const auto& [other, held] : state.subjects) {
        if (other == subject || other.kind() != subject.kind()) {
            continue;
        }
        alone = false;
        for (const auto& [probe, look] : held.looks) {
            const bool same_probe = state.subjects.at(subject).looks.contains(probe);
            const auto run =
                std::ranges::any_of(held.detectors, [](const auto& d) { return d.second.bad > 0; });
            if (same_probe && !run && look.health == Health::healthy && look.seen.at >= since) {
                return true;
            }
        }
    }
    (void)rules;
    return alone;
}

// What still forbids a tripped row; asks for the looks that would settle it.
bool may_raise(Work& work, const Symptom& symptom, const Subject& subject, Instant since,
               Instant first_bad) {
    if (!observer_vouches(work.rules, work.state, since)) {
        ask_references(work);
        return false;
    }
    for (const auto& needed : symptom.requires_healthy) {
        if (!is_good_since(work.rules, work.state, needed, since, work.now.at)) {
            const auto held = work.state.subjects.find(needed);
            if (held != work.state.subjects.end()) {
                for (const auto& [probe, look] : held->second.looks) {
                    work.ask(LookAgain{needed, probe});
                }
            }
            return false;
        }
    }
    if (symptom.needs_working_sibling &&
        !sibling_works(work.rules, work.state, subject, first_bad)) {
        return false;
    }
    return !lever_at_work_on(work.rules, work.state, subject);
}

void raise_direct(Work& work, const Symptom& symptom) {
    const auto tripped = work.state.tripped;
    for (const auto& [signal, subject] : tripped) {
        const bool ours = std::ranges::find(symptom.any, signal) != symptom.any.end();
        if (!ours || work.state.symptoms.contains({symptom.id, subject})) {
            continue;
        }
        const bool forbidden = std::ranges::any_of(symptom.unless, [&](const auto& other) {
            return work.state.tripped.contains({other, subject});
        });
        const auto& held = work.state.subjects.at(subject);
        const auto& run = held.detectors.at(signal);
        if (forbidden || !may_raise(work, symptom, subject, run.tripped, run.first_bad)) {
            continue;
        }
        std::string evidence;
        for (const auto& rule : work.rules.runbook.signals) {
            if (rule.id == signal && held.looks.contains(rule.probe)) {
                const auto& look = held.looks.at(rule.probe);
                evidence = fmt::format("{} looks of {}: {}", run.bad, rule.probe, look.evidence);
            }
        }
        work.record(SymptomRaised{symptom.id, subject, evidence});
    }
}

void clear_direct(Work& work, const Symptom& symptom) {
    std::vector<SymptomKey> over;
    for (const auto& [key, active] : work.state.symptoms) {
        if (key.first != symptom.id) {
            continue;
        }
        const bool still = std::ranges::any_of(symptom.any, [&](const auto& signal) {
            return work.state.tripped.contains({signal, key.second});
        });
        if (!still) {
            over.push_back(key);
        }
    }
    for (const auto& key : over) {
        const bool gone = !work.state.subjects.contains(key.second);
        work.record(SymptomCleared{key.first, key.second, gone ? "removed" : "good_looks"});
    }
}

void settle_group(Work& work, const Symptom& symptom) {
    for (const auto& finding : find_groups(work.rules, work.state, symptom, work.now.at)) {
        const SymptomKey key{symptom.id, finding.subject};
        const bool active = work.state.symptoms.contains(key);
        if (finding.met && !active &&
            may_raise(work, symptom, finding.subject, finding.last_tripped, finding.first_bad)) {
            work.record(SymptomRaised{symptom.id, finding.subject, finding.evidence});
        }
    }
    std::vector<Subject> over;
    for (const auto& [key, active] : work.state.symptoms) {
        if (key.first == symptom.id &&
            !group_persists(work.rules, work.state, symptom, key.second, work.now.at)) {
            over.push_back(key.second);
        }
    }
    for (const auto& subject : over) {
        work.record(SymptomCleared{symptom.id, subject, "good_looks"});
    }
}

}  // namespace

const Symptom* find_symptom(const Rules& rules, std::string_view id) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (symptom.id == id) {
            return &symptom;
        }
    }
    return nullptr;
}

bool is_visible(const Rules& rules, const State& state, const Subject& subject, Instant now) {
    const auto held = state.subjects.find(subject);
    return held != state.subjects.end() &&
           std::ranges::any_of(held->second.looks, [&](const auto& item) {
               return item.second.health != Health::unknown && fresh(rules, item.second, now);
           });
}

int visible_count(const Rules& rules, const State& state, std::string_view kind, Instant now) {
    int count = 0;
    for (const auto& [subject, held] : state.subjects) {
        count += subject.kind() == kind && is_visible(rules, state, subject, now) ? 1 : 0;
    }
    return count;
}

std::optional<Instant> evidence_time(const Rules& rules, const State& state, const Symptom& symptom,
                                     const Subject& subject) {
    std::optional<Instant> newest;
    for (const auto& [signal, about] : state.tripped) {
        const bool ours = std::ranges::find(symptom.any, signal) != symptom.any.end();
        const bool here = about == subject ||
                          (symptom.group && is_ancestor(rules.runbook, state, subject, about));
        if (!ours || !here) {
            continue;
        }
        for (const auto& rule : rules.runbook.signals) {
            const auto& looks = state.subjects.at(about).looks;
            const auto look = looks.find(rule.probe);
            if (rule.id == signal && look != looks.end() &&
                look->second.health != Health::unknown) {
                newest = std::max(newest.value_or(look->second.seen.at), look->second.seen.at);
            }
        }
    }
    return newest;
}

void settle_symptoms(Work& work) {
    for (const auto& symptom : work.rules.runbook.symptoms) {
        if (symptom.group) {
            settle_group(work, symptom);
        } else {
            clear_direct(work, symptom);
            raise_direct(work, symptom);
        }
    }
}

}  // namespace leverd
