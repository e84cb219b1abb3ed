// Why: see verify.hpp.
#include "policies/verify.hpp"

#include "policies/detect.hpp"
#include "policies/losses.hpp"
#include "policies/topology.hpp"
#include "policies/undo.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

constexpr Millis observe_every{2'000};
// Longer than any call may take. A lever whose outcome got lost inside this process must not hold
// its subject for ever; what became of the call is then settled by looking, as after a crash.
constexpr Millis in_flight_most{1'800'000};

bool speaks_about(const Rules& rules, const State& state, const IntentState& held,
                  const ProofStep& step, const Observation& look) {
    const auto& target = held.intent.subject;
    switch (step.who) {
        case ProofStep::Who::lever:
            return look.probe == "lever:" + held.intent.lever && look.subject == target;
        case ProofStep::Who::target:
            return look.probe == step.probe && look.subject == target;
        case ProofStep::Who::fresh_child: {
            const auto child = state.subjects.find(look.subject);
            return look.probe == step.probe && child != state.subjects.end() &&
                   child->second.first_seen > held.fired.at &&
                   is_ancestor(rules.runbook, state, target, look.subject);
        }
        case ProofStep::Who::cleared:
            return false;
    }
    return false;
}

bool started_anew(const IntentState& held, const ProofStep& step, const Observation& look) {
    const auto before = held.facts_before.find(step.reset_fact);
    const auto now = look.facts.find(step.reset_fact);
    return before != held.facts_before.end() && now != look.facts.end() &&
           now->second < before->second;
}

void count_look(const ProofStep& step, const Observation& look, ProofProgress& progress) {
    if (look.health == Health::unknown) {
        return;
    }
    const auto fact = look.facts.find(step.needs_fact);
    const bool has_fact =
        step.needs_fact.empty() || (fact != look.facts.end() && fact->second >= 1.0);
    if (look.health != Health::healthy || !has_fact) {
        progress.looks = 0;
        return;
    }
    if (progress.looks == 0) {
        progress.first = look.seen.at;
    }
    progress.looks += 1;
    progress.last = look.seen.at;
}

const LeverContract* contract_of(const Rules& rules, const IntentState& held) {
    const auto found = rules.levers.find(held.intent.lever);
    return found == rules.levers.end() ? nullptr : &found->second;
}

// As it was when it fired: a policy that is changed or removed meanwhile does not move the end.
Millis verify_timeout(const Rules& rules, const State& state, const IntentState& held) {
    if (held.intent.verify_timeout > Millis{0}) {
        return held.intent.verify_timeout;
    }
    const auto incident = state.incidents.find(held.intent.incident);
    return incident != state.incidents.end() && incident->second.decision
               ? verify_timeout_of(rules, incident->second.decision->policy)
               : Limits{}.verify_timeout;
}

// Only the reason: what a look says beyond it is not kept by the ledger.
std::string last_said(const State& state, const IntentState& held) {
    const auto* look = failing_own_look(state, held);
    return look == nullptr ? std::string{}
                           : fmt::format(" (it said: {})", describe(look->reason).text);
}

std::string missing_proof(const State& state, const LeverContract& contract,
                          const IntentState& held) {
    if (contract.proof.empty()) {
        return "a proof to judge it by: this lever names none";
    }
    std::string missing;
    for (std::size_t i = 0; i < contract.proof.size(); ++i) {
        const auto& step = contract.proof[i];
        if (i < held.proof.size() && step_done(state, held, step, held.proof[i])) {
            continue;
        }
        std::string what;
        switch (step.who) {
            case ProofStep::Who::lever:
                what = fmt::format("{} good looks of the lever's own check{}", step.looks,
                                   last_said(state, held));
                break;
            case ProofStep::Who::target:
                what = fmt::format("{} good looks of {}", step.looks, step.probe);
                break;
            case ProofStep::Who::fresh_child:
                what = fmt::format("a good look of {} at something provisioned since", step.probe);
                break;
            case ProofStep::Who::cleared:
                what = "the symptom to clear";
                break;
        }
        missing += (missing.empty() ? "" : "; ") + what;
    }
    return missing;
}

std::string proof_note(const LeverContract& contract, const IntentState& held) {
    for (const auto& step : contract.proof) {
        if (!step.reset_fact.empty() && !held.facts_before.contains(step.reset_fact)) {
            return fmt::format("; no {} from before was known, so the restart itself is not proven",
                               step.reset_fact);
        }
    }
    return {};
}

void ask_looks(Work& work, const IntentState& held, const LeverContract& contract) {
    for (const auto& step : contract.proof) {
        if (step.who == ProofStep::Who::target) {
            work.ask(LookAgain{held.intent.subject, step.probe});
        }
    }
    auto& next = work.transient.prove_next[held.intent.id];
    const bool has_look = std::ranges::any_of(
        contract.proof, [](const auto& step) { return step.who == ProofStep::Who::lever; });
    if (has_look && work.now.at >= next) {
        next = work.now.at + contract.prove_every;
        work.ask(ProveLever{held.intent, held.outcome.value_or(Outcome{})});
    }
}

void give_verdict(Work& work, const IntentState& held, VerdictKind kind, std::string why) {
    const auto intent = held.intent;
    const auto outcome = held.outcome;
    work.record(Verdict{intent.id, kind, std::move(why)});
    work.transient.prove_next.erase(intent.id);
    work.transient.observe_next.erase(intent.id);
    work.transient.plan_asked.erase(intent.incident);
    const auto incident = work.state.incidents.find(intent.incident);
    const bool replaced = outcome && outcome->results.contains("replaced_by");
    if (kind == VerdictKind::recovered && replaced && incident != work.state.incidents.end() &&
        work.state.symptoms.contains({incident->second.symptom, incident->second.subject})) {
        work.record(SymptomCleared{incident->second.symptom, incident->second.subject, "replaced"});
    }
    escalate_loss(work, intent.id);
    escalate_replacement(work, intent.id);
}

bool means_failing(const Rules& rules, const std::string& signal) {
    return std::ranges::any_of(rules.runbook.signals, [&](const Signal& rule) {
        return rule.id == signal &&
               std::ranges::find(rule.bad_health, Health::failing) != rule.bad_health.end();
    });
}

// What broke since the lever's effect could show: the subject fails where it only was degraded, or
// at least twice as many others below it fail as before, two or more.
std::string what_got_worse(const Rules& rules, const State& state, const IntentState& held,
                           Instant from) {
    const auto& subject = held.intent.subject;
    std::set<Subject> others_before;
    bool failed_before = false;
    for (const auto& [signal, about] : held.tripped_before) {
        if (about != subject) {
            others_before.insert(about);
        } else {
            failed_before = failed_before || means_failing(rules, signal);
        }
    }
    std::set<Subject> others_new;
    for (auto at = state.index.trips.lower_bound({from, RunKey{}}); at != state.index.trips.end();
         ++at) {
        const auto& key = at->second;
        const auto& [signal, about] = key;
        if (held.tripped_before.contains(key) ||
            (about != subject && !is_ancestor(rules.runbook, state, subject, about))) {
            continue;
        }
        if (about != subject && !others_before.contains(about)) {
            others_new.insert(about);
        } else if (about == subject && !failed_before && means_failing(rules, signal)) {
            return fmt::format("{} fails now, before it only was degraded ({})", subject.text(),
                               signal);
        }
    }
    if (others_new.size() >= std::max<std::size_t>(2, others_before.size())) {
        return fmt::format("{} more below it fail since, {} did before, e.g. {}", others_new.size(),
                           others_before.size(), others_new.begin()->text());
    }
    return {};
}

// Still there by a look that could judge it, taken since the effect could show. Without one nobody
// knows, and a next rung on absent data would be a guess.
bool seen_to_persist(const Rules& rules, const State& state, const IntentState& held,
                     Instant from) {
    const auto incident = state.incidents.find(held.intent.incident);
    if (incident == state.incidents.end()) {
        return false;
    }
    const auto& [id, case_] = *incident;
    const auto* symptom = find_symptom(rules, case_.symptom);
    if (symptom == nullptr || !state.symptoms.contains({case_.symptom, case_.subject})) {
        return false;
    }
    const auto newest = evidence_time(rules, state, *symptom, case_.subject, Instant::min());
    return newest && *newest >= from;
}

void settle_one(Work& work, const IntentState& held) {
    const auto* contract = contract_of(work.rules, held);
    if (contract == nullptr) {
        give_verdict(work, held, VerdictKind::inconclusive, "this lever is no longer known");
        return;
    }
    // An ambiguous end counts from when it was known as one: after a long absence the target is
    // still looked at first.
    const auto from = held.ended.at;
    const auto deadline =
        from + contract->propagation + verify_timeout(work.rules, work.state, held);
    if (held.phase == IntentPhase::ambiguous) {
        auto& next = work.transient.observe_next[held.intent.id];
        if (work.now.at >= deadline) {
            give_verdict(
                work, held, VerdictKind::inconclusive,
                "nobody could tell whether the call took effect: look at the target by hand");
        } else if (work.now.at >= next) {
            next = work.now.at + observe_every;
            work.ask(ObserveLever{held.intent, held.fired});
        }
        return;
    }
    const auto missing = missing_proof(work.state, *contract, held);
    if (missing.empty()) {
        give_verdict(
            work, held, VerdictKind::recovered,
            "every proof was seen after the propagation delay" + proof_note(*contract, held));
    } else if (auto worse =
                   what_got_worse(work.rules, work.state, held, from + contract->propagation);
               !worse.empty()) {
        give_verdict(work, held, VerdictKind::worse, std::move(worse));
        begin_undo(work, held.intent);
    } else if (work.now.at >= deadline) {
        // Its own look at what it made counts as well as one at the subject, which may be gone.
        const auto shows = from + contract->propagation;
        const auto* own = failing_own_look(work.state, held);
        const bool persists = (own != nullptr && own->seen.at >= shows) ||
                              seen_to_persist(work.rules, work.state, held, shows);
        give_verdict(work, held, persists ? VerdictKind::not_recovered : VerdictKind::inconclusive,
                     "still missing: " + missing);
    } else if (work.now.at >= from + contract->propagation) {
        ask_looks(work, held, *contract);
    }
}

}  // namespace

