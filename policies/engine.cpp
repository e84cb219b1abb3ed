// Why: see engine.hpp. The order of the stages is the order of this file's settle(); read it top to
// bottom.
#include "policies/engine.hpp"

#include "policies/apply.hpp"
#include "policies/autonomy.hpp"
#include "policies/breaker.hpp"
#include "policies/by_hand.hpp"
#include "policies/correlate.hpp"
#include "policies/decide.hpp"
#include "policies/decide/last_look.hpp"
#include "policies/detect.hpp"
#include "policies/detect/blind.hpp"
#include "policies/flapping.hpp"
#include "policies/fold.hpp"
#include "policies/known_good.hpp"
#include "policies/losses.hpp"
#include "policies/observer.hpp"
#include "policies/page/pages.hpp"
#include "policies/silence.hpp"
#include "policies/state/left_out.hpp"
#include "policies/state/touch.hpp"
#include "policies/switches.hpp"
#include "policies/undo.hpp"
#include "policies/verify.hpp"
#include "policies/work.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

// How finely the engine tells time while anything is open.
constexpr Millis open_tick{250};
constexpr Millis quiet_tick{30'000};
constexpr int rounds_max = 16;

bool is_busy(const State& state) {
    return state.incidents_open > 0 || state.intents_open > 0 || !state.tripped.empty() ||
           !state.symptoms.empty() || !state.observer.trusted || !state.book.open.empty() ||
           !state.flapping.empty() || state.breaker.phase != BreakerPhase::closed ||
           !state.self_reports.empty();
}

// A look that changed nothing, at a subject that no row asks about, can wait for the next Tick.
bool others_wait_for(const Rules& rules, const Observation& look) {
    return look.subject.kind() == reference_kind || look.subject.text() == self_subject ||
           std::ranges::any_of(rules.runbook.symptoms, [&](const Symptom& symptom) {
               return std::ranges::find(symptom.requires_healthy, look.subject) !=
                      symptom.requires_healthy.end();
           });
}

void run_stages(Work& work) {
    settle_switches(work);
    settle_observer(work);
    settle_flapping(work);
    settle_symptoms(work);
    settle_incidents(work);
    settle_verdicts(work);
    settle_undo(work);
    settle_autonomy(work);
    settle_breaker(work);
    settle_decisions(work);
    close_incidents(work);
    settle_known_good(work);
}

// A subject that nobody has seen for long is forgotten, but not before this process had time to
// look itself.
void sweep(Work& work) {
    const auto window = work.rules.runbook.flap.window;
    auto& agenda = work.state.agenda;
    for (const auto& key : agenda.change_alarms.take_due(work.now.at)) {
        const auto held = work.state.changes.find(key);
        if (held == work.state.changes.end()) {
            continue;
        }
        if (work.now.at - held->second.back() > window) {
            work.state.changes.erase(held);
            agenda.flaps.insert(key);
        } else {
            agenda.change_alarms.wake(key, held->second.back() + window + Millis{1});
        }
    }
    const auto limit = work.rules.runbook.gone_after;
    if (work.now.at - work.transient.resumed < limit ||
        work.now.at - work.transient.swept < quiet_tick) {
        return;
    }
    work.transient.swept = work.now.at;
    std::vector<Subject> gone;
    for (const auto& [subject, held] : work.state.subjects) {
        if (work.now.at - held.last_seen > limit && held.detectors.empty() &&
            !is_kept_for_blindness(work.rules.runbook, work.state, subject)) {
            gone.push_back(subject);
        }
    }
    for (const auto& subject : gone) {
        forget_unseen(work.state, subject);
        drop_subject(work.rules, work.state, subject);
    }
}

struct Receive {
    Work& work;

    void operator()(const Tick&) {
        sweep(work);
        settle_silence(work);
    }
    static bool is_self(const Observation& seen) {
        return seen.subject.text() == self_subject && seen.probe == self_probe;
    }
    // A lever's own look that ended after the verdict speaks about nothing any more.
    bool comes_too_late(const Observation& seen) const {
        constexpr std::string_view prefix = "lever:";
        return seen.probe.starts_with(prefix) &&
               std::ranges::none_of(work.state.index.at_work, [&](const auto& id) {
                   const auto& intent = work.state.intents.at(id).intent;
                   return intent.lever == seen.probe.substr(prefix.size()) &&
                          intent.subject == seen.subject;
               });
    }
    void operator()(const Observation& seen) {
        if (comes_too_late(seen)) {
            return;
        }
        if (is_self(seen)) {
            take(judge_self(work.rules.policies.observer, seen));
        } else {
            take(seen);
        }
    }
    // A deadline counts from the last look, so a restart must know nearly when that was; each look
    // of a target that reports every second would be an entry a second.
    bool must_keep(const Observation& look, bool news) {
        if (is_self(look) && work.rules.listened_every > Millis{0} &&
            look.seen.at - work.transient.written >= work.rules.listened_every) {
            return true;
        }
        const auto within = kept_within(work.rules, look.probe, look.subject.kind());
        if (within == Millis{0}) {
            return news;
        }
        auto& kept = work.transient.kept[{look.probe, look.subject}];
        if (!news && kept != Instant{} && look.seen.at - kept < within) {
            return false;
        }
        kept = look.seen.at;
        if (look.reason == Reason::removed) {
            work.transient.kept.erase({look.probe, look.subject});
        }
        return true;
    }
    // True when the look is left out, because one of the same minute stands in the ledger. Else the
    // entry says what was left out before it.
    bool leaves_out(const Observation& look, bool turned, Observed& entry) {
        auto& all = work.transient.left_out;
        const std::pair key{look.probe, look.subject};
        if (turned) {
            auto& out = all[key];
            if (out.kept != Instant{} && look.seen.at - out.kept < flapping_kept_every) {
                leave_out(work.rules, work.state, look, out);
                return true;
            }
        }
        const auto out = all.find(key);
        if (out == all.end()) {
            return false;
        }
        const auto held = work.state.subjects.find(look.subject);
        if (out->second.looks > 0 && held != work.state.subjects.end()) {
            entry.left_out = out->second.looks;
            entry.runs = runs_of(work.rules, held->second, look, out->second);
        }
        out->second = LeftOut{look.seen.at, 0, {}};
        if (!turned) {
            all.erase(out);
        }
        return false;
    }
    // Something was left out, and what comes now must not hide it.
    bool owes(const Observation& look) const {
        const auto out = work.transient.left_out.find({look.probe, look.subject});
        return out != work.transient.left_out.end() && out->second.looks > 0;
    }
    void take(const Observation& look) {
        work.transient.effort.looks += 1;
        std::int64_t repeats = 0;
        Instant until{};
        const auto held = work.state.subjects.find(look.subject);
        const bool known = held != work.state.subjects.end() && look.reason != Reason::removed;
        if (held != work.state.subjects.end()) {
            if (const auto* last = held->second.looks.find(look.probe)) {
                repeats = last->repeats;
                until = last->seen.at;
            }
        }
        // Most looks are at a subject that is known and at rest: it is searched for once.
        const bool flaps = known && is_flapping(work.rules, work.state, look);
        const auto before = flaps ? before_look(held->second) : BeforeLook{};
        const bool news = known ? fold(work.rules, work.state, held->second, look)
                                : fold(work.rules, work.state, look);
        note_last_look(work, look.subject);
        Observed entry{look, repeats, until};
        const bool turned =
            flaps && work.state.intents_open == 0 && only_turned(before, held->second);
        if (must_keep(look, news || (owes(look) && !turned)) && !leaves_out(look, turned, entry)) {
            work.turn.entries.push_back(Entry{work.now, std::move(entry)});
        }
        if (known && held->second.detectors.empty()) {
            return;
        }
        if (change_pending(work.rules, work.state, look)) {
            work.ask(LookAgain{look.subject, look.probe});
        }
    }
    void operator()(const PlanResult& result) {
        if (!result.undo_of.empty()) {
            fire_undo(work, result);
            return;
        }
        const auto incident = work.state.incidents.find(result.incident);
        if (incident == work.state.incidents.end()) {
            return;
        }
        PlanMade made{result.incident, result.ok, result.problem, result.plan};
        const auto asked = work.transient.plan_asked.find(result.incident);
        if (!result.ok && asked != work.transient.plan_asked.end()) {
            made.plan = Plan{};
            made.plan.lever = asked->second.lever;
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
            escalate_loss(work, outcome.intent);
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
        const auto known = work.state.index.case_of.find(given.decision);
        if (known == work.state.index.case_of.end()) {
            return;
        }
        const auto& incident = work.state.incidents.at(known->second);
        if (incident.phase == IncidentPhase::open && incident.decision->hash == given.hash &&
            incident.decision->action == Action::ask) {
            work.record(Approval{given.decision, given.hash, given.approved, given.who, given.why});
        }
    }
    Instant end_of(Millis lasts) const {
        return lasts > Millis{0} ? work.now.at + lasts : Instant{};
    }
    // Setting it again renews it: other reason, other end.
    void operator()(const StopCommand& command) {
        if (work.state.stop.stopped || command.stopped) {
            work.record(StopSet{command.stopped, command.who, command.why,
                                command.stopped ? end_of(command.lasts) : Instant{}});
        }
    }
    void operator()(const VetoCommand& command) {
        if (!command.subjects.empty()) {
            work.record(VetoSet{fmt::format("v-{}", work.state.vetoes_made + 1), command.subjects,
                                command.lever, end_of(command.lasts), command.who, command.why,
                                command.mute});
        }
    }
    void operator()(const LiftVeto& command) {
        if (work.state.vetoes.contains(command.id)) {
            work.record(VetoLifted{command.id, command.who, command.why});
        }
    }
    void operator()(const FireByHand& wanted) { fire_by_hand(work, wanted); }
    void operator()(const Acknowledge& given) {
        const auto held = work.state.incidents.find(given.incident);
        if (held != work.state.incidents.end() && held->second.phase != IncidentPhase::closed &&
            !(open_loss(work.state, held->second).empty() &&
              open_replacement(work.state, held->second).empty())) {
            work.record(Acknowledged{given.incident, given.who, given.why});
        }
    }
    void operator()(const Diagnosed& seen) {
        const auto held = work.state.intents.find(seen.intent);
        if (held != work.state.intents.end() && !held->second.diagnosed) {
            work.record(seen);
        }
    }
    void operator()(const SelfReport& report) {
        auto& reports = work.state.self_reports;
        work.state.self_reports_made += 1;
        const std::pair key{report.state, report.about};
        if (report.why.empty()) {
            reports.erase(key);
        } else {
            reports.try_emplace(key, SelfReported{{}, work.now}).first->second.why = report.why;
        }
        // A refused config also holds levers.
        work.state.agenda.touch_box();
    }
    void operator()(const LedgerHealth& health) {
        work.state.ledger_writable = health.writable;
        work.state.self_reports_made += 1;
        work.state.agenda.touch_box();
    }
    void operator()(const HistoryDoubted& doubt) {
        // Every start finds the same again, and what a person has taken back stays so.
        if (!work.state.history.doubted && work.state.history.accepted != doubt.why) {
            work.record(doubt);
            work.state.agenda.touch_box();
        }
    }
    void operator()(const HistoryAccepted& accepted) {
        if (work.state.history.doubted) {
            work.record(accepted);
            work.state.agenda.touch_box();
        }
    }
};

// Rows that the rules no longer have: no look can clear them.
void clear_ruleless(Work& work) {
    std::vector<SymptomKey> gone;
    for (const auto& [key, active] : work.state.symptoms) {
        if (find_symptom(work.rules, key.first) == nullptr) {
            gone.push_back(key);
        }
    }
    for (const auto& [symptom, subject] : gone) {
        work.record(SymptomCleared{symptom, subject, "rule_gone"});
    }
}

void note_written(Work& work) {
    if (!work.turn.entries.empty()) {
        work.transient.written = work.now.at;
    }
}

}  // namespace

Engine::Engine(Rules rules) : rules_(std::move(rules)) {}

// Runs the stages until a round adds nothing: closing one incident may open another.
void Engine::settle(Work& work) {
    auto& effort = transient_.effort;
    const auto before_turn = effort.symptoms + effort.incidents;
    if (distrusted_) {
        rebuild(rules_, state_);
    }
    ring(rules_, state_, work.now.at);
    for (int round = 0; round < rounds_max; ++round) {
        if (distrusted_) {
            touch_everything(rules_, state_);
        }
        const auto before = work.turn.entries.size();
        run_stages(work);
        if (work.turn.entries.size() == before) {
            break;
        }
    }
    settle_blind(work);
    settle_pages(work);
    effort.turns += 1;
    effort.most = std::max(effort.most, effort.symptoms + effort.incidents - before_turn);
}

void Engine::adopt(State state) {
    state_ = std::move(state);
    rebuild(rules_, state_);
}

void Engine::restore(const Entry& entry) {
    apply(rules_, state_, entry);
    // resume() looks at everything.
    auto& agenda = state_.agenda;
    agenda.pages = {};
    agenda.to_move.clear();
    agenda.to_decide.clear();
    agenda.to_close.clear();
}

Turn Engine::resume(const Started& started, Now now) {
    transient_ = Transient{};
    transient_.resumed = now.at;
    transient_.unwell = now.at;
    rebuild(rules_, state_);
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
    clear_ruleless(work);
    // Whoever sends them remembers what was accepted, and sends only what is newer.
    for (const auto& [key, page] : state_.pages) {
        if (page.muted.empty()) {
            work.ask(SendPage{page});
        }
    }
    settle(work);
    note_written(work);
    return std::move(work.turn);
}

Turn Engine::on(const Event& event, Now now) {
    Work work{rules_, state_, transient_, now, {}};
    transient_.last_turn = now.at;
    const bool was_busy = is_busy(state_);
    std::visit(Receive{work}, event);
    const auto* look = std::get_if<Observation>(&event);
    const bool busy = was_busy || is_busy(state_);
    const bool due = std::holds_alternative<Tick>(event) || !work.turn.entries.empty() ||
                     (busy && (look == nullptr || others_wait_for(rules_, *look)));
    if (due) {
        settle(work);
    }
    note_written(work);
    return std::move(work.turn);
}

Turn Engine::leave(Now now) {
    Work work{rules_, state_, transient_, now, {}};
    const auto held = state_.subjects.find(Subject{std::string(self_subject)});
    const auto* last =
        held == state_.subjects.end() ? nullptr : held->second.looks.find(self_probe);
    if (last != nullptr && rules_.listened_every > Millis{0}) {
        Observed entry{as_observation(held->first, *last), last->repeats, last->seen.at};
        entry.observation.seen = now;
        work.record(std::move(entry));
    }
    note_written(work);
    return std::move(work.turn);
}

Decision Engine::preview(const FireByHand& wanted, Now now) const {
    return judge_by_hand(rules_, state_, transient_, wanted, now).decision;
}

std::optional<Instant> Engine::next_wake() const {
    const auto next = transient_.last_turn + (is_busy(state_) ? open_tick : quiet_tick);
    const auto due = std::min(transient_.silent_next, blind_due(state_, transient_));
    return std::min(next, std::max(due, transient_.last_turn));
}

Turn Engine::reload(Rules rules, Now now) {
    rules_ = std::move(rules);
    rebuild(rules_, state_);
    Work work{rules_, state_, transient_, now, {}};
    work.transient.plan_asked.clear();
    work.record(ConfigLoaded{rules_.config_hash});
    clear_ruleless(work);
    settle(work);
    note_written(work);
    return std::move(work.turn);
}

}  // namespace leverd
