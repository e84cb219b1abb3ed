// Why: see case.hpp.
#include "policies/page/case.hpp"

#include "policies/detect.hpp"
#include "policies/guard_names.hpp"
#include "policies/ladder.hpp"
#include "policies/losses.hpp"
#include "policies/observer.hpp"
#include "policies/topology.hpp"
#include "policies/verify.hpp"
#include "policies/windows.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

// A hold that ends by itself within this is no news to whoever holds the page already.
constexpr Millis passing{60'000};

// As long as a call may be under way; see verify.cpp.
constexpr Millis call_most{1'800'000};

// Ends of an accepted call that no amount of waiting mends.
bool needs_a_hand(Reason reason) {
    return reason == Reason::credential_rolled_back || reason == Reason::deployment_failed ||
           reason == Reason::alias_failed;
}

const IntentState* intent_of(const State& state, const std::string& id) {
    const auto held = state.intents.find(id);
    return held == state.intents.end() ? nullptr : &held->second;
}

// A lever that was refused before anything was sent did nothing for the case.
Instant worked_on_until(const State& state, const Incident& incident) {
    Instant until{};
    for (const auto& id : incident.intents) {
        const auto* held = intent_of(state, id);
        const bool sent =
            held != nullptr && held->outcome && held->outcome->kind != OutcomeKind::refused;
        if (sent) {
            until = std::max({until, held->ended.at, held->judged.at});
        }
    }
    return until;
}

// Since when no lever has been at work on the case. A group's counts come and go at their edge
// while its members stay as they are: one that came back within the clearing time goes on counting,
// or nobody would ever be told of them.
Instant left_alone_since(const Rules& rules, const State& state, const Incident& incident) {
    auto from = incident.opened.at;
    auto worked = worked_on_until(state, incident);
    const auto* row = find_symptom(rules, incident.symptom);
    const auto held = state.index.held_on.find(incident.subject);
    if (row == nullptr || !row->group || held == state.index.held_on.end()) {
        return std::max(from, worked);
    }
    for (bool earlier = true; earlier;) {
        earlier = false;
        for (const auto& id : held->second) {
            const auto& other = state.incidents.at(id);
            const bool goes_on = other.symptom == incident.symptom && other.opened.at < from &&
                                 other.phase == IncidentPhase::closed && other.end != "recovered" &&
                                 from - other.closed.at <= rules.runbook.clearing_time;
            if (goes_on) {
                from = other.opened.at;
                worked = std::max(worked, worked_on_until(state, other));
                earlier = true;
            }
        }
    }
    return std::max(from, worked);
}

Millis lever_limit(const Rules& rules, const Intent& intent) {
    const auto contract = rules.levers.find(intent.lever);
    auto proof = std::max(Limits{}.verify_timeout, intent.verify_timeout);
    for (const auto& policy : rules.policies.policies) {
        proof =
            policy.lever == intent.lever ? std::max(proof, policy.limits.verify_timeout) : proof;
    }
    const auto propagation =
        contract == rules.levers.end() ? Millis{0} : contract->second.propagation;
    return call_most + propagation + proof;
}

Millis limit_of(const Rules& rules, const State& state, const Incident& incident,
                const CaseView& view) {
    switch (view.row->limit) {
        case PageLimit::none:
            break;
        case PageLimit::dwell: {
            const auto* symptom = find_symptom(rules, incident.symptom);
            return symptom == nullptr ? Millis{0} : symptom->dwell;
        }
        case PageLimit::observer:
            return rules.policies.observer.dwell;
        case PageLimit::lever: {
            const auto* held = intent_of(state, view.intent);
            return held == nullptr ? Millis{0} : lever_limit(rules, held->intent);
        }
    }
    return Millis{0};
}

// A lever of the case that has not ended; what went wrong with it comes first.
bool view_intents(const State& state, const Incident& incident, CaseView& view) {
    for (const auto& id : incident.intents) {
        const auto* held = intent_of(state, id);
        if (held == nullptr || held->phase == IntentPhase::done) {
            continue;
        }
        view.lever = held->intent.lever;
        view.intent = id;
        const auto* look = failing_own_look(state, *held);
        if (held->phase == IntentPhase::ambiguous) {
            view.row = page_row(page_state::outcome_unknown);
            return true;
        }
        if (look != nullptr && needs_a_hand(look->reason)) {
            // Said while it is fresh, not when the time for the proof is over.
            view.row = page_row(page_state::not_done);
            return true;
        }
        view.row = page_row(page_state::at_work);
    }
    return false;
}

// A lever at work on the subject or above it may heal the case; one below it or elsewhere is merely
// in its way.
bool may_heal(const Rules& rules, const State& state, const std::string& intent,
              const Subject& subject) {
    const auto* held = intent_of(state, intent);
    if (held == nullptr || held->intent.subject == subject) {
        return held != nullptr;
    }
    return is_ancestor(rules.runbook, state, held->intent.subject, subject);
}

void view_decision(const Rules& rules, const State& state, const Incident& incident,
                   const Decision& decision, CaseView& view) {
    view.lever = decision.lever;
    // A policy that only watches calls nobody, whatever else holds its lever.
    if (!decision.policy.empty() && decision.mode == Mode::observe) {
        view.row = page_row(page_state::observed);
        return;
    }
    if (decision.reason == guard_name::permitted) {
        view.row = page_row(page_state::planning);
        return;
    }
    if (decision.reason == guard_name::rejected) {
        view.row = page_row(page_state::rejected);
        return;
    }
    const auto blocking = std::ranges::find(decision.guards, false, &GuardVerdict::pass);
    view.guard = blocking == decision.guards.end() ? decision.reason : blocking->guard;
    view.row = page_row(held_state(decision.reason));
    if (decision.reason == guard_name::in_flight && blocking != decision.guards.end() &&
        may_heal(rules, state, blocking->value, incident.subject)) {
        view.intent = blocking->value;
    }
    // What no row knows is told at once rather than never.
    view.row = view.row == nullptr ? page_row(page_state::escalated) : view.row;
}

Instant work_began(const State& state, const CaseView& view) {
    const auto* held = intent_of(state, view.intent);
    if (held == nullptr) {
        return {};
    }
    return view.row->state == page_state::outcome_unknown ? held->ended.at : held->fired.at;
}

}  // namespace

