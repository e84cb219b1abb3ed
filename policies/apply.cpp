// Why: see apply.hpp.
#include "policies/apply.hpp"

#include "core/model/codec.hpp"
#include "policies/fold.hpp"
#include "policies/observer.hpp"
#include "policies/silence.hpp"
#include "policies/state/left_out.hpp"
#include "policies/state/page_book.hpp"
#include "policies/state/page_news.hpp"
#include "policies/state/touch.hpp"
#include "policies/topology.hpp"
#include "policies/verify.hpp"

#include <algorithm>
#include <utility>

namespace leverd {
namespace {

constexpr std::size_t record_kept = 50;

template <class T>
void keep_newest(std::deque<T>& values, T value) {
    values.push_back(std::move(value));
    if (values.size() > record_kept) {
        values.pop_front();
    }
}

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
    void enter(IntentState& held, IntentPhase phase) {
        const auto is_open = [](IntentPhase one) { return one == IntentPhase::done ? 0 : 1; };
        state.intents_open += is_open(phase) - is_open(held.phase);
        held.phase = phase;
        if (phase == IntentPhase::done) {
            state.index.at_work.erase(held.intent.id);
        }
        touch_lever(held.intent);
    }
    // Levers are few, and each is in the way of every other: budgets, blast radius, breaker.
    void touch_lever(const Intent& intent) {
        state.agenda.all_cases = true;
        state.agenda.lever_news = true;
        if (state.incidents.contains(intent.incident)) {
            state.agenda.touch_case(intent.incident);
        }
    }
    void link(const std::string& id, const SymptomKey& key) {
        if (auto* held = incident(id)) {
            held->linked.insert(key);
        }
        if (const auto active = state.symptoms.find(key); active != state.symptoms.end()) {
            const auto from = std::exchange(active->second.incident, id);
            note_link(state, key, from, id);
            touch_rows_below(key.second);
        }
    }
    // What waits below for others to be healthy has its explanation now.
    void touch_rows_below(const Subject& subject) {
        const auto below = state.index.uneasy_below.find(subject);
        if (below != state.index.uneasy_below.end()) {
            for (const auto& other : below->second) {
                touch_direct_rows(rules, state, other);
            }
        }
    }