const LookState* failing_own_look(const State& state, const IntentState& held) {
    const auto subject = state.subjects.find(held.intent.subject);
    if (held.phase != IntentPhase::verifying || subject == state.subjects.end()) {
        return nullptr;
    }
    const auto* look = subject->second.looks.find("lever:" + held.intent.lever);
    const bool failing =
        look != nullptr && look->health == Health::failing && look->seen.at >= held.ended.at;
    return failing ? look : nullptr;
}

bool step_done(const State& state, const IntentState& held, const ProofStep& step,
               const ProofProgress& progress) {
    if (step.who == ProofStep::Who::cleared) {
        const auto incident = state.incidents.find(held.intent.incident);
        return incident != state.incidents.end() &&
               !state.symptoms.contains({incident->second.symptom, incident->second.subject});
    }
    const bool reset = step.reset_fact.empty() || progress.reset_seen ||
                       !held.facts_before.contains(step.reset_fact);
    return reset && progress.looks >= step.looks && progress.last - progress.first >= step.spread;
}

bool advance_proofs(const Rules& rules, State& state, const Observation& look) {
    bool moved = false;
    for (const auto& id : state.index.at_work) {
        auto& held = state.intents.at(id);
        const auto* contract = contract_of(rules, held);
        if (contract == nullptr) {
            continue;
        }
        for (std::size_t i = 0; i < contract->proof.size() && i < held.proof.size(); ++i) {
            const auto& step = contract->proof[i];
            if (!speaks_about(rules, state, held, step, look)) {
                continue;
            }
            const ProofProgress before = held.proof[i];
            held.proof[i].reset_seen = before.reset_seen || started_anew(held, step, look);
            const bool counts = held.phase == IntentPhase::verifying &&
                                look.seen.at >= held.ended.at + contract->propagation;
            if (counts && !step_done(state, held, step, held.proof[i])) {
                count_look(step, look, held.proof[i]);
            } else if (counts && look.health == Health::failing) {
                held.proof[i].looks = 0;
            }
            moved = moved || !(before == held.proof[i]);
        }
    }
    return moved;
}

