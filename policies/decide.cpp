// Why: see decide.hpp.
#include "policies/decide.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/correlate.hpp"
#include "policies/decide/last_look.hpp"
#include "policies/detect.hpp"
#include "policies/guard_names.hpp"
#include "policies/guards.hpp"
#include "policies/observer.hpp"
#include "policies/topology.hpp"
#include "policies/verify.hpp"
#include "policies/windows.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace leverd {
namespace {

const LeverContract* contract_for(const Rules& rules, const std::string& lever) {
    const auto found = rules.levers.find(lever);
    return found == rules.levers.end() ? nullptr : &found->second;
}

Action action_for(const std::string& reason, Mode mode) {
    if (reason == guard_name::permitted) {
        return Action::fire;
    }
    if (reason == guard_name::mode) {
        return mode == Mode::observe ? Action::none : Action::recommend;
    }
    return reason == guard_name::approval ? Action::ask : Action::hold;
}

// A decision that fired is spent: the next one is about another attempt, however alike they are.
bool same_decision(const Decision& a, const Decision& b) {
    return a.action != Action::fire && a.action == b.action && a.reason == b.reason &&
           a.lever == b.lever && a.mode == b.mode && a.policy == b.policy && a.hash == b.hash;
}

bool approval_expired(const Incident& incident, const Policy* policy, Instant now) {
    return incident.decision && incident.decision->action == Action::ask && policy != nullptr &&
           !incident.approval && now - incident.decided.at > policy->limits.approval_ttl;
}

// What kept a plan from being made is often over in a moment: asked again after a second, then less
// and less often.
Millis plan_lasts(bool failed, int tries) {
    constexpr Millis first{1'000};
    return failed ? std::min(plan_ttl, first * (1 << std::min(tries, 6))) : plan_ttl;
}

// Asks for a plan when there is none that is young enough; true when one must be waited for.
bool wait_for_plan(Work& work, const Incident& incident, const std::string& lever, Instant& again) {
    const bool have = incident.plan && incident.plan->plan.lever == lever;
    const bool failed = have && !incident.plan->ok;
    const auto [held, fresh] = work.transient.plan_asked.try_emplace(incident.id);
    auto& asked = held->second;
    const bool other = fresh || asked.lever != lever;
    if (other || work.now.at - asked.at >= plan_lasts(failed, asked.tries)) {
        asked = {work.now.at, lever, failed && !other ? asked.tries + 1 : 0};
        work.ask(MakePlan{incident.id, lever, incident.subject, {}});
    }
    again = std::min(again, asked.at + plan_lasts(failed, asked.tries));
    return !have;
}

struct Judged {
    Decision decision;
    bool waits_for_plan = false;
};

// `again`: brought down to when time alone may change what comes of it.
Judged judge_incident(Work& work, const Incident& incident, const Symptom& symptom,
                      Instant& again) {
    const auto rung = rung_of(work.rules, work.state, incident, symptom);
    const auto& lever = rung.lever;
    const auto* contract = contract_for(work.rules, lever);
    const auto* policy = policy_for(work.rules, symptom.id, lever, incident.subject);
    const bool planned = incident.plan && incident.plan->plan.lever == lever;
    GuardInput input{work.rules,
                     work.state,
                     work.transient,
                     incident,
                     symptom,
                     contract,
                     policy,
                     mode_ceiling(work.rules, work.state, policy, contract, work.now.at),
                     planned ? &*incident.plan : nullptr,
                     decision_hash(incident, work.state, planned ? &*incident.plan : nullptr),
                     rung,
                     work.now,
                     nullptr,
                     &again};
    Judged judged;
    judged.decision = ask_guards(input);
    auto& decision = judged.decision;
    // An approval that a person refused is a hold, not a question.
    if (decision.action == Action::ask && incident.approval && !incident.approval->approved) {
        decision.action = Action::hold;
        decision.reason = guard_name::rejected;
    }
    // Whether a freeze holds it depends on where it would go.
    const bool needs_plan =
        decision.reason == guard_name::freeze || decision.reason == guard_name::permitted ||
        decision.reason == guard_name::mode || decision.reason == guard_name::approval ||
        decision.reason == guard_name::precondition;
    judged.waits_for_plan =
        needs_plan && contract != nullptr && wait_for_plan(work, incident, lever, again);
    return judged;
}

// Everything permits it, but no look of now shows any more what it is for.
void hold_unseen(Decision& decision) {
    decision.action = Action::hold;
    decision.reason = guard_name::evidence;
    const auto guard =
        std::ranges::find(decision.guards, guard_name::evidence, &GuardVerdict::guard);
    if (guard != decision.guards.end()) {
        guard->pass = false;
        guard->value = "not seen again";
        guard->text = "looked at once more before the call, and no look since then shows it";
    }
}

// The decision may be acted on now. False: nothing is decided before a look arrives.
bool look_once_more(Work& work, const Incident& incident, const Symptom& symptom,
                    Decision& decision, Instant& again) {
    if (decision.action != Action::fire) {
        forget_last_look(work.transient, incident.id);
        return true;
    }
    const auto answer = ask_last_look(work, incident, symptom, again);
    if (answer == LastLookAnswer::missing) {
        hold_unseen(decision);
    }
    return answer != LastLookAnswer::awaited;
}

void fire(Work& work, const Incident& incident, const Decision& decision) {
    Intent intent;
    intent.id = fmt::format("t-{}", work.state.intents_made + 1);
    intent.decision = decision.id;
    intent.incident = incident.id;
    intent.lever = decision.lever;
    intent.subject = incident.subject;
    intent.plan = incident.plan->plan;
    intent.verify_timeout = verify_timeout_of(work.rules, decision.policy);
    work.record(intent);
    work.ask(FireLever{intent});
}

void escalate(Work& work, const Incident& incident, std::string why) {
    if (incident.phase == IncidentPhase::open) {
        work.record(IncidentEscalated{incident.id, std::move(why)});
    }
}

void decide(Work& work, const std::string& id, Instant& again) {
    const Incident& incident = work.state.incidents.at(id);
    const auto* symptom = find_symptom(work.rules, incident.symptom);
    if (symptom == nullptr) {
        escalate(work, incident, "the runbook no longer has this row");
        return;
    }
    if (rungs_for(*symptom, incident.subject).empty()) {
        if (work.now.at - incident.opened.at < symptom->dwell) {
            again = incident.opened.at + symptom->dwell;
            return;
        }
        if (!incident.decision) {
            Decision none;
            none.id = fmt::format("d-{}", work.state.decisions_made + 1);
            none.incident = id;
            none.symptom = symptom->id;
            none.subject = incident.subject;
            none.lever = "none";
            none.reason = guard_name::no_lever;
            work.record(none);
        }
        escalate(work, incident, "the runbook has no lever for it: a person decides");
        return;
    }
    auto judged = judge_incident(work, incident, *symptom, again);
    if (judged.waits_for_plan) {
        return;
    }
    auto& decision = judged.decision;
    if (!look_once_more(work, incident, *symptom, decision, again)) {
        return;
    }
    const auto* policy = policy_for(work.rules, symptom->id, decision.lever, incident.subject);
    const bool anew = approval_expired(incident, policy, work.now.at);
    if (!anew && incident.decision && same_decision(*incident.decision, decision)) {
        return;
    }
    decision.id = fmt::format("d-{}", work.state.decisions_made + 1);
    work.record(decision);
    if (decision.action == Action::fire) {
        forget_last_look(work.transient, id);
        fire(work, incident, decision);
    } else if (decision.reason == guard_name::attempts || decision.reason == guard_name::evidence) {
        // Without evidence nothing more will be tried either, so the person is called all the same.
        const auto blocking =
            std::ranges::find(decision.guards, guard_name::attempts, &GuardVerdict::guard);
        if (blocking != decision.guards.end() && !blocking->pass) {
            escalate(work, incident, blocking->text);
        }
    }
}

}  // namespace

std::string decision_hash(const Incident& incident, const State& state, const PlanMade* plan) {
    const auto active = state.symptoms.find({incident.symptom, incident.subject});
    nlohmann::json bound;
    bound["incident"] = incident.id;
    bound["evidence"] = active == state.symptoms.end() ? std::string{} : active->second.evidence;
    if (plan != nullptr && plan->ok) {
        bound["lever"] = plan->plan.lever;
        bound["subject"] = plan->plan.subject.text();
        bound["params"] = plan->plan.params;
        bound["target_version"] = plan->plan.target_version;
        bound["resource"] = plan->plan.resource;
        bound["moves"] = plan->plan.moves;
        auto& calls = bound["calls"] = nlohmann::json::array();
        for (const auto& call : plan->plan.calls) {
            calls.push_back({call.method, call.url, call.body});
        }
    }
    return sha256_hex(dump(bound)).substr(0, 16);
}

Decision ask_guards(const GuardInput& input) {
    Decision decision;
    decision.incident = input.incident.id;
    decision.symptom = input.symptom.id;
    decision.subject = input.incident.subject;
    decision.lever = input.rung.lever;
    decision.policy = input.policy == nullptr ? std::string{} : input.policy->id;
    decision.mode = input.ceiling.mode;
    decision.hash = input.hash;
    decision.rung = input.rung.number;
    decision.reason = guard_name::permitted;
    for (const auto& guard : guard_table()) {
        if (guard.needs_permission && (input.lever == nullptr || input.policy == nullptr)) {
            break;
        }
        auto verdict = guard.check(input);
        verdict.guard = guard.name;
        if (!verdict.pass && decision.reason == guard_name::permitted) {
            decision.reason = guard.name;
        }
        decision.guards.push_back(std::move(verdict));
    }
    decision.action = action_for(decision.reason, decision.mode);
    return decision;
}

void record_explained(Work& work, const std::string& incident, const SymptomKey& key) {
    const auto* symptom = find_symptom(work.rules, key.first);
    const auto held = work.state.incidents.find(incident);
    if (symptom == nullptr || held == work.state.incidents.end()) {
        return;
    }
    Decision decision;
    decision.id = fmt::format("d-{}", work.state.decisions_made + 1);
    decision.incident = incident;
    decision.symptom = key.first;
    decision.subject = key.second;
    const auto rungs = rungs_for(*symptom, key.second);
    decision.lever = rungs.empty() ? std::string{} : rungs.front();
    const auto* policy = policy_for(work.rules, key.first, decision.lever, key.second);
    decision.policy = policy == nullptr ? std::string{} : policy->id;
    decision.mode = mode_ceiling(work.rules, work.state, policy,
                                 contract_for(work.rules, decision.lever), work.now.at)
                        .mode;
    decision.action = Action::hold;
    decision.reason = guard_name::explained;
    decision.guards.push_back(
        GuardVerdict{std::string(guard_name::explained), false, incident, "none",
                     fmt::format("{} on {} explains it: its lever comes first",
                                 held->second.symptom, held->second.subject.text())});
    work.record(decision);
}

namespace {

// What every case depends on and no entry announces: how fresh the references are, which windows
// are open.
bool box_turned(Work& work) {
    const auto fresh_from = work.now.at - work.rules.runbook.fresh_for;
    const bool vouched = observer_vouches(work.rules, work.state, fresh_from);
    std::vector<bool> windows;
    for (const auto& window : work.rules.policies.windows) {
        windows.push_back(is_open(window, work.now.wall));
    }
    const bool turned = vouched != work.transient.vouched || windows != work.transient.windows;
    work.transient.vouched = vouched;
    work.transient.windows = std::move(windows);
    return turned;
}

std::set<std::string> take_undecided(Work& work) {
    auto& agenda = work.state.agenda;
    auto ids = std::exchange(agenda.to_decide, {});
    if (box_turned(work) || agenda.all_cases) {
        ids.insert(work.state.index.open_cases.begin(), work.state.index.open_cases.end());
    }
    agenda.all_cases = false;
    return ids;
}

bool can_be_decided(const State& state, const std::string& id) {
    const auto held = state.incidents.find(id);
    return held != state.incidents.end() && held->second.phase == IncidentPhase::open &&
           state.symptoms.contains({held->second.symptom, held->second.subject}) &&
           !has_lever_at_work(state, held->second);
}

}  // namespace

// In the order of their names. What a decision changes for the cases after it, such as a lever that
// uses the last of a budget, they are asked in the same pass; those before it in the next round.
void settle_decisions(Work& work) {
    auto& agenda = work.state.agenda;
    auto ids = take_undecided(work);
    for (auto at = ids.begin(); at != ids.end();) {
        const auto id = *at;
        work.transient.effort.incidents += 1;
        if (can_be_decided(work.state, id)) {
            auto again = Instant::max();
            decide(work, id, again);
            agenda.case_alarms.forget(id);
            if (again != Instant::max()) {
                agenda.case_alarms.wake(id, again);
            }
        } else {
            forget_last_look(work.transient, id);
        }
        const auto& after = agenda.all_cases ? work.state.index.open_cases : agenda.to_decide;
        ids.insert(after.upper_bound(id), after.end());
        at = ids.upper_bound(id);
    }
}

}  // namespace leverd