    void operator()(const Started& e) {
        state.config_hash = e.config_hash;
        state.started = now;
        state.bridge = TimeBridge{now, e.away, e.proven};
        note_absence(state, now.at, e.proven);
        if (e.first) {
            state.history.first = now;
        }
    }
    void operator()(const ConfigLoaded& e) { state.config_hash = e.hash; }
    void operator()(const Observed& e) {
        const auto held = state.subjects.find(e.observation.subject);
        const auto* last = held == state.subjects.end() || e.runs.empty()
                               ? nullptr
                               : held->second.looks.find(e.observation.probe);
        const auto previous = last == nullptr ? e.observation.seen.at : last->seen.at;
        fold(rules, state, e.observation);
        if (!e.runs.empty()) {
            take_runs(rules, state, e, previous);
        }
    }
    void operator()(const SymptomRaised& e) {
        const SymptomKey key{e.symptom, e.subject};
        forget_link(key);
        note_cause(state, key, Now{});
        state.symptoms[key] = ActiveSymptom{now, e.evidence, {}};
        note_symptom(rules, state, key, true);
    }
    void operator()(const SymptomCleared& e) {
        const SymptomKey key{e.symptom, e.subject};
        forget_link(key);
        note_cause(state, key, now);
        state.symptoms.erase(key);
        note_symptom(rules, state, key, false);
    }
    void forget_link(const SymptomKey& key) {
        const auto active = state.symptoms.find(key);
        if (active != state.symptoms.end() && !active->second.incident.empty()) {
            note_link(state, key, std::exchange(active->second.incident, {}), {});
        }
    }
    void operator()(const IncidentOpened& e) {
        Incident made;
        made.id = e.incident;
        made.symptom = e.symptom;
        made.subject = e.subject;
        made.opened = now;
        state.incidents[e.incident] = std::move(made);
        state.incidents_made += 1;
        state.incidents_open += 1;
        note_opened(rules, state, e.incident);
        link(e.incident, {e.symptom, e.subject});
    }
    void operator()(const IncidentLinked& e) { link(e.incident, {e.symptom, e.subject}); }
    void operator()(const IncidentClosed& e) {
        if (auto* held = incident(e.incident)) {
            if (held->phase == IncidentPhase::closed) {
                state.index.closed_cases.erase({held->closed.at, e.incident});
            } else {
                state.incidents_open -= 1;
            }
            held->phase = IncidentPhase::closed;
            held->closed = now;
            held->end = e.end;
            held->absorbed_into = e.into;
            note_closed(rules, state, e.incident);
            close_in_group(state, e.incident, now);
        }
        if (const auto linked = state.index.linked_to.find(e.incident);
            linked != state.index.linked_to.end()) {
            const auto keys = linked->second;
            for (const auto& key : keys) {
                state.symptoms.at(key).incident = e.into;
                note_link(state, key, e.incident, e.into);
            }
        }
        learn_baseline(e);
        drop_old_incidents();
    }
    // What a symptom does when no lever of ours was used on it.
    void learn_baseline(const IncidentClosed& e) {
        const auto* held = incident(e.incident);
        if (held == nullptr || !held->intents.empty() || e.end == "absorbed" || e.end == "gone" ||
            e.end == "rule_gone" || held->symptom == by_hand_symptom) {
            return;
        }
        state.agenda.records_news = true;
        auto& baseline = state.baselines[held->symptom];
        baseline.cases += 1;
        if (held->phase == IncidentPhase::closed && held->escalated_why.empty()) {
            baseline.healed += 1;
            keep_newest(baseline.to_green,
                        std::chrono::duration_cast<Millis>(now.at - held->opened.at));
        }
    }
    void operator()(const Acknowledged& e) {
        if (auto* held = incident(e.incident)) {
            held->acknowledged = e;
            held->acknowledged_at = now;
            state.agenda.touch_case(e.incident);
        }
    }
    void operator()(const IncidentEscalated& e) {
        if (auto* held = incident(e.incident)) {
            held->phase = IncidentPhase::escalated;
            held->escalated_why = e.why;
            state.agenda.touch_case(e.incident);
        }
    }
    void operator()(const PlanMade& e) {
        if (auto* held = incident(e.incident)) {
            held->plan = e;
            held->planned = now;
            state.agenda.touch_case(e.incident);
        }
    }
    void operator()(const Decision& e) {
        state.decisions_made += 1;
        state.decision_counts[{e.symptom, e.lever, std::string(to_string(e.mode)), e.reason}] += 1;
        auto* held = incident(e.incident);
        // A linked symptom's decision names the incident that explains it and is not that
        // incident's own.
        if (held != nullptr && held->symptom == e.symptom && held->subject == e.subject) {
            if (held->decision) {
                state.index.case_of.erase(held->decision->id);
            }
            state.index.case_of[e.id] = e.incident;
            state.agenda.touch_case(e.incident);
            held->decision = e;
            held->decided = now;
            if (held->approval && held->approval->hash != e.hash) {
                held->approval.reset();
            }
        }
    }
    void operator()(const Approval& e) {
        const auto known = state.index.case_of.find(e.decision);
        auto* held = known == state.index.case_of.end() ? nullptr : incident(known->second);
        if (held == nullptr) {
            return;
        }
        held->approval = e;
        held->approved = now;
        state.agenda.touch_case(held->id);
        if (!e.approved) {
            state.records[{held->symptom, held->decision->lever}].in_a_row = 0;
            state.agenda.records_news = true;
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
        state.intents_open += 1;
        state.index.at_work.insert(e.id);
        if (!e.undoes.empty()) {
            state.index.undone.insert(e.undoes);
        }
        touch_lever(e);
        state.intents[e.id].tripped_before = tripped_in_scope(state, e.subject);
        const auto* owner = incident(e.incident);
        state.firings.push_back(Firing{now.at, e.id, e.incident,
                                       owner == nullptr ? std::string{} : owner->symptom, e.lever,
                                       e.subject, e.plan.resource});
        while (!state.firings.empty() && now.at - state.firings.front().at > firings_kept) {
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
        enter(*held, sent                             ? IntentPhase::verifying
                     : e.kind == OutcomeKind::unknown ? IntentPhase::ambiguous
                                                      : IntentPhase::done);
        if (held->phase == IntentPhase::done) {
            forget_moves(*held);
        }
        // Refused means that nothing was sent: it costs neither cool-down nor attempt nor budget.
        if (e.kind == OutcomeKind::refused) {
            std::erase_if(state.firings, [&](const auto& one) { return one.intent == e.intent; });
        }
    }
    void operator()(const Settled& e) {
        auto* held = intent(e.intent);
        if (held == nullptr) {
            return;
        }
        held->settled = e;
        touch_lever(held->intent);
        if (e.took == Took::yes) {
            enter(*held, IntentPhase::verifying);
            held->ended = now;
        } else if (e.took == Took::no) {
            enter(*held, IntentPhase::done);
            held->ended = now;
            forget_moves(*held);
        }
    }
    // Nothing moved, so a drift to that version is not ours.
    void forget_moves(const IntentState& held) {
        for (const auto& [subject, version] : held.intent.plan.moves) {
            state.own_moves.erase(subject);
        }
    }
    void operator()(const Verdict& e) {
        if (auto* held = intent(e.intent)) {
            held->verdict = e;
            held->judged = now;
            if (e.kind == VerdictKind::worse) {
                state.index.worse.insert(e.intent);
            }
            enter(*held, IntentPhase::done);
            forget_lever_looks(held->intent);
            learn_effect(*held, e.kind);
        }
    }
    void learn_effect(const IntentState& held, VerdictKind kind) {
        const auto* owner = incident(held.intent.incident);
        // What a person chose to do says nothing about leverd's own judgement.
        if (owner == nullptr || !held.intent.undoes.empty() || owner->symptom == by_hand_symptom) {
            return;
        }
        state.agenda.records_news = true;
        auto& record = state.records[{owner->symptom, held.intent.lever}];
        keep_newest(record.verdicts, std::pair{now.at, kind});
        record.in_a_row = kind == VerdictKind::recovered ? record.in_a_row + 1 : 0;
        if (kind == VerdictKind::recovered) {
            keep_newest(record.to_green,
                        std::chrono::duration_cast<Millis>(now.at - owner->opened.at));
        }
    }
    void operator()(const StopSet& e) {
        state.stop = StopSwitch{e.stopped, e.who, e.why, now, e.until};
        state.agenda.touch_box();
    }
    void operator()(const VetoSet& e) {
        state.vetoes[e.id] = Veto{e, now};
        state.vetoes_made += 1;
        state.agenda.touch_box();
        // A person who takes a subject out of leverd's hands does not trust what it did there.
        if (e.who == own_name) {
            return;
        }
        for (const auto& firing : state.firings) {
            const bool meant = (e.lever.empty() || e.lever == firing.lever) &&
                               subject_matches(e.subjects, firing.subject) &&
                               now.at - firing.at < std::chrono::hours{24};
            if (meant) {
                state.records[{firing.symptom, firing.lever}].in_a_row = 0;
                state.agenda.records_news = true;
            }
        }
    }
    void operator()(const VetoLifted& e) {
        state.vetoes.erase(e.id);
        state.agenda.touch_box();
    }
    void operator()(const FlapChanged& e) {
        if (e.flapping) {
            state.flapping.insert({e.signal, e.subject});
        } else {
            state.flapping.erase({e.signal, e.subject});
        }
        state.agenda.flaps.insert({e.signal, e.subject});
        touch_cases_around(rules, state, e.subject);
    }
    void operator()(const BreakerChanged& e) {
        state.breaker = Breaker{e.phase, e.allowed, e.why, now};
        state.agenda.touch_box();
    }
    void operator()(const AutonomyChanged& e) {
        state.autonomy[e.policy] = Autonomy{e.earned, e.why, now};
        state.agenda.touch_box();
    }
    void operator()(const Diagnosed& e) {
        if (auto* held = intent(e.intent)) {
            held->diagnosed = e;
        }
    }
    void operator()(const KnownGood& e) {
        state.known_good[e.subject] = GoodVersion{e.version, now};
    }
    // Both are about the ledger's rows and say nothing new about the world.
    void operator()(const Snapshotted&) {}
    void operator()(const Compacted&) {}
    void operator()(const HistoryDoubted& e) {
        state.history.doubted = true;
        state.history.why = e.why;
        state.history.since = now;
    }
    void operator()(const HistoryAccepted& e) {
        state.history.doubted = false;
        state.history.accepted = state.history.why;
        state.history.why = e.why;
        state.history.since = now;
    }
    void operator()(const BlindChanged& e) {
        if (e.blind) {
            state.blind[e.what] = Blindness{e.since, e.why};
        } else {
            state.blind.erase(e.what);
        }
    }
    void operator()(const ObserverChanged& e) {
        state.observer.trusted = e.trusted;
        state.observer.why = e.why;
        state.observer.since = now;
        state.agenda.touch_box();
        if (e.trusted) {
            state.observer.doubt_ended = now.at;
        } else {
            state.observer.doubt_began = now.at - held_up(state);
            forget_unraised_runs(rules, state);
        }
    }
    void operator()(const Paged& e) { keep_page(state, e, now.at); }
    void operator()(const PageJoined& e) { join_page(state, e, now.at); }

    // The lever's own looks said what they had to say; as a state of the subject they would be
    // stale.
    void forget_lever_looks(const Intent& done) {
        const auto subject = state.subjects.find(done.subject);
        if (subject == state.subjects.end()) {
            return;
        }
        subject->second.looks.erase("lever:" + done.lever);
        if (subject->second.looks.empty()) {
            drop_subject(rules, state, done.subject);
        } else {
            note_sight(rules, state, done.subject, subject->second, now.at);
        }
    }

    void drop_old_incidents() {
        auto& closed = state.index.closed_cases;
        while (closed.size() > closed_incidents_kept) {
            const auto id = closed.begin()->second;
            note_dropped(state, id);
            for (const auto& intent : state.incidents.at(id).intents) {
                state.intents.erase(intent);
            }
            leave_group(state, id);
            state.incidents.erase(id);
        }
    }
};

}  // namespace

void apply(const Rules& rules, State& state, const Entry& entry) {
    std::visit(Apply{rules, state, entry.now}, entry.body);
    note_page_news(state, entry);
}

}  // namespace leverd
