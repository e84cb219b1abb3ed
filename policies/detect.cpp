// Why: see detect.hpp.
#include "policies/detect.hpp"

#include "policies/group.hpp"
#include "policies/observer.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <iterator>
#include <set>

namespace leverd {
namespace {

bool fresh(const Rules& rules, const LookState& look, Instant now) {
    return now - look.seen.at <= rules.runbook.fresh_for;
}

bool works(Health health) {
    return health == Health::healthy || health == Health::degraded;
}

// When the newest of the subject's recent looks was taken, if all of them are good.
std::optional<Instant> good_since(const Rules& rules, const State& state, const Subject& subject,
                                  Instant now) {
    const auto held = state.subjects.find(subject);
    if (held == state.subjects.end()) {
        return std::nullopt;
    }
    std::optional<Instant> newest;
    for (const auto& look : held->second.looks) {
        if (!fresh(rules, look, now)) {
            continue;
        }
        if (!works(look.health)) {
            return std::nullopt;
        }
        newest = std::max(newest.value_or(look.seen.at), look.seen.at);
    }
    return newest;
}

bool is_good_since(const Rules& rules, const State& state, const Subject& subject, Instant since,
                   Instant now) {
    const auto newest = good_since(rules, state, subject, now);
    return newest && *newest >= since;
}

bool lever_at_work_on(const Rules& rules, const State& state, const Subject& subject) {
    return std::ranges::any_of(state.index.at_work, [&](const auto& id) {
        const auto& target = state.intents.at(id).intent.subject;
        return target == subject || is_ancestor(rules.runbook, state, target, subject);
    });
}

bool vouches(const SubjectState& held, const std::string& probe, Instant at) {
    const auto* look = held.looks.find(probe);
    return look != nullptr && look->health == Health::healthy && look->seen.at >= at &&
           std::ranges::none_of(held.detectors, [](const auto& d) { return d.second.bad > 0; });
}

// The newest good look of the probe at one of the kind without a bad run. Nearly always the one
// that is remembered; all are asked only when that one turned bad itself.
const Witness& newest_witness(const State& state, const std::string& kind,
                              const std::string& probe) {
    const auto [found, fresh] = state.index.witnesses.try_emplace({kind, probe});
    auto& known = found->second;
    if (!fresh && known.who.empty()) {
        return known;
    }
    const auto held = state.subjects.find(known.who);
    if (held != state.subjects.end() && vouches(held->second, probe, known.seen)) {
        return known;
    }
    known = Witness{};
    for_kind(state, kind, [&](const Subject& other, const SubjectState& seen) {
        if (vouches(seen, probe, known.seen)) {
            known = Witness{seen.looks.find(probe)->seen.at, other};
        }
    });
    return known;
}

bool sibling_works(const State& state, const Subject& subject, Instant since) {
    const std::string kind(subject.kind());
    const auto known = state.index.known_of_kind.find(kind);
    const auto held = state.subjects.find(subject);
    if (known == state.index.known_of_kind.end() || held == state.subjects.end() ||
        known->second < 2) {
        return true;
    }
    return std::ranges::any_of(held->second.looks, [&](const LookState& look) {
        const auto& witness = newest_witness(state, kind, look.probe());
        return !witness.who.empty() && witness.who != subject && witness.seen >= since;
    });
}

// Something above is wrong and has its case: what is asked about others then forbids a case and a
// lever of the row's own, not the row. It is linked to that case.
bool is_explained(const Rules& rules, const State& state, const Subject& subject) {
    return std::ranges::any_of(
        ancestors_of(rules.runbook, state, subject), [&](const Subject& above) {
            const auto symptoms = state.index.symptoms_on.find(above);
            return symptoms != state.index.symptoms_on.end() &&
                   std::ranges::any_of(symptoms->second, [&](const auto& symptom) {
                       return !state.index.loose.contains({symptom, above});
                   });
        });
}

// What still forbids a tripped row; it is asked again when that may have changed.
bool may_raise(Work& work, const Symptom& symptom, const Subject& subject, Instant since,
               Instant first_bad) {
    auto& waiting = work.state.agenda.waiting;
    const SymptomKey row{symptom.id, subject};
    if (!observer_vouches(work.rules, work.state, since)) {
        waiting.add(Wait::references, Subject{}, since, row);
        return false;
    }
    const bool explained = is_explained(work.rules, work.state, subject);
    for (const auto& needed : symptom.requires_healthy) {
        if (!explained && !is_good_since(work.rules, work.state, needed, since, work.now.at)) {
            waiting.add(Wait::healthy, needed, since, row);
            return false;
        }
    }
    if (symptom.needs_working_sibling && !explained &&
        !sibling_works(work.state, subject, first_bad)) {
        waiting.add(Wait::sibling, Subject{std::string(subject.kind())}, since, row);
        return false;
    }
    if (lever_at_work_on(work.rules, work.state, subject)) {
        waiting.add(Wait::lever, Subject{}, since, row);
        return false;
    }
    return true;
}

// Until when a row's runs may have tripped for its wait to be over; nullopt: it goes on for all.
std::optional<Instant> waited_until(const Work& work, const WaitingRows::List& list) {
    const auto& agenda = work.state.agenda;
    switch (list.why) {
        case Wait::references:
            return vouched_until(work.rules, work.state);
        case Wait::healthy:
            return good_since(work.rules, work.state, list.what, work.now.at);
        case Wait::sibling:
            return agenda.siblings_good.contains(list.what.text()) ? std::optional(Instant::max())
                                                                   : std::nullopt;
        case Wait::lever:
            return agenda.lever_news ? std::optional(Instant::max()) : std::nullopt;
    }
    return std::nullopt;
}

void ask_rows_that_waited(Work& work) {
    auto& agenda = work.state.agenda;
    for (const auto& [list, rows] : agenda.waiting.lists()) {
        const auto until = waited_until(work, list);
        for (const auto& [since, row] : rows) {
            if (!until || since > *until) {
                break;
            }
            agenda.rows.insert(row);
        }
    }
    agenda.siblings_good.clear();
    agenda.lever_news = false;
}

void ask_all_looks(Work& work, const Subject& subject) {
    const auto held = work.state.subjects.find(subject);
    if (held != work.state.subjects.end()) {
        for (const auto& look : held->second.looks) {
            work.ask(LookAgain{subject, look.probe()});
        }
    }
}

// The looks that would settle what rows still wait for: of each row those of the first condition
// that does not hold now, whichever it was that held it back first.
void ask_looks_for_waiting(Work& work) {
    std::set<Subject> needed_now;
    bool references = false;
    for (const auto& [list, rows] : work.state.agenda.waiting.lists()) {
        const auto* symptom = find_symptom(work.rules, list.symptom);
        auto holds_until = vouched_until(work.rules, work.state).value_or(Instant::min());
        references = references || rows.rbegin()->first > holds_until;
        for (const auto& needed : symptom->requires_healthy) {
            auto row = rows.upper_bound({holds_until, SymptomKey{"\x7f", Subject{}}});
            const auto good = good_since(work.rules, work.state, needed, work.now.at);
            if (row != rows.begin() && (!good || std::prev(row)->first > *good)) {
                needed_now.insert(needed);
            }
            holds_until = std::min(holds_until, good.value_or(Instant::min()));
        }
    }
    if (references) {
        ask_references(work);
    }
    for (const auto& needed : needed_now) {
        ask_all_looks(work, needed);
    }
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

void clear_direct(Work& work, const Symptom& symptom, const SymptomKey& row) {
    if (!work.state.symptoms.contains(row) ||
        condition_holds(work.rules, work.state, symptom, row.second)) {
        return;
    }
    const bool gone = !work.state.subjects.contains(row.second);
    work.record(SymptomCleared{row.first, row.second, gone ? "removed" : "good_looks"});
}

bool has_own_run(const State& state, const Symptom& symptom, const Subject& subject) {
    const auto own = [&](const auto& signal) { return state.tripped.contains({signal, subject}); };
    return std::ranges::any_of(symptom.any, own) || std::ranges::any_of(symptom.all, own);
}

void raise_direct(Work& work, const Symptom& symptom, const Subject& subject) {
    if (work.state.symptoms.contains({symptom.id, subject}) ||
        !has_own_run(work.state, symptom, subject) ||
        !condition_holds(work.rules, work.state, symptom, subject) ||
        forbidden(work.rules, work.state, symptom, subject)) {
        return;
    }
    const auto span = span_of(work.rules, work.state, symptom, subject);
    const bool together =
        symptom.within == Millis{0} || span.last_tripped - span.first_tripped <= symptom.within;
    if (together && may_raise(work, symptom, subject, span.last_tripped, span.first_bad)) {
        work.record(SymptomRaised{symptom.id, subject, span.evidence});
    }
}

void raise_group(Work& work, const Symptom& symptom, const SymptomKey& row) {
    const auto finding = find_group(work.state, symptom, row.second, work.now.at);
    if (finding && finding->met && !work.state.symptoms.contains(row) &&
        may_raise(work, symptom, row.second, finding->last_tripped, finding->first_bad)) {
        work.record(SymptomRaised{symptom.id, row.second, finding->evidence});
    }
}

void clear_group(Work& work, const Symptom& symptom, const SymptomKey& row) {
    if (work.state.symptoms.contains(row) && !group_persists(work.state, symptom, row.second)) {
        work.record(SymptomCleared{row.first, row.second, "good_looks"});
    }
}

// The touched rows of one symptom, in the order of their subjects.
std::vector<SymptomKey> take_rows(Agenda& agenda, const std::string& symptom) {
    const auto from = agenda.rows.lower_bound({symptom, Subject{}});
    auto to = from;
    std::vector<SymptomKey> taken;
    for (; to != agenda.rows.end() && to->first == symptom; ++to) {
        taken.push_back(*to);
    }
    agenda.rows.erase(from, to);
    return taken;
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
                                     const Subject& subject, Instant silent_until) {
    if (symptom.group) {
        const auto tally = state.index.tallies.find({symptom.id, subject});
        const bool seen = tally != state.index.tallies.end() && !tally->second.by_seen.empty() &&
                          tally->second.by_seen.rbegin()->first != Instant::min();
        return seen ? std::optional(tally->second.by_seen.rbegin()->first) : std::nullopt;
    }
    std::optional<Instant> newest;
    const auto ask = [&](const Signal& rule, const Subject& about) {
        if (!state.tripped.contains({rule.id, about})) {
            return;
        }
        const auto* look = state.subjects.at(about).looks.find(rule.probe);
        if (look != nullptr && look->health != Health::unknown) {
            const bool silent = look->reason == Reason::silent;
            const auto seen = silent ? std::max(look->seen.at, silent_until) : look->seen.at;
            newest = std::max(newest.value_or(seen), seen);
        }
    };
    for (const auto& rule : rules.runbook.signals) {
        if (!names_signal(symptom, rule.id)) {
            continue;
        }
        ask(rule, subject);
        for (const auto& above : ancestors_of(rules.runbook, state, subject)) {
            ask(rule, above);
        }
    }
    return newest;
}

void settle_symptoms(Work& work) {
    ask_rows_that_waited(work);
    for (const auto& symptom : work.rules.runbook.symptoms) {
        const auto rows = take_rows(work.state.agenda, symptom.id);
        work.transient.effort.symptoms += static_cast<std::int64_t>(rows.size());
        for (const auto& row : rows) {
            work.state.agenda.waiting.remove(row);
            if (symptom.group) {
                raise_group(work, symptom, row);
            } else {
                clear_direct(work, symptom, row);
            }
        }
        for (const auto& row : rows) {
            if (symptom.group) {
                clear_group(work, symptom, row);
            } else {
                raise_direct(work, symptom, row.second);
            }
        }
    }
    ask_looks_for_waiting(work);
}

}  // namespace leverd
