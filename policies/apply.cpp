// Why: see apply.hpp.
#include "policies/apply.hpp"

#include "core/model/codec.hpp"
#include "policies/fold.hpp"
#include "policies/verify.hpp"

#include <algorithm>

namespace leverd {
namespace {

constexpr auto firings_kept = std::chrono::hours{24};

struct Apply {
    const Rules& rules;
    State& state;
    const Now& now;

    Incident* incident(const std::string& id) {
        const auto found = state.incidents.find(id);
        return found == state.incidents.end() ? nullptr : &found->second;
    }
    IntentState* intent(const std::string& id) {
        const auto found = state.intents.find(id);
        return found == state.intents.end() ? nullptr : &found->second;
    }
    void link(const std::string& id, const SymptomKey& key) {
        if (auto* held = incident(id)) {
            held->linked.insert(key);
        }
        if (const auto active = state.symptoms.find(key); active != state.symptoms.end()) {
            active->second.incident = id;
        }
    }

    void operator()(const Started& e) {
        state.config_hash = e.config_hash;
        state.started = now;
    }
    void operator()(const ConfigLoaded& e) { state.config_hash = e.hash; }
    void operator()(const Observed& e) { fold(rules, state, e.observation); }
    void operator()(const SymptomRaised& e) {
        state.symptoms[{e.symptom, e.subject}] = ActiveSymptom{now, e.evidence, {}};
    }
    void operator()(const SymptomCleared& e) { state.symptoms.erase({e.symptom, e.subject}); }
    void operator()(const IncidentOpened& e) {
        Incident made;
        made.id = e.incident;
        made.symptom = e.symptom;
        made.subject = e.subject;
        made.opened = now;
        state.incidents[e.incident] = std::move(made);
        state.incidents_made += 1;
        link(e.incident, {e.symptom, e.subject});
    }
    void operator()(const IncidentLinked& e) { link(e.incident, {e.symptom, e.subject}); }
    void operator()(const IncidentClosed& e) {
        if (auto* held = incident(e.incident)) {
            held->phase = IncidentPhase::closed;
            held->closed = now;
            held->end = e.end;
            held->absorbed_into = e.into;
        }
        for (auto& [key, active] : state.symptoms) {
            if (active.incident == e.incident) {
                active.incident = e.into;
            }
        }
        drop_old_incidents();
    }
    void operator()(const IncidentEscalated& e) {
        if (auto* held = incident(e.incident)) {
            held->phase = IncidentPhase::escalated;
            held->escalated_why = e.why;
        }
    }
    void operator()(const PlanMade& e) {
        if (auto* held = incident(e.incident)) {
            held->plan = e;
            held->planned = now;
        }
    }
    void operator()(const Decision& e) {
        state.decisions_made += 1;
        state.decision_counts[{e.symptom, e.lever, std::string(to_string(e.mode)), e.reason}] += 1;
        auto* held = incident(e.incident);
        // A linked symptom's decision names the incident that explains it and is not that
        // incident's own.
        if (held != nullptr && held->symptom == e.symptom && held->subject == e.subject) {
            held->decision = e;
            held->decided = now;
            if (held->approval && held->approval->hash != e.hash) {
                held->approval.reset();
            }
        }
    }
    void operator()(const Approval& e) {
        for (auto& [id, held] : state.incidents) {
            if (held.decision && held.decision->id == e.decision) {
                held.approval = e;
            }
        }
    }
    void operator()(const Intent& e) {
        IntentState made;
        made.intent = e;
        made.fired = now;
        made.facts_before = facts_before(rules, state, e);
        if (const auto contract = rules.levers.find(e.lever); contract != rules.levers.end()) {
            made.proof.resize(contract->second.proof.size());
        }
        state.intents[e.id] = std::move(made);
        state.intents_made += 1;
        state.last_fired[{e.lever, e.subject}] = now.at;
        state.firings.emplace_back(now.at, std::pair{e.lever, e.subject});
        while (!state.firings.empty() && now.at - state.firings.front().first > firings_kept) {
            state.firings.pop_front();
        }
        for (const auto& [subject, version] : e.plan.moves) {
            state.own_moves[subject] = version;
        }
        if (auto* held = incident(e.incident)) {
            held->intents.push_back(e.id);
            held->approval.reset();
        }
    }
    void operator()(const Outcome& e) {
        auto* held = intent(e.intent);
        if (held == nullptr) {
            return;
        }
        held->outcome = e;
        held->ended = now;
        const bool sent = e.kind == OutcomeKind::accepted;
        held->phase = sent                             ? IntentPhase::verifying
                      : e.kind == OutcomeKind::unknown ? IntentPhase::ambiguous
                                                       : IntentPhase::done;
        if (held->phase == IntentPhase::done) {
            for (const auto& [subject, version] : held->intent.plan.moves) {
                state.own_moves.erase(subject);
            }
        }
    }
    void operator()(const Settled& e) {
        auto* held = intent(e.intent);
        if (held == nullptr) {
            return;
        }
        held->settled = e;
        if (e.took == Took::yes) {
            held->phase = IntentPhase::verifying;
            held->ended = now;
        } else if (e.took == Took::no) {
            held->phase = IntentPhase::done;
            held->ended = now;
        }
    }
    void operator()(const Verdict& e) {
        if (auto* held = intent(e.intent)) {
            held->verdict = e;
            held->judged = now;
            held->phase = IntentPhase::done;
            forget_lever_looks(held->intent);
        }
    }
    void operator()(const StopSet& e) { state.stop = StopSwitch{e.stopped, e.who, e.why, now}; }
    void operator()(const ObserverChanged& e) {
        state.observer.trusted = e.trusted;
        state.observer.why = e.why;
        state.observer.since = now;
        if (e.trusted) {
            state.observer.doubt_ended = now.at;
        } else {
            forget_unraised_runs(rules, state);
        }
    }
    void operator()(const Paged& e) {
        if (e.resolved) {
            state.pages.erase(e.key);
        } else {
            state.pages[e.key] = e;
        }
    }

    // The lever's own looks said what they had to say; as a state of the subject they would be
    // stale.
    void forget_lever_looks(const Intent& done) {
        const auto subject = state.subjects.find(done.subject);
        if (subject == state.subjects.end()) {
            return;
        }
        subject->second.looks.erase("lever:" + done.lever);
        subject->second.repeats.erase("lever:" + done.lever);
        if (subject->second.looks.empty()) {
            state.subjects.erase(subject);
        }
    }

    void drop_old_incidents() {
        std::vector<std::pair<Instant, std::string>> closed;
        for (const auto& [id, held] : state.incidents) {
            if (held.phase == IncidentPhase::closed) {
                closed.emplace_back(held.closed.at, id);
            }
        }
        if (closed.size() <= closed_incidents_kept) {
            return;
        }
        std::ranges::sort(closed);
        const auto surplus = closed.size() - closed_incidents_kept;
        for (std::size_t i = 0; i < surplus; ++i) {
            for (const auto& id : state.incidents[closed[i].second].intents) {
                state.intents.erase(id);
            }
            state.incidents.erase(closed[i].second);
        }
    }
};

}  // namespace

void apply(const Rules& rules, State& state, const Entry& entry) {
    std::visit(Apply{rules, state, entry.now}, entry.body);
}

}  // namespace leverd