std::map<std::string, double> facts_before(const Rules& rules, const State& state,
                                           const Intent& intent) {
    std::map<std::string, double> known;
    const auto contract = rules.levers.find(intent.lever);
    const auto subject = state.subjects.find(intent.subject);
    if (contract == rules.levers.end() || subject == state.subjects.end()) {
        return known;
    }
    for (const auto& step : contract->second.proof) {
        const auto fact = subject->second.last_facts.find(step.reset_fact);
        if (fact != subject->second.last_facts.end()) {
            known[step.reset_fact] = fact->second;
        }
    }
    return known;
}

std::set<std::pair<std::string, Subject>> tripped_in_scope(const State& state,
                                                           const Subject& subject) {
    std::set<std::pair<std::string, Subject>> found;
    const auto collect = [&](const Subject& about) {
        const auto held = state.subjects.find(about);
        if (held == state.subjects.end()) {
            return;
        }
        for (const auto& [signal, run] : held->second.detectors) {
            if (run.raised) {
                found.emplace(signal, about);
            }
        }
    };
    collect(subject);
    const auto below = state.index.uneasy_below.find(subject);
    if (below != state.index.uneasy_below.end()) {
        std::ranges::for_each(below->second, collect);
    }
    return found;
}

Millis verify_timeout_of(const Rules& rules, const std::string& policy) {
    const auto found = std::ranges::find(rules.policies.policies, policy, &Policy::id);
    return found == rules.policies.policies.end() ? Limits{}.verify_timeout
                                                  : found->limits.verify_timeout;
}

void settle_verdicts(Work& work) {
    std::vector<std::string> open;
    std::vector<std::string> lost;
    for (const auto& id : work.state.index.at_work) {
        const auto& held = work.state.intents.at(id);
        if (held.phase == IntentPhase::verifying || held.phase == IntentPhase::ambiguous) {
            open.push_back(id);
        } else if (held.phase == IntentPhase::in_flight &&
                   work.now.at - held.fired.at >= in_flight_most) {
            lost.push_back(id);
        }
    }
    for (const auto& id : lost) {
        work.record(Outcome{id,
                            OutcomeKind::unknown,
                            fmt::format("no outcome came back within {}; the target is looked at, "
                                        "the call is not repeated",
                                        format_duration(in_flight_most)),
                            {}});
    }
    for (const auto& id : open) {
        const IntentState held = work.state.intents.at(id);
        settle_one(work, held);
    }
}

}  // namespace leverd
