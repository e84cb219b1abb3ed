// Why: see by_hand.hpp. The person replaces the evidence, the dwell, the attempts and the approval;
// every other guard holds them like it holds leverd.
#include "policies/by_hand.hpp"

#include "policies/decide.hpp"
#include "policies/detect.hpp"
#include "policies/guards.hpp"
#include "policies/verify.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

// The case of this subject that is open and whose symptom is still there.
const Incident* open_case(const Rules& rules, const State& state, const Subject& subject) {
    const Incident* found = nullptr;
    for (const auto& [id, incident] : state.incidents) {
        const bool here = incident.subject == subject && incident.phase != IncidentPhase::closed &&
                          state.symptoms.contains({incident.symptom, subject}) &&
                          find_symptom(rules, incident.symptom) != nullptr;
        if (here && (found == nullptr || incident.opened.at > found->opened.at)) {
            found = &incident;
        }
    }
    return found;
}

// The policy of the case's own row, else the one that allows this lever on this subject the most: a
// person is bound by what the book says about the lever, not by the row that would propose it.
const Policy* policy_by_hand(const Rules& rules, const FireByHand& wanted,
                             const std::string& symptom) {
    if (const auto* own = policy_for(rules, symptom, wanted.lever, wanted.subject)) {
        return own;
    }
    const Policy* best = nullptr;
    for (const auto& policy : rules.policies.policies) {
        // "*" means every subject of the row's kind, not a workspace for a tenant's lever.
        const auto* row = find_symptom(rules, policy.symptom);
        const bool fits = row != nullptr && row->subject_kind == wanted.subject.kind();
        const auto* first = policy_for(rules, policy.symptom, wanted.lever, wanted.subject);
        if (fits && first == &policy && (best == nullptr || policy.mode > best->mode)) {
            best = &policy;
        }
    }
    return best;
}

}  // namespace

JudgedByHand judge_by_hand(const Rules& rules, const State& state, const Transient& transient,
                           const FireByHand& wanted, Now now) {
    Incident incident;
    incident.symptom = by_hand_symptom;
    incident.subject = wanted.subject;
    incident.opened = now;
    Symptom symptom;
    symptom.id = by_hand_symptom;
    if (const auto* held = open_case(rules, state, wanted.subject)) {
        incident = *held;
        symptom = *find_symptom(rules, held->symptom);
    }
    const auto contract = rules.levers.find(wanted.lever);
    const auto* lever = contract == rules.levers.end() ? nullptr : &contract->second;
    const auto* policy = policy_by_hand(rules, wanted, symptom.id);
    const ByHand who{wanted.who, wanted.why};
    Rung rung;
    rung.lever = wanted.lever;
    const GuardInput input{rules,        state,
                           transient,    incident,
                           symptom,      lever,
                           policy,       mode_ceiling(rules, state, policy, lever, now.at),
                           &wanted.plan, decision_hash(incident, state, &wanted.plan),
                           rung,         now,
                           &who};
    return {ask_guards(input), incident.id};
}

void fire_by_hand(Work& work, const FireByHand& wanted) {
    auto [decision, incident] =
        judge_by_hand(work.rules, work.state, work.transient, wanted, work.now);
    decision.id = fmt::format("d-{}", work.state.decisions_made + 1);
    const bool fires = decision.action == Action::fire;
    if (!fires) {
        decision.action = Action::hold;
        decision.incident.clear();
        work.record(decision);
    } else {
        if (incident.empty()) {
            incident = fmt::format("i-{}", work.state.incidents_made + 1);
            work.record(IncidentOpened{incident, by_hand_symptom, wanted.subject});
            decision.incident = incident;
        }
        auto plan = wanted.plan;
        plan.incident = incident;
        work.record(plan);
        work.record(decision);
        work.record(Approval{decision.id, decision.hash, true, wanted.who, wanted.why});
        Intent intent;
        intent.id = fmt::format("t-{}", work.state.intents_made + 1);
        intent.decision = decision.id;
        intent.incident = incident;
        intent.lever = wanted.lever;
        intent.subject = wanted.subject;
        intent.plan = plan.plan;
        intent.verify_timeout = verify_timeout_of(work.rules, decision.policy);
        work.record(intent);
        work.ask(FireLever{intent});
        if (wanted.answer) {
            wanted.answer->intent = intent.id;
        }
    }
    if (wanted.answer) {
        wanted.answer->decision = decision;
    }
}

}  // namespace leverd
