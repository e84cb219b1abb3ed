// Why: the pure heart. Events in, ledger entries and effects out; no clock, no I/O, no logging.
// State changes only by applying entries, so folding the ledger gives back exactly the state that
// wrote it.
#pragma once

#include "core/model/entry.hpp"
#include "core/model/runbook.hpp"
#include "policies/state.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace leverd {

struct Rules {
    Runbook runbook;
    PolicyBook policies;
    std::map<std::string, LeverContract> levers;  // by id
    std::string config_hash;
    // Something must not fall silent: the ledger's newest entry is never older than this while
    // leverd listens, so that the next process knows how long none did. Zero: nothing is awaited.
    Millis listened_every{0};
};

// What can happen to the engine. Each comes with the time at which it happened.
struct Tick {};
struct PlanResult {
    std::string incident;
    bool ok = false;
    std::string problem;
    Plan plan;
    std::string undo_of;  // as in MakePlan
};
struct ApprovalGiven {
    std::string decision;
    std::string hash;
    bool approved = false;
    std::string who;
    std::string why;
};
struct StopCommand {
    bool stopped = false;
    std::string who;
    std::string why;
    Millis lasts{0};  // zero: until somebody lifts it
};
struct VetoCommand {
    std::string subjects;  // glob
    std::string lever;     // empty: every lever
    Millis lasts{0};       // zero: until somebody lifts it
    std::string who;
    std::string why;
    bool mute = false;  // what it covers pages nobody either
};
struct LiftVeto {
    std::string id;
    std::string who;
    std::string why;
};
struct LedgerHealth {
    bool writable = true;
};
// What the process around the engine says about itself and a person must hear: a row of the page
// table that the daemon reports ("config_refused"), with `about` where there may be several. It is
// not kept over a restart: the daemon says it again.
struct SelfReport {
    std::string state;
    std::string about;
    std::string why;  // empty: it is over
};
// A person saw to what was lost.
struct Acknowledge {
    std::string incident;
    std::string who;
    std::string why;
};
// A person wants this lever fired on this subject, now, by a plan that was just made.
struct FireByHand {
    struct Answer {
        Decision decision;
        std::string intent;  // empty: a guard refused
    };
    std::string lever;
    Subject subject;
    PlanMade plan;
    std::string who;
    std::string why;
    std::shared_ptr<Answer> answer;  // filled by the turn, for whoever asked
};
using Event = std::variant<Tick, Observation, PlanResult, Outcome, Settled, ApprovalGiven,
                           StopCommand, LedgerHealth, VetoCommand, LiftVeto, FireByHand, Diagnosed,
                           HistoryDoubted, HistoryAccepted, SelfReport, Acknowledge>;

// What the driver must do once the turn's entries are durable.
struct MakePlan {
    std::string incident;
    std::string lever;
    Subject subject;
    std::string undo_of;  // the intent whose inverse is wanted; empty: the lever itself
};
struct FireLever {
    Intent intent;
};
struct ObserveLever {
    Intent intent;
    Now fired;
};
struct ProveLever {
    Intent intent;
    Outcome outcome;
};
struct LookAgain {
    Subject subject;
    std::string probe;
};  // soon: a change is pending
struct SendPage {
    Paged page;
};
using Effect = std::variant<MakePlan, FireLever, ObserveLever, ProveLever, LookAgain, SendPage>;

struct Turn {
    std::vector<Entry> entries;
    std::vector<Effect> effects;
};

// When pages move on, so that a turn costs what changed and not what is open. A restart looks at
// everything once.
struct PageDesk {
    struct Waiting {
        Instant due = Instant::max();
        bool in_hand = false;  // of a lever
    };
    std::map<std::string, Waiting> waiting;                // by case: those without a page
    std::set<std::pair<Instant, std::string>> due;         // the same by time
    std::map<std::string, Instant> wake;                   // by key of a page
    std::set<std::pair<Instant, std::string>> wake_times;  // the same by time
    std::map<std::string, Now> since;  // by page: states that do not say it themselves
    Instant standing_next{};
    std::int64_t reported = 0;  // of what the daemon said about itself
};