CaseView view_case(const Rules& rules, const State& state, const Incident& incident) {
    CaseView view;
    if (incident.phase == IncidentPhase::closed) {
        return view;
    }
    const bool wrong = view_intents(state, incident, view);
    if (!wrong && !open_loss(state, incident).empty()) {
        view.row = page_row(page_state::lost);
        view.lever = incident.decision ? incident.decision->lever : std::string{};
    } else if (!wrong && incident.phase == IncidentPhase::escalated) {
        const bool none = incident.decision && incident.decision->reason == guard_name::no_lever;
        view.row = page_row(none ? page_state::no_lever : page_state::escalated);
        if (incident.decision) {
            const auto& guards = incident.decision->guards;
            const auto blocking = std::ranges::find(guards, false, &GuardVerdict::pass);
            view.lever = none ? std::string{} : incident.decision->lever;
            view.guard = blocking == guards.end() ? std::string{} : blocking->guard;
        }
    } else if (view.row == nullptr) {
        if (!state.symptoms.contains({incident.symptom, incident.subject})) {
            return view;  // it closes in this turn
        }
        if (incident.decision) {
            view_decision(rules, state, incident, *incident.decision, view);
        } else {
            view.row = page_row(page_state::planning);
        }
    }
    if (!view.row->pages) {
        return view;
    }
    const auto from = view.row->scope == PageScope::incident && !view.intent.empty()
                          ? work_began(state, view)
                          : left_alone_since(rules, state, incident);
    view.due = std::max(
        from + grace_of(*view.row, rules.policies.page) + limit_of(rules, state, incident, view),
        incident.opened.at + rules.policies.page.group_wait);
    if (view.row->scope == PageScope::held && view.row->grace > Millis{0}) {
        const auto limit = view.row->limit == PageLimit::lever
                               ? Millis{0}
                               : limit_of(rules, state, incident, view);
        view.news = incident.decided.at + std::min(view.row->grace, passing) + limit;
    }
    // No doubt was raised that would page for itself.
    const auto* decision = incident.decision ? &*incident.decision : nullptr;
    if (view.guard == guard_name::observer && decision != nullptr) {
        const auto blocking = std::ranges::find(decision->guards, false, &GuardVerdict::pass);
        if (blocking != decision->guards.end() && blocking->value == references_unheard) {
            view.due = std::min(
                view.due, from + grace_of(*page_row(page_state::unheard), rules.policies.page));
        }
    }
    return view;
}

Severity severity_of(const Rules& rules, const Incident& incident, const PageRow& row) {
    if (row.severity) {
        return *row.severity;
    }
    const auto* symptom = find_symptom(rules, incident.symptom);
    return symptom == nullptr ? Severity::critical : symptom->severity;
}

std::string mute_on(const Rules& rules, const State& state, const Subject& subject,
                    const std::string& lever, WallTime now) {
    for (const auto& window : rules.policies.windows) {
        if (window.mute && applies(window, subject, lever) && is_open(window, now)) {
            return "window " + window.id;
        }
    }
    for (const auto& [id, veto] : state.vetoes) {
        const bool about = (veto.set.lever.empty() || veto.set.lever == lever) &&
                           subject_matches(veto.set.subjects, subject);
        if (veto.set.mute && about) {
            return "veto " + id;
        }
    }
    return {};
}

Now first_bad(const Rules& rules, const State& state, const Incident& incident) {
    auto first = incident.opened;
    const auto* symptom = find_symptom(rules, incident.symptom);
    const auto subject = state.subjects.find(incident.subject);
    if (symptom == nullptr || subject == state.subjects.end()) {
        return first;
    }
    for (const auto& [signal, run] : subject->second.detectors) {
        const bool counts = run.raised && run.first_bad != Instant{} && run.first_bad < first.at &&
                            names_signal(*symptom, signal);
        if (counts) {
            first.wall -= first.at - run.first_bad;
            first.at = run.first_bad;
        }
    }
    return first;
}

}  // namespace leverd
