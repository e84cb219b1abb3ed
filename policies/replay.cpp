// Why: see replay.hpp. This file plays the recorded history to an engine with other rules: causes
// go in again, what the engine itself made of them is left out.
#include "policies/replay.hpp"

#include "policies/replay_looks.hpp"
#include "policies/replay_people.hpp"
#include "policies/topology.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace leverd {
namespace {

constexpr Millis same_time{900'000};    // a firing this near to a recorded one is that one
constexpr Millis plan_arrives{90'000};  // a recorded plan this soon is the answer to this question
constexpr Millis finest_tick{1'000};
constexpr Millis coarsest_tick{30'000};
constexpr int rounds_max = 8;
constexpr int patience = 20;  // the tick grows to this fraction of the time since anything happened

struct RecordedIntent {
    Intent intent;
    Instant fired{};
    std::optional<Outcome> outcome;
    Instant ended{};
    bool taken = false;
};

struct Later {
    Instant at;
    Event event;
};

class Player {
  public:
    Player(const std::vector<Entry>& recorded, const Rules& rules, const State* before)
        : recorded_(recorded), rules_(rules), before_(before) {
        for (const auto& entry : recorded_) {
            index(entry);
        }
    }

    void play(Instant from) {
        begin();
        for (const auto& entry : recorded_) {
            if (entry.now.at >= from) {
                break;
            }
            engine_->restore(entry);
            ledger_.push_back(entry);
            now_ = entry.now;
        }
        for (const auto& [id, held] : engine_->view().intents) {
            ours_[id] = id;
            intents_[id].taken = true;
        }
        now_ = ledger_.empty() ? recorded_.front().now : now_;
        const auto moments = replay_moments(recorded_, from);
        for (std::size_t i = 0; i < moments.size(); ++i) {
            // Between two processes nobody looked and nobody decided.
            if (is_start(moments[i])) {
                move_to(moments[i].at);
            } else {
                pass_time(moments[i].at);
            }
            take_part(moments[i]);
            if (i + 1 == moments.size() || moments[i + 1].at != moments[i].at) {
                deliver_due();
                tick();
            }
        }
    }

    std::vector<Entry> take_ledger() { return std::move(ledger_); }
    const std::vector<std::string>& hypothetical() const { return hypothetical_; }
    std::size_t looks() const { return looks_; }

  private:
    bool is_start(const ReplayMoment& moment) const {
        return !moment.repeat && std::holds_alternative<Started>(recorded_[moment.entry].body);
    }

    void index(const Entry& entry) {
        if (const auto* opened = std::get_if<IncidentOpened>(&entry.body)) {
            incidents_[opened->incident] = {opened->symptom, opened->subject};
        } else if (const auto* decision = std::get_if<Decision>(&entry.body)) {
            decisions_[decision->id] = decision;
        } else if (const auto* intent = std::get_if<Intent>(&entry.body)) {
            intents_[intent->id] = RecordedIntent{*intent, entry.now.at, {}, {}, false};
            asked_.note_acted(entry.now.at);
        } else if (const auto* outcome = std::get_if<Outcome>(&entry.body)) {
            if (const auto held = intents_.find(outcome->intent); held != intents_.end()) {
                held->second.outcome = *outcome;
                held->second.ended = entry.now.at;
            }
        } else if (const auto* plan = std::get_if<PlanMade>(&entry.body)) {
            plans_[{plan->plan.lever, plan->plan.subject}].emplace_back(entry.now.at, plan);
        } else if (const auto* veto = std::get_if<VetoSet>(&entry.body)) {
            vetoes_[veto->id] = veto;
        } else if (std::holds_alternative<SymptomRaised>(entry.body)) {
            asked_.note_acted(entry.now.at);
        }
    }

    void begin() {
        engine_ = std::make_unique<Engine>(rules_);
        if (before_ != nullptr) {
            engine_->adopt(*before_);
        }
    }

    void move_to(Instant at) {
        now_.wall += at - now_.at;
        now_.at = at;
    }

    // Ticks and answers between the recorded moments, finer while things happen.
    void pass_time(Instant until) {
        while (true) {
            auto next = until;
            const auto quiet = std::chrono::duration_cast<Millis>(now_.at - news_);
            const auto pace = std::clamp(quiet / patience, finest_tick, coarsest_tick);
            if (const auto wake = engine_->next_wake()) {
                next = std::min(next, std::max(*wake, now_.at + pace));
            }
            for (const auto& item : later_) {
                next = std::min(next, std::max(item.at, now_.at));
            }
            next = std::min(next, std::max(asked_.next(), now_.at));
            if (next >= until) {
                if (until > now_.at) {
                    move_to(until);
                }
                return;
            }
            move_to(next);
            deliver_due();
            tick();
        }
    }

    void tick() { send(Tick{}); }
    void send(const Event& event) { take(engine_->on(event, now_)); }

    void take(Turn turn) {
        if (!turn.entries.empty()) {
            news_ = now_.at;
        }
        ledger_.insert(ledger_.end(), turn.entries.begin(), turn.entries.end());
        for (const auto& effect : turn.effects) {
            perform(effect);
        }
        if (const auto given = early_.take(now_.at, engine_->view())) {
            send(*given);
        }
    }

    void later(Instant at, Event event) { later_.push_back({at, std::move(event)}); }

    void deliver_due() {
        // Answers may ask for more at this very time; one that does so for ever must not hang us.
        bool any = true;
        for (int round = 0; any && round < rounds_max; ++round) {
            any = make_asked_looks();
            for (auto& item : std::exchange(later_, {})) {
                if (item.at > now_.at) {
                    later_.push_back(std::move(item));
                    continue;
                }
                any = true;
                send(item.event);
            }
        }
    }

    void take_part(const ReplayMoment& moment) {
        const auto& entry = recorded_[moment.entry];
        if (moment.repeat) {
            auto look = std::get<Observed>(entry.body).observation;
            look.seen.wall += moment.at - look.seen.at;
            look.seen.at = moment.at;
            looks_ += 1;
            send(look);
            return;
        }
        now_ = entry.now;
        if (const auto* seen = std::get_if<Observed>(&entry.body)) {
            looks_ += 1;
            send(seen->observation);
        } else if (const auto* started = std::get_if<Started>(&entry.body)) {
            restart(*started);
        } else if (std::holds_alternative<ConfigLoaded>(entry.body)) {
            take(engine_->reload(rules_, now_));
        } else {
            take_part_of_people(entry);
            take_part_of_levers(entry);
        }
    }

    void restart(const Started& started) {
        later_.clear();
        wanted_plans_.clear();
        asked_.forget();
        if (!ledger_.empty()) {
            begin();
            for (const auto& entry : ledger_) {
                engine_->restore(entry);
            }
        }
        take(engine_->resume(started, now_));
    }

    Millis rest(Instant until) const {
        return until == Instant{}
                   ? Millis{0}
                   : std::max(Millis{1}, std::chrono::duration_cast<Millis>(until - now_.at));
    }

    // What the engine did by itself it does again by itself.
    void take_part_of_people(const Entry& entry) {
        if (const auto* stop = std::get_if<StopSet>(&entry.body); stop && stop->who != own_name) {
            send(StopCommand{stop->stopped, stop->who, stop->why, rest(stop->until)});
        } else if (const auto* veto = std::get_if<VetoSet>(&entry.body);
                   veto && veto->who != own_name) {
            send(VetoCommand{veto->subjects, veto->lever, rest(veto->until), veto->who, veto->why,
                             veto->mute});
        } else if (const auto* lifted = std::get_if<VetoLifted>(&entry.body);
                   lifted && lifted->who != own_name) {
            lift(*lifted);
        } else if (const auto* approval = std::get_if<Approval>(&entry.body)) {
            answer(*approval);
        }
    }

    void lift(const VetoLifted& lifted) {
        const auto meant = vetoes_.find(lifted.id);
        if (meant == vetoes_.end()) {
            return;
        }
        const auto id = same_veto(engine_->view(), *meant->second);
        if (!id.empty()) {
            send(LiftVeto{id, lifted.who, lifted.why});
        }
    }

    // The ids differ, so a person's answer goes to the question about the same lever and subject.
    void answer(const Approval& approval) {
        const auto asked = decisions_.find(approval.decision);
        if (asked == decisions_.end()) {
            return;
        }
        if (const auto given = answer_to(engine_->view(), *asked->second, approval)) {
            send(*given);
        } else {
            early_.keep(now_.at, *asked->second, approval);
        }
    }

    void take_part_of_levers(const Entry& entry) {
        if (const auto* plan = std::get_if<PlanMade>(&entry.body)) {
            bring_plan(*plan);
        } else if (const auto* outcome = std::get_if<Outcome>(&entry.body)) {
            if (const auto own = ours_.find(outcome->intent); own != ours_.end()) {
                auto copy = *outcome;
                copy.intent = own->second;
                send(copy);
            }
        } else if (const auto* settled = std::get_if<Settled>(&entry.body)) {
            if (const auto own = ours_.find(settled->intent); own != ours_.end()) {
                send(Settled{own->second, settled->took, settled->detail, settled->results});
            }
        }
    }

    void bring_plan(const PlanMade& plan) {
        std::vector<std::string> incidents;
        for (const auto& [incident, wanted] : wanted_plans_) {
            if (wanted.lever == plan.plan.lever && wanted.subject == plan.plan.subject) {
                incidents.push_back(incident);
            }
        }
        for (const auto& incident : incidents) {
            send(PlanResult{incident, plan.ok, plan.problem, plan.plan, {}});
        }
    }

    void perform(const Effect& effect) {
        if (const auto* wanted = std::get_if<MakePlan>(&effect)) {
            make_plan(*wanted);
        } else if (const auto* call = std::get_if<FireLever>(&effect)) {
            fire(call->intent);
        } else if (const auto* again = std::get_if<LookAgain>(&effect)) {
            asked_.ask(engine_->view(), *again, now_.at);
        }
    }

    bool make_asked_looks() {
        const auto due = asked_.take_due(engine_->view(), now_);
        for (const auto& look : due) {
            send(look);
        }
        return !due.empty();
    }

    static Plan plain_plan(const MakePlan& wanted) {
        Plan plan;
        plan.lever = wanted.lever;
        plan.subject = wanted.subject;
        plan.resource = wanted.subject.text();
        return plan;
    }

    void make_plan(const MakePlan& wanted) {
        if (!wanted.undo_of.empty()) {
            auto plan = plain_plan(wanted);
            for (const auto& [id, recorded] : intents_) {
                const auto& intent = recorded.intent;
                if (!intent.undoes.empty() && intent.lever == wanted.lever &&
                    intent.subject == wanted.subject) {
                    plan = intent.plan;
                }
            }
            later(now_.at, PlanResult{wanted.incident, true, {}, std::move(plan), wanted.undo_of});
            return;
        }
        wanted_plans_[wanted.incident] = wanted;
        const PlanMade* newest = nullptr;
        for (const auto& [at, plan] : plans_[{wanted.lever, wanted.subject}]) {
            if (at > now_.at) {
                if (at - now_.at <= plan_arrives) {
                    return;  // it comes when it came
                }
                break;
            }
            newest = plan;
        }
        if (newest != nullptr) {
            later(now_.at,
                  PlanResult{wanted.incident, newest->ok, newest->problem, newest->plan, {}});
        } else {
            later(now_.at, PlanResult{wanted.incident, true, {}, plain_plan(wanted), {}});
        }
    }

    RecordedIntent* recorded_firing(const Intent& intent) {
        RecordedIntent* nearest = nullptr;
        const auto away = [&](const RecordedIntent& one) {
            return one.fired > now_.at ? one.fired - now_.at : now_.at - one.fired;
        };
        for (auto& [id, one] : intents_) {
            const bool same = !one.taken && one.intent.lever == intent.lever &&
                              one.intent.subject == intent.subject &&
                              one.intent.undoes.empty() == intent.undoes.empty();
            if (same && away(one) <= same_time &&
                (nearest == nullptr || away(one) < away(*nearest))) {
                nearest = &one;
            }
        }
        return nearest;
    }

    void fire(const Intent& intent) {
        auto* recorded = recorded_firing(intent);
        if (recorded == nullptr) {
            hypothetical_.push_back(intent.id);
            later(now_.at + Millis{1'000},
                  Outcome{intent.id, OutcomeKind::accepted, "assumed: it was not fired then", {}});
            return;
        }
        recorded->taken = true;
        ours_[recorded->intent.id] = intent.id;
        if (recorded->outcome && recorded->ended <= now_.at && recorded->fired < now_.at) {
            auto outcome = *recorded->outcome;
            outcome.intent = intent.id;
            later(now_.at + (recorded->ended - recorded->fired), std::move(outcome));
        }
    }

    const std::vector<Entry>& recorded_;
    const Rules& rules_;
    const State* before_;
    std::map<std::string, SymptomKey> incidents_;
    std::map<std::string, const Decision*> decisions_;
    std::map<std::string, RecordedIntent> intents_;
    std::map<std::pair<std::string, Subject>, std::vector<std::pair<Instant, const PlanMade*>>>
        plans_;
    std::map<std::string, const VetoSet*> vetoes_;

    std::unique_ptr<Engine> engine_;
    Now now_;
    Instant news_{};
    std::vector<Entry> ledger_;
    std::vector<Later> later_;
    AskedLooks asked_;
    EarlyAnswers early_;
    std::map<std::string, MakePlan> wanted_plans_;  // by incident
    std::map<std::string, std::string> ours_;       // recorded intent -> this time's
    std::vector<std::string> hypothetical_;
    std::size_t looks_ = 0;
};

}  // namespace

const std::vector<std::string_view>& replay_assumptions() {
    static const std::vector<std::string_view> lines{
        "Looks between two changes are spread evenly; an unfinished run goes on to the end.",
        "A lever that also fired then gets its recorded outcome and looks.",
        "A lever that did not fire then is assumed accepted; whether it would have helped is not "
        "known, and nothing after it is counted.",
        "A plan is the recorded one for that lever and subject, else an empty one that is good.",
        "People answered as they did then; nobody answers a question that was not asked then.",
        "'since' counts back from the newest entry; older entries are taken as they are.",
    };
    return lines;
}

ReplayReport replay(const std::vector<Entry>& ledger, const Rules& rules, Millis since,
                    const State* before) {
    ReplayReport report;
    if (ledger.empty()) {
        return report;
    }
    auto from = ledger.front().now.at;
    report.until = ledger.back().now;
    if (since > Millis{0}) {
        from = std::max(from, report.until.at - since);
    }
    const auto first =
        std::ranges::find_if(ledger, [&](const Entry& entry) { return entry.now.at >= from; });
    report.from = first->now;
    report.entries = ledger.size();
    Player player(ledger, rules, before);
    player.play(from);
    report.ledger = player.take_ledger();
    report.looks = player.looks();
    compare_histories(ledger, player.hypothetical(), report);
    return report;
}

}  // namespace leverd