// Counted work: how much the stages looked at. It follows what changed, not what is open, and a
// test can say so without a clock.
struct Effort {
    std::int64_t turns = 0;
    std::int64_t looks = 0;
    std::int64_t symptoms = 0;   // rows of the table asked for a subject
    std::int64_t incidents = 0;  // asked to move, to be decided or to close
    std::int64_t most = 0;       // of one turn: symptoms and incidents together
};

// Looks at a flapping subject that came after the last one that the ledger holds.
struct LeftOut {
    Instant kept{};
    std::int64_t looks = 0;
    std::map<std::string, std::int64_t> changes;  // by signal
};

// Memory that may be lost with the process: what was asked for and when to ask again.
struct Transient {
    struct Asked {
        Instant at{};
        std::string lever;
        int tries = 0;  // without a plan, one after the other
    };
    std::map<std::string, Asked> plan_asked;      // by incident
    std::map<std::string, Instant> undo_asked;    // by intent
    std::map<std::string, Instant> observe_next;  // by intent
    std::map<std::string, Instant> prove_next;    // by intent
    PageDesk desk;
    Instant resumed{};
    // The newest look that the ledger holds, by probe and subject, where a deadline counts from it.
    std::map<std::pair<std::string, Subject>, Instant> kept;
    std::map<std::pair<std::string, Subject>, LeftOut> left_out;  // by probe and subject
    Instant silent_next = Instant::max();  // when the next silence would be found
    Instant blind_next{};                  // when blindness is asked about again
    Instant swept{};
    Instant written{};  // of the newest entry
    Instant last_turn{};
    Effort effort;
    bool vouched = false;       // what the observer's guard heard of the references last
    std::vector<bool> windows;  // which were open when decisions were made last
    Instant records_next = Instant::max();  // when a record of a lever changes by time alone
    std::map<std::string, std::pair<bool, bool>> records;  // policy: earned, helps enough
    // By incident: since when looks are awaited before its lever may fire, when they were asked for
    // last, and at what.
    struct LastLook {
        Instant since{};
        Instant asked{};
        std::set<Subject> at;
    };
    std::map<std::string, LastLook> last_looks;
    std::map<Subject, std::set<std::string>> last_looks_at;  // the same by subject
    Instant unwell{};  // when something was wrong last, or this process began
};

struct Work;

class Engine {
  public:
    explicit Engine(Rules rules);

    // Begins where a snapshot of the state was taken, instead of with nothing; before any
    // restore().
    void adopt(State state);
    // Folds one stored entry back in; for start-up, in ledger order, before any on().
    void restore(const Entry& entry);
    // After the last restore(): says what is left open (an intent without an outcome becomes
    // `unknown`, never a call).
    Turn resume(const Started& started, Now now);

    Turn on(const Event& event, Now now);
    // The process ends: the last sign that it listened.
    Turn leave(Now now);
    // The next Instant at which a Tick could change anything; nullopt: none.
    std::optional<Instant> next_wake() const;
    // Swaps the rules; state is kept.
    Turn reload(Rules rules, Now now);

    // What the guards would say to this firing now; changes nothing.
    Decision preview(const FireByHand& wanted, Now now) const;

    const State& view() const { return state_; }
    const Effort& effort() const { return transient_.effort; }
    // Trusts neither agenda nor index: both are made anew and everything is looked at in every
    // turn. Slow; a test holds it against the engine as it runs.
    void distrust() { distrusted_ = true; }
    const Rules& rules() const { return rules_; }

  private:
    void settle(Work& work);

    Rules rules_;
    bool distrusted_ = false;
    State state_;
    Transient transient_;
};

}  // namespace leverd
