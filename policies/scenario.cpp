// Why: see scenario.hpp. This file is the world around the engine: what looks see, what levers
// answer, what people say, and in which order it all arrives.
#include "policies/scenario.hpp"

#include "policies/observer.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <memory>
#include <set>

namespace leverd {
namespace {

constexpr Millis asked_pace{1'000};
constexpr Millis default_pace{10'000};
constexpr Millis reference_pace{15'000};
constexpr Millis after_the_last{300'000};
constexpr Millis finest_tick{250};
constexpr Millis coarsest_tick{1'000};
constexpr int patience = 20;

// One subject seen by one probe kind, at its pace.
struct Eye {
    Subject subject;
    std::string probe;
    const ScenarioGreen* green = nullptr;
    Instant last{};
    Instant next = scenario_start;
};

struct Later {
    Instant at;
    Event event;
};

struct Effective {
    std::string lever;
    Subject subject;
    Instant at;
};

Instant at_time(Millis since_start) {
    return scenario_start + since_start;
}

bool has(const std::vector<Subject>& subjects, const Subject& wanted) {
    return std::ranges::find(subjects, wanted) != subjects.end();
}

Millis length_of(const Scenario& scenario) {
    if (scenario.lasts > Millis{0}) {
        return scenario.lasts;
    }
    Millis last{0};
    for (const auto& look : scenario.looks) {
        last = std::max({last, look.from, look.to.value_or(Millis{0})});
    }
    for (const auto& say : scenario.says) {
        last = std::max(last, say.at);
    }
    for (const auto& expect : scenario.expects) {
        last = std::max({last, expect.at.value_or(Millis{0}), expect.from.value_or(Millis{0}),
                         expect.by.value_or(Millis{0})});
    }
    return last + after_the_last;
}

// A box with a quorum needs reference points; a scenario that says nothing about them has good
// ones.
std::vector<ScenarioGreen> with_references(const Scenario& scenario, int quorum) {
    auto green = scenario.green;
    const auto is_reference = [](const Subject& s) { return s.kind() == reference_kind; };
    const bool spoken_of =
        std::ranges::any_of(
            green, [&](const auto& g) { return std::ranges::any_of(g.subjects, is_reference); }) ||
        std::ranges::any_of(scenario.looks, [&](const auto& l) {
            return std::ranges::any_of(l.subjects, is_reference);
        });
    if (quorum > 0 && !spoken_of) {
        ScenarioGreen references;
        references.probe = "reference";
        references.every = reference_pace;
        for (int i = 1; i <= std::max(2, quorum); ++i) {
            references.subjects.emplace_back(fmt::format("reference/{}", i));
        }
        green.push_back(std::move(references));
    }
    return green;
}

class Stage {
  public:
    Stage(const Scenario& scenario, const Rules& rules, const std::map<std::string, Rules>& reloads)
        : scenario_(scenario),
          rules_(rules),
          reloads_(reloads),
          green_(with_references(scenario, rules.policies.observer.quorum)),
          end_(at_time(length_of(scenario))) {
        for (const auto& green : green_) {
            for (const auto& subject : green.subjects) {
                eyes_.push_back({subject, green.probe, &green, {}, scenario_start});
            }
        }
        for (const auto& look : scenario_.looks) {
            for (const auto& subject : look.subjects) {
                add_eye(subject, look);
            }
        }
        for (const auto& say : scenario_.says) {
            const auto later = std::ranges::upper_bound(says_, say.at, {},
                                                        [](const auto* held) { return held->at; });
            says_.insert(later, &say);
        }
    }

    std::vector<Entry> play() {
        start();
        while (const auto next = next_time()) {
            now_.wall += *next - now_.at;
            now_.at = *next;
            for (; said_ < says_.size() && at_time(says_[said_]->at) <= now_.at; ++said_) {
                hear(*says_[said_]);
            }
            deliver_due();
            for (auto& eye : eyes_) {
                if (eye.next <= now_.at) {
                    look(eye);
                }
            }
            take(engine_->on(Tick{}, now_));
        }
        return std::move(ledger_);
    }

  private:
    void add_eye(const Subject& subject, const ScenarioLook& look) {
        const bool known = std::ranges::any_of(eyes_, [&](const Eye& eye) {
            return eye.subject == subject && eye.probe == look.probe;
        });
        if (!known) {
            eyes_.push_back({subject, look.probe, nullptr, {}, at_time(look.from)});
        }
    }

    void start() {
        engine_ = std::make_unique<Engine>(rules_);
        for (const auto& entry : ledger_) {
            engine_->restore(entry);
        }
        take(engine_->resume(Started{"scenario", rules_.config_hash, "scenario", 0}, now_));
    }

    std::optional<Instant> next_time() const {
        auto next = Instant::max();
        for (const auto& eye : eyes_) {
            next = std::min(next, eye.next);
        }
        for (const auto& item : later_) {
            next = std::min(next, item.at);
        }
        if (said_ < says_.size()) {
            next = std::min(next, at_time(says_[said_]->at));
        }
        // The engine is woken as it wishes, less finely where nothing has happened for a while; a
        // wake that is already past must not stop time.
        if (const auto wake = engine_->next_wake()) {
            const auto quiet = std::chrono::duration_cast<Millis>(now_.at - news_);
            const auto pace = std::clamp(quiet / patience, finest_tick, coarsest_tick);
            next = std::min(next, std::max(*wake, now_.at + pace));
        }
        next = std::max(next, now_.at);
        return next > end_ ? std::nullopt : std::optional{next};
    }

    void take(Turn turn) {
        if (!turn.entries.empty()) {
            news_ = now_.at;
        }
        ledger_.insert(ledger_.end(), turn.entries.begin(), turn.entries.end());
        for (const auto& effect : turn.effects) {
            perform(effect);
        }
    }

    void later(Millis in, Event event) { later_.push_back({now_.at + in, std::move(event)}); }

    void deliver_due() {
        // Answers may ask for more answers at this very time.
        for (int round = 0; round < 8; ++round) {
            auto waiting = std::exchange(later_, {});
            bool any = false;
            for (auto& item : waiting) {
                if (item.at <= now_.at) {
                    any = true;
                    take(engine_->on(item.event, now_));
                } else {
                    later_.push_back(std::move(item));
                }
            }
            if (!any) {
                return;
            }
        }
    }

    bool healed(const ScenarioLook& look, const Subject& subject) const {
        return !look.healed_by.empty() &&
               std::ranges::any_of(effective_, [&](const Effective& done) {
                   const bool meant =
                       done.subject == subject || done.subject.kind() != subject.kind();
                   return done.lever == look.healed_by && meant && done.at >= at_time(look.from) &&
                          done.at + look.healed_after <= now_.at;
               });
    }

    const ScenarioLook* seen_now(const Eye& eye) const {
        const ScenarioLook* found = nullptr;
        for (const auto& look : scenario_.looks) {
            const bool now =
                at_time(look.from) <= now_.at && (!look.to || now_.at < at_time(*look.to));
            if (now && look.probe == eye.probe && has(look.subjects, eye.subject) &&
                !healed(look, eye.subject)) {
                found = &look;
            }
        }
        return found;
    }

    void look(Eye& eye) {
        const auto* different = seen_now(eye);
        auto pace = eye.green != nullptr ? eye.green->every : default_pace;
        pace = different != nullptr ? different->every.value_or(pace) : pace;
        eye.last = now_.at;
        eye.next = now_.at + pace;
        for (const auto& other : scenario_.looks) {
            const auto begins = at_time(other.from);
            if (begins > now_.at && other.probe == eye.probe && has(other.subjects, eye.subject)) {
                eye.next = std::min(eye.next, begins);
            }
        }
        if ((different != nullptr && different->silent) ||
            (different == nullptr && eye.green == nullptr)) {
            return;
        }
        take(engine_->on(different != nullptr ? bad_look(eye, *different) : good_look(eye), now_));
    }

    Observation look_of(const Eye& eye) const {
        Observation seen;
        seen.subject = eye.subject;
        seen.probe = eye.probe;
        seen.seen = now_;
        if (eye.green != nullptr) {
            seen.attributes = eye.green->attributes;
        }
        return seen;
    }

    Observation good_look(const Eye& eye) const {
        auto seen = look_of(eye);
        seen.health = Health::healthy;
        seen.facts = eye.green->facts;
        seen.version = eye.green->version;
        for (const auto& done : effective_) {
            const auto* lever = behaviour(done.lever, done.subject);
            if (done.subject != eye.subject || lever == nullptr) {
                continue;
            }
            for (const auto& [name, value] : lever->then_facts) {
                seen.facts[name] = value;
            }
            seen.version = lever->then_version.empty() ? seen.version : lever->then_version;
        }
        return seen;
    }

    Observation bad_look(const Eye& eye, const ScenarioLook& look) const {
        auto seen = look_of(eye);
        seen.health = look.health;
        seen.reason = look.reason;
        seen.origin = look.origin;
        seen.evidence =
            look.evidence.empty() ? std::string(describe(look.reason).text) : look.evidence;
        seen.facts = look.facts;
        seen.version = look.version;
        for (const auto& [name, value] : look.attributes) {
            seen.attributes[name] = value;
        }
        return seen;
    }

    const ScenarioLever* behaviour(const std::string& lever, const Subject& subject) const {
        for (const auto& one : scenario_.levers) {
            if (one.lever == lever && subject_matches(one.subject, subject)) {
                return &one;
            }
        }
        return nullptr;
    }

    void perform(const Effect& effect) {
        if (const auto* wanted = std::get_if<MakePlan>(&effect)) {
            plan(*wanted);
        } else if (const auto* call = std::get_if<FireLever>(&effect)) {
            fire(call->intent);
        } else if (const auto* settle = std::get_if<ObserveLever>(&effect)) {
            const auto* lever = behaviour(settle->intent.lever, settle->intent.subject);
            const auto took = lever == nullptr ? Took::yes : lever->took;
            later(asked_pace, Settled{settle->intent.id, took, "looked at the target"});
        } else if (const auto* proof = std::get_if<ProveLever>(&effect)) {
            prove(proof->intent);
        } else if (const auto* again = std::get_if<LookAgain>(&effect)) {
            for (auto& eye : eyes_) {
                if (eye.subject == again->subject && eye.probe == again->probe) {
                    eye.next = std::min(eye.next, std::max(now_.at, eye.last + asked_pace));
                }
            }
        }
    }

    void plan(const MakePlan& wanted) {
        static const ScenarioLever plain;
        const auto* known = behaviour(wanted.lever, wanted.subject);
        const auto& lever = known == nullptr ? plain : *known;
        PlanResult result;
        result.incident = wanted.incident;
        result.undo_of = wanted.undo_of;
        result.ok = lever.plan_ok;
        result.problem = lever.problem;
        result.plan.lever = wanted.lever;
        result.plan.subject = wanted.subject;
        result.plan.resource = lever.resource.empty() ? wanted.subject.text() : lever.resource;
        result.plan.target_version = lever.target_version;
        later(Millis{0}, std::move(result));
    }

    void fire(const Intent& intent) {
        static const ScenarioLever plain;
        const auto* known = behaviour(intent.lever, intent.subject);
        const auto& lever = known == nullptr ? plain : *known;
        Outcome outcome{intent.id, lever.outcome, "as the scenario says", {}};
        if (!lever.replaced_by.empty()) {
            outcome.results["replaced_by"] = lever.replaced_by;
        }
        const bool took = lever.outcome == OutcomeKind::accepted ||
                          (lever.outcome == OutcomeKind::unknown && lever.took == Took::yes);
        if (took) {
            effective_.push_back({intent.lever, intent.subject, now_.at + lever.after});
        }
        later(lever.after, std::move(outcome));
    }

    void prove(const Intent& intent) {
        const auto* lever = behaviour(intent.lever, intent.subject);
        Observation seen;
        seen.subject = intent.subject;
        seen.probe = "lever:" + intent.lever;
        seen.health = lever == nullptr ? Health::healthy : lever->proof;
        seen.reason = seen.health == Health::healthy ? Reason::ok : Reason::proof_missing;
        seen.seen = now_;
        later(Millis{0}, std::move(seen));
    }

    void answer(const ScenarioSay& say, bool approved) {
        const auto asked = at_time(say.seen.value_or(say.at));
        const Decision* found = nullptr;
        for (const auto& entry : ledger_) {
            const auto* decision = std::get_if<Decision>(&entry.body);
            if (decision != nullptr && entry.now.at <= asked &&
                decision->subject.text() == say.text && decision->action == Action::ask) {
                found = decision;
            }
        }
        if (found != nullptr) {
            const ApprovalGiven given{found->id, found->hash, approved, say.who, say.why};
            take(engine_->on(given, now_));
        }
    }

    void hear(const ScenarioSay& say) {
        using What = ScenarioSay::What;
        switch (say.what) {
            case What::stop:
            case What::resume:
                take(engine_->on(StopCommand{say.what == What::stop, say.who, say.why, say.lasts},
                                 now_));
                break;
            case What::veto:
                take(engine_->on(VetoCommand{say.text, say.lever, say.lasts, say.who, say.why},
                                 now_));
                break;
            case What::unveto:
                take(engine_->on(LiftVeto{say.text, say.who, say.why}, now_));
                break;
            case What::approve:
            case What::reject:
                answer(say, say.what == What::approve);
                break;
            case What::reload:
                if (const auto found = reloads_.find(say.text); found != reloads_.end()) {
                    rules_ = found->second;
                    take(engine_->reload(rules_, now_));
                }
                break;
            case What::restart:
                later_.clear();
                start();
                break;
            case What::clock_step:
                step_clock(say.step);
                break;
            case What::ledger:
                take(engine_->on(LedgerHealth{say.writable}, now_));
                break;
        }
    }

    // The daemon notices a step by itself and says so in its own look, once, and then that it is
    // over.
    void step_clock(Millis by) {
        now_.wall += by;
        Observation self;
        self.subject = Subject{std::string(self_subject)};
        self.probe = std::string(self_probe);
        self.seen = now_;
        self.facts = {{"clock_step_ms", static_cast<double>(by.count())}, {"lateness_ms", 0}};
        take(engine_->on(self, now_));
        self.facts["clock_step_ms"] = 0;
        self.seen.at += asked_pace;
        self.seen.wall += asked_pace;
        later(asked_pace, std::move(self));
    }

    const Scenario& scenario_;
    Rules rules_;
    const std::map<std::string, Rules>& reloads_;
    std::vector<ScenarioGreen> green_;
    Instant end_;
    std::vector<Eye> eyes_;
    std::vector<const ScenarioSay*> says_;
    std::size_t said_ = 0;
    std::unique_ptr<Engine> engine_;
    Now now_{scenario_start, scenario_.start};
    Instant news_ = scenario_start;
    std::vector<Entry> ledger_;
    std::vector<Later> later_;
    std::vector<Effective> effective_;
};

}  // namespace

Result<Rules> apply_what_if(Rules rules, const ScenarioWhatIf& what_if) {
    auto& book = rules.policies;
    book.ceiling = what_if.mode_ceiling.value_or(book.ceiling);
    book.observer.quorum = what_if.quorum.value_or(book.observer.quorum);
    book.freeze_active = what_if.freeze.value_or(book.freeze_active);
    for (const auto& [id, mode] : what_if.modes) {
        const auto policy = std::ranges::find(book.policies, id, &Policy::id);
        if (policy == book.policies.end()) {
            std::string known;
            for (const auto& one : book.policies) {
                known += (known.empty() ? "" : ", ") + one.id;
            }
            return Error{
                fmt::format("[what_if] names policy '{}', which the config does not have", id),
                "known: " + known};
        }
        policy->mode = mode;
    }
    return rules;
}

ScenarioResult run_scenario(const Scenario& scenario, const Rules& rules,
                            const std::map<std::string, Rules>& reloads) {
    ScenarioResult result;
    result.lasted = length_of(scenario);
    result.ledger = Stage(scenario, rules, reloads).play();
    result.failures = check_scenario(scenario, result.ledger, result.lasted);
    result.checked = static_cast<int>(scenario.expects.size()) + (scenario.incidents ? 1 : 0) +
                     (scenario.fired ? 1 : 0) + (scenario.pages ? 1 : 0);
    return result;
}

}  // namespace leverd
