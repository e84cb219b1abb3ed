// Why: see detect.hpp.
#include "policies/detect.hpp"

#include "policies/group.hpp"
#include "policies/observer.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

bool fresh(const Rules& rules, const LookState& look, Instant now) {
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
    for (const auto& look : held->second.looks) {
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

bool sibling_works(const State& state, const Subject& subject, Instant since) {
    bool alone = true;
    bool found = false;
    for_kind(state, subject.kind(), [&](const Subject& other, const SubjectState& held) {
        if (other == subject || found) {
            return;
        }
        alone = false;
        const auto run =
            std::ranges::any_of(held.detectors, [](const auto& d) { return d.second.bad > 0; });
        found = !run && std::ranges::any_of(held.looks, [&](const LookState& look) {
            return state.subjects.at(subject).looks.find(look.probe()) != nullptr &&
                   look.health == Health::healthy && look.seen.at >= since;
        });
    });
    return alone || found;
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
                for (const auto& look : held->second.looks) {
                    work.ask(LookAgain{needed, look.probe()});
                }
            }
            return false;
        }
    }
    if (symptom.needs_working_sibling && !sibling_works(work.state, subject, first_bad)) {
        return false;
    }
    return !lever_at_work_on(work.rules, work.state, subject);
}

// Where a signal is raised for the subject: on itself, else on the nearest above it.
const Subject* where_raised(const Rules& rules, const State& state, const std::string& signal,
                            const Subject& subject) {
    if (const auto here = state.tripped.find({signal, subject}); here != state.tripped.end()) {
        return &here->second;
    }
    for (const auto& above : ancestors_of(rules.runbook, state, subject)) {
        if (const auto there = state.tripped.find({signal, above}); there != state.tripped.end()) {
            return &there->second;
        }
    }
    return nullptr;
}

// Both parts of a row that its looks decide, in the order of the row: what arrived first makes no
// difference.
bool condition_holds(const Rules& rules, const State& state, const Symptom& symptom,
                     const Subject& subject) {
    const auto raised = [&](const auto& signal) {
        return raised_for(rules, state, signal, subject);
    };
    return (symptom.any.empty() || std::ranges::any_of(symptom.any, raised)) &&
           std::ranges::all_of(symptom.all, raised);
}

bool forbidden(const Rules& rules, const State& state, const Symptom& symptom,
               const Subject& subject) {
    const auto raised = [&](const auto& signal) {
        return raised_for(rules, state, signal, subject);
    };
    return std::ranges::any_of(symptom.unless, raised) ||
           (!symptom.not_all.empty() && std::ranges::all_of(symptom.not_all, raised));
}

struct Span {
    Instant first_bad = Instant::max();
    Instant first_tripped = Instant::max();
    Instant last_tripped{};
    std::string evidence;
};

// The runs that the row rests on for this subject.
Span span_of(const Rules& rules, const State& state, const Symptom& symptom,
             const Subject& subject) {
    Span span;
    for (const auto& rule : rules.runbook.signals) {
        const Subject* about =
            names_signal(symptom, rule.id) ? where_raised(rules, state, rule.id, subject) : nullptr;
        if (about == nullptr) {
            continue;
        }
        const auto& held = state.subjects.at(*about);
        const auto& run = held.detectors.at(rule.id);
        span.first_bad = std::min(span.first_bad, run.first_bad);
        span.first_tripped = std::min(span.first_tripped, run.tripped);
        span.last_tripped = std::max(span.last_tripped, run.tripped);
        const auto* look = held.looks.find(rule.probe);
        if (look != nullptr) {
            const auto on = *about == subject ? std::string{} : " on " + about->text();
            span.evidence +=
                fmt::format("{}{} looks of {}{}: {}", span.evidence.empty() ? "" : "; ", run.bad,
                            rule.probe, on, look->evidence);
        }
    }
    return span;
}

void raise_direct(Work& work, const Symptom& symptom) {
    std::set<Subject> candidates;
    for (const auto& [signal, subject] : work.state.tripped) {
        if (subject.kind() == symptom.subject_kind && names_signal(symptom, signal) &&
            !work.state.symptoms.contains({symptom.id, subject})) {
            candidates.insert(subject);
        }
    }
    for (const auto& subject : candidates) {
        if (!condition_holds(work.rules, work.state, symptom, subject) ||
            forbidden(work.rules, work.state, symptom, subject)) {
            continue;
        }
        const auto span = span_of(work.rules, work.state, symptom, subject);
        const bool together =
            symptom.within == Millis{0} || span.last_tripped - span.first_tripped <= symptom.within;
        if (together && may_raise(work, symptom, subject, span.last_tripped, span.first_bad)) {
            work.record(SymptomRaised{symptom.id, subject, span.evidence});
        }
    }
}

void clear_direct(Work& work, const Symptom& symptom) {
    std::vector<SymptomKey> over;
    for (const auto& [key, active] : work.state.symptoms) {
        if (key.first != symptom.id) {
            continue;
        }
        if (!condition_holds(work.rules, work.state, symptom, key.second)) {
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

bool names_signal(const Symptom& symptom, const std::string& signal) {
    return std::ranges::find(symptom.any, signal) != symptom.any.end() ||
           std::ranges::find(symptom.all, signal) != symptom.all.end();
}

bool raised_for(const Rules& rules, const State& state, const std::string& signal,
                const Subject& subject) {
    return where_raised(rules, state, signal, subject) != nullptr;
}

bool is_visible(const Rules& rules, const State& state, const Subject& subject, Instant now) {
    const auto held = state.subjects.find(subject);
    return held != state.subjects.end() &&
           std::ranges::any_of(held->second.looks, [&](const LookState& look) {
               return look.health != Health::unknown && fresh(rules, look, now);
           });
}

std::optional<Instant> evidence_time(const Rules& rules, const State& state, const Symptom& symptom,
                                     const Subject& subject) {
    std::optional<Instant> newest;
    for (const auto& [signal, about] : state.tripped) {
        const bool here =
            about == subject || (symptom.group ? is_ancestor(rules.runbook, state, subject, about)
                                               : is_ancestor(rules.runbook, state, about, subject));
        if (!names_signal(symptom, signal) || !here) {
            continue;
        }
        for (const auto& rule : rules.runbook.signals) {
            const auto* look = state.subjects.at(about).looks.find(rule.probe);
            if (rule.id == signal && look != nullptr && look->health != Health::unknown) {
                newest = std::max(newest.value_or(look->seen.at), look->seen.at);
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
