// Why: see engine.hpp. The order of the stages is the order of this file's settle(); read it top to
// bottom.
#include "policies/engine.hpp"

#include "policies/apply.hpp"
#include "policies/correlate.hpp"
#include "policies/decide.hpp"
#include "policies/detect.hpp"
#include "policies/fold.hpp"
#include "policies/observer.hpp"
#include "policies/pages.hpp"
#include "policies/verify.hpp"
#include "policies/work.hpp"

#include <algorithm>

namespace leverd {
namespace {

// How finely the engine tells time while anything is open.
constexpr Millis open_tick{250};
constexpr Millis quiet_tick{30'000};
constexpr int rounds_max = 16;

bool is_busy(const State& state) {
    const bool incident_open = std::ranges::any_of(state.incidents, [](const auto& item) {
        return item.second.phase != IncidentPhase::closed;
    });
    const bool lever_open = std::ranges::any_of(
        state.intents, [](const auto& item) { return item.second.phase != IntentPhase::done; });
    return incident_open || lever_open || !state.tripped.empty() || !state.symptoms.empty() ||
           !state.observer.trusted || !state.pages.empty();
}

// Runs the stages until a round adds nothing: closing one incident may open another.
void settle(Work& work) {
    for (int round = 0; round < rounds_max; ++round) {
        const auto before = work.turn.entries.size();
        settle_observer(work);
        settle_symptoms(work);
        settle_incidents(work);
        settle_verdicts(work);
        settle_decisions(work);
        close_incidents(work);
        if (work.turn.entries.size() == before) {
            break;
        }
    }
    settle_pages(work);
}

// A subject that nobody has seen for long is forgotten, but not before this process had time to
// look itself.
void sweep(Work& work) {
    const auto limit = work.rules.runbook.gone_after;
    if (work.now.at - work.transient.resumed < limit ||
        work.now.at - work.transient.swept < quiet_tick) {
        return;
    }
    work.transient.swept = work.now.at;
    std::erase_if(work.state.subjects, [&](const auto& item) {
        return work.now.at - item.second.last_seen > limit && item.second.detectors.empty();
    });
}

struct Receive {
    Work& work;

    void operator()(const Tick&) { sweep(work); }
    // A lever's own look that ended after the verdict speaks about nothing any more.
    bool comes_too_late(const Observation& seen) const {
        constexpr std::string_view prefix = "lever:";
        return seen.probe.starts_with(prefix) &&
               std::ranges::none_of(work.state.intents, [&](const auto& item) {
                   return item.second.phase != IntentPhase::done &&
                          item.second.intent.lever == seen.probe.substr(prefix.size()) &&
                          item.second.intent.subject == seen.subject;
               });
    }
    void operator()(const Observation& seen) {
        if (comes_too_late(seen)) {
            return;
        }
        const bool self = seen.subject.text() == self_subject && seen.probe == self_probe;
        const auto look = self ? judge_self(work.rules.policies.observer, seen) : seen;
        const auto held = work.state.subjects.find(look.subject);
        Observed entry{look, 0, {}};
        if (held != work.state.subjects.end() && held->second.looks.contains(look.probe)) {
            entry.repeats = held->second.repeats.at(look.probe);
            entry.previous_until = held->second.looks.at(look.probe).seen.at;
        }
        if (fold(work.rules, work.state, look)) {
            work.turn.entries.push_back(Entry{work.now, std::move(entry)});
        }
        if (change_pending(work.rules, work.state, look)) {
            work.ask(LookAgain{look.subject, look.probe});
        }
    }
    void operator()(const PlanResult& result) {
        const auto incident = work.state.incidents.find(result.incident);
        if (incident == work.state.incidents.end()) {
            return;
        }
        const auto* symptom = find_symptom(work.rules, incident->second.symptom);
        PlanMade made{result.incident, result.ok, result.problem, result.plan};
        if (!result.ok && symptom != nullptr) {
            made.plan = Plan{};
            made.plan.lever = lever_for(*symptom, incident->second.subject);
            made.plan.subject = incident->second.subject;
        }
        const auto& held = incident->second.plan;
        if (!held || held->ok != made.ok || held->problem != made.problem ||
            held->plan != made.plan) {
            work.record(std::move(made));
        }
    }
    void operator()(const Outcome& outcome) {
        const auto held = work.state.intents.find(outcome.intent);
        if (held != work.state.intents.end() && held->second.phase == IntentPhase::in_flight) {
            work.record(outcome);
        }
    }
    void operator()(const Settled& settled) {
        const auto held = work.state.intents.find(settled.intent);
        const bool ambiguous =
            held != work.state.intents.end() && held->second.phase == IntentPhase::ambiguous;
        const bool news =
            ambiguous && (!held->second.settled || held->second.settled->took != settled.took ||
                          held->second.settled->detail != settled.detail);
        if (news) {
            work.record(settled);
        }
    }
    void operator()(const ApprovalGiven& given) {
        for (const auto& [id, incident] : work.state.incidents) {
            const bool open = incident.phase == IncidentPhase::open && incident.decision &&
                              incident.decision->id == given.decision &&
                              incident.decision->hash == given.hash &&
                              incident.decision->action == Action::ask;
            if (open) {
                work.record(
                    Approval{given.decision, given.hash, given.approved, given.who, given.why});
                return;
            }
        }
    }
    void operator()(const StopCommand& command) {
        if (work.state.stop.stopped != command.stopped) {
            work.record(StopSet{command.stopped, command.who, command.why});
        }
    }
    void operator()(const LedgerHealth& health) { work.state.ledger_writable = health.writable; }
};

}  // namespace

Engine::Engine(Rules rules) : rules_(std::move(rules)) {}

void Engine::restore(const Entry& entry) {
    apply(rules_, state_, entry);
}

Turn Engine::resume(const Started& started, Now now) {
    transient_ = Transient{};
    transient_.resumed = now.at;
    Work work{rules_, state_, transient_, now, {}};
    work.record(started);
    std::vector<std::string> open;
    for (const auto& [id, held] : state_.intents) {
        if (held.phase == IntentPhase::in_flight) {
            open.push_back(id);
        }
    }
    for (const auto& id : open) {
        work.record(
            Outcome{id,
                    OutcomeKind::unknown,
                    "leverd ended before the outcome was known; the target is looked at, the "
                    "call is not repeated",
                    {}});
    }
    for (const auto& [key, page] : state_.pages) {
        work.ask(SendPage{page});
    }
    settle(work);
    return std::move(work.turn);
}

Turn Engine::on(const Event& event, Now now) {
    Work work{rules_, state_, transient_, now, {}};
    transient_.last_turn = now.at;
    const bool busy = is_busy(state_);
    std::visit(Receive{work}, event);
    if (busy || is_busy(state_) || !work.turn.entries.empty()) {
        settle(work);
    }
    return std::move(work.turn);
}

std::optional<Instant> Engine::next_wake() const {
    return transient_.last_turn + (is_busy(state_) ? open_tick : quiet_tick);
}

Turn Engine::reload(Rules rules, Now now) {
    rules_ = std::move(rules);
    Work work{rules_, state_, transient_, now, {}};
    work.transient.plan_asked.clear();
    work.record(ConfigLoaded{rules_.config_hash});
    settle(work);
    return std::move(work.turn);
}

}  // namespace leverd
