// Why: see undo.hpp.
#include "policies/undo.hpp"

#include "policies/guards.hpp"
#include "policies/ladder.hpp"
#include "policies/switches.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

constexpr Millis ask_every{30'000};
// Later the world has moved on, and so have the people who were called.
constexpr Millis undo_within{900'000};

bool is_undone(const State& state, const std::string& intent) {
    return state.index.undone.contains(intent);
}

bool policy_undoes(const Rules& rules, const State& state, const Intent& intent) {
    const auto incident = state.incidents.find(intent.incident);
    const auto contract = rules.levers.find(intent.lever);
    if (incident == state.incidents.end() || contract == rules.levers.end()) {
        return false;
    }
    const auto* policy = policy_for(rules, incident->second.symptom, intent.lever, intent.subject);
    return policy != nullptr && policy->undo_if_worse && contract->second.can_undo;
}

bool is_wanted(const Work& work, const IntentState& held) {
    return held.verdict && held.verdict->kind == VerdictKind::worse && held.intent.undoes.empty() &&
           work.now.at - held.judged.at < undo_within &&
           policy_undoes(work.rules, work.state, held.intent) &&
           !is_undone(work.state, held.intent.id);
}

// A veto, a window or the breaker holds new levers only; these hold every call.
bool may_call(const State& state) {
    return !state.stop.stopped && not_ready(state, true).empty() && state.observer.trusted;
}

void escalate(Work& work, const std::string& incident, std::string why) {
    const auto held = work.state.incidents.find(incident);
    if (held != work.state.incidents.end() && held->second.phase != IncidentPhase::closed &&
        held->second.escalated_why != why) {
        work.record(IncidentEscalated{incident, std::move(why)});
    }
}

}  // namespace

void begin_undo(Work& work, const Intent& worse) {
    freeze_subject(work, worse.subject,
                   fmt::format("{} ({}) made it worse", worse.lever, worse.id));
    const bool undoes = policy_undoes(work.rules, work.state, worse);
    escalate(work, worse.incident,
             fmt::format("{} ({}) made it worse; {}", worse.lever, worse.id,
                         undoes ? "it is taken back once" : "it is not taken back by leverd"));
}

void settle_undo(Work& work) {
    for (const auto& id : work.state.index.worse) {
        const auto& held = work.state.intents.at(id);
        if (!is_wanted(work, held) || !may_call(work.state)) {
            continue;
        }
        const auto asked = work.transient.undo_asked.find(id);
        if (asked != work.transient.undo_asked.end() && work.now.at - asked->second < ask_every) {
            continue;
        }
        work.transient.undo_asked[id] = work.now.at;
        work.ask(MakePlan{held.intent.incident, held.intent.lever, held.intent.subject, id});
    }
}

void fire_undo(Work& work, const PlanResult& result) {
    const auto found = work.state.intents.find(result.undo_of);
    if (found == work.state.intents.end() || !is_wanted(work, found->second) ||
        !may_call(work.state)) {
        return;
    }
    const Intent worse = found->second.intent;
    if (!result.ok) {
        escalate(work, worse.incident,
                 fmt::format("{} ({}) made it worse and cannot be taken back: {}", worse.lever,
                             worse.id, result.problem));
        return;
    }
    Intent undo;
    undo.id = fmt::format("t-{}", work.state.intents_made + 1);
    undo.decision = worse.decision;
    undo.incident = worse.incident;
    undo.lever = worse.lever;
    undo.subject = worse.subject;
    undo.plan = result.plan;
    undo.undoes = worse.id;
    undo.verify_timeout = worse.verify_timeout;
    work.record(undo);
    work.ask(FireLever{undo});
}

}  // namespace leverd
