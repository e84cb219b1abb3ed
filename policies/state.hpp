// Why: everything the engine holds, as plain values that anyone may read (page, API, metrics, why)
// and only applying a ledger entry may change.
#pragma once

#include "core/model/entry.hpp"
#include "core/model/runbook.hpp"
#include "policies/looks.hpp"
#include "policies/state/index.hpp"

#include <boost/container/flat_map.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leverd {

// The run of looks that one signal has seen on one subject. Counters stop at the signal's
// thresholds.
struct Detector {
    int bad = 0;
    int good = 0;               // in a row, after a bad one
    std::uint64_t history = 0;  // with `of`: one bit per judged look, the newest lowest, 1 is bad
    Instant first_bad{};
    Instant last_bad{};
    Instant tripped{};
    bool raised = false;

    friend bool operator==(const Detector&, const Detector&) = default;
};

// Sorted in one piece of memory: most subjects hold a handful, and there are many subjects.
template <class Value>
using SmallMap = boost::container::flat_map<std::string, Value>;

struct SubjectState {
    Instant first_seen{};
    Instant last_seen{};
    SmallMap<std::string> attributes;  // of all its looks
    Looks looks;
    SmallMap<Detector> detectors;  // by signal id; absent: never saw a bad look
    SmallMap<double> last_facts;   // the newest value of every fact that a proof compares with: a
                                   // counter's value from before an outage
    std::string version;
    Instant version_since{};  // when it moved to `version`; the epoch when it never moved

    // From here on it is part of the index: it follows from the rest.
    Instant fades{};           // when its sight alarm rings; the epoch: it has none
    bool visible = false;      // a look that could be judged is fresh
    std::uint8_t counted = 0;  // among the members of the groups that ask for good peers, by bit
    std::uint8_t counted_good = 0;                // as a good one
    mutable std::shared_ptr<const Family> above;  // null: nobody asked yet
};

struct ActiveSymptom {
    Now raised;
    std::string evidence;
    std::string incident;  // the case it belongs to
};

enum class IncidentPhase { open, escalated, closed };

struct Incident {
    std::string id;
    std::string symptom;
    Subject subject;
    Now opened;
    Now cleared;  // its own symptom, the last time; the epoch while that is there
    Now closed;
    IncidentPhase phase = IncidentPhase::open;
    std::string end;  // absorbed, or the words of end_of()
    std::string absorbed_into;
    std::string escalated_why;
    std::set<SymptomKey> linked;  // explained by this cause, the cause itself included
    std::optional<PlanMade> plan;
    Now planned;
    std::optional<Decision> decision;  // the newest
    Now decided;
    std::optional<Approval> approval;  // of the newest decision
    Now approved;
    std::optional<Acknowledged> acknowledged;  // of what a lever destroyed
    Now acknowledged_at;
    std::vector<std::string> intents;
};

enum class IntentPhase { in_flight, ambiguous, verifying, done };

struct ProofProgress {
    int looks = 0;
    Instant first{};
    Instant last{};
    bool reset_seen = false;

    friend bool operator==(const ProofProgress&, const ProofProgress&) = default;
};

struct IntentState {
    Intent intent;
    Now fired;
    IntentPhase phase = IntentPhase::in_flight;
    std::optional<Diagnosed> diagnosed;  // what was seen before the call
    std::optional<Outcome> outcome;
    Now ended;  // when the outcome was known, or settled
    std::optional<Settled> settled;
    std::optional<Verdict> verdict;
    Now judged;
    std::vector<ProofProgress> proof;            // one per step of the lever's contract
    std::map<std::string, double> facts_before;  // reset_fact -> its last value before firing
    std::set<std::pair<std::string, Subject>> tripped_before;  // on the subject or below it
};

struct StopSwitch {
    bool stopped = false;
    std::string who;
    std::string why;
    Now since;
    Instant until{};  // the epoch: until somebody lifts it
};

struct Veto {
    VetoSet set;
    Now since;
};

struct Breaker {
    BreakerPhase phase = BreakerPhase::closed;
    std::int64_t allowed = 0;
    std::string why;
    Now since;
};

// One intent of the last day, for cool-downs, attempts and budgets. One that was refused before
// anything was sent is taken out again: it cost nothing.
struct Firing {
    Instant at{};
    std::string intent;
    std::string incident;
    std::string symptom;
    std::string lever;
    Subject subject;
    std::string resource;
};

// What a lever did for a symptom, and what the symptom does when it is left alone.
struct Record {
    std::deque<std::pair<Instant, VerdictKind>> verdicts;  // the newest 50
    int in_a_row = 0;             // recoveries since the last other verdict, rejection or veto
    std::deque<Millis> to_green;  // incident opened to recovered; the newest 50
};
struct Baseline {
    int cases = 0;   // incidents that ended without a lever of ours
    int healed = 0;  // of those, by themselves
    std::deque<Millis> to_green;
};
struct Autonomy {
    bool earned = false;
    std::string why;
    Now since;
};

struct ObserverState {
    bool trusted = true;
    std::string why;
    Now since;
    Instant doubt_began{};  // of the newest doubt; what was not heard in it is no silence
    Instant doubt_ended{};  // levers wait a dwell from here
};

// See SelfReport; not kept over a restart.
struct SelfReported {
    std::string why;
    Now since;
};

struct GoodVersion {
    std::string version;
    Now since;
};

// What leverd knows about its own memory.
struct HistoryState {
    bool doubted = false;  // shorter or another one than the witness knows; nobody accepted it yet
    std::string why;
    std::string accepted;  // the doubt that a person took back last
    Now since;             // of the doubt, or of the acceptance
    Now first;             // when this history began with nothing before it; the epoch: not known
};
// How the timeline went over the newest restart.
struct TimeBridge {
    Now since;
    Millis away{0};
    Millis proven{0};
};
// A time in which no process of leverd listened, between two that did.
struct Absence {
    Instant began{};
    Instant ended{};
};
// One probe's looks at one subject cannot judge. Only such looks are held, so the cost of asking
// how long they have lasted follows what cannot be seen, not what is watched.
struct Unseen {
    Now since;  // the first of the run
    Reason reason = Reason::ok;
};
struct Blindness {
    Now since;
    std::string why;
};

struct DecisionKey {
    std::string symptom;
    std::string lever;
    std::string mode;
    std::string reason;

    friend auto operator<=>(const DecisionKey&, const DecisionKey&) = default;
};

// Who sets a veto or lifts the stop switch when no person does.
inline constexpr const char* own_name = "leverd";
// The symptom of a case that a person opened by firing a lever; no row of a table has this name.
inline constexpr const char* by_hand_symptom = "by-hand";

// Which case belongs to which page. A page's cases are those that are still held.
struct PageGroup {
    std::set<std::string> open;                       // its cases that are not closed
    std::set<std::string> closed;                     // those that are, as long as they are held
    std::set<std::pair<Subject, std::string>> about;  // subject, symptom: all it ever told of
    Instant joined{};                                 // the newest case
    int ended_by_lever = 0;  // cases that were over since the page was resolved last
    int ended_alone = 0;
    Now emptied;  // when the last open case closed
};
struct PageBook {
    std::map<std::string, PageGroup> groups;                     // by key of the page
    std::map<std::string, std::string> keys;                     // incident -> key
    std::map<Subject, std::map<std::string, std::string>> last;  // subject, symptom -> newest key
    std::deque<std::pair<Instant, std::string>> resolved;        // oldest first
    std::int64_t storms = 0;                                     // made so far
    std::int64_t made = 0;                                       // versions of pages made so far
    std::set<std::string> open;                                  // pages that are not resolved
};

constexpr auto pages_kept = std::chrono::hours{24 * 7};  // a resolved page
constexpr std::size_t resolved_pages_kept = 1000;

constexpr auto firings_kept = std::chrono::hours{24 * 30};  // no cool-down is longer

struct State {
    std::map<Subject, SubjectState> subjects;
    LookShapes shapes;  // of the looks in `subjects`
    std::set<std::pair<std::string, Subject>>
        tripped;  // signal id, subject: detectors over their threshold
    std::map<SymptomKey, ActiveSymptom> symptoms;
    std::map<std::string, Incident> incidents;   // open ones and the newest closed ones
    std::map<std::string, IntentState> intents;  // those of the incidents held
    std::map<std::string, std::string>
        own_moves;  // subject text -> version that a lever of ours gave it
    std::map<Subject, GoodVersion> known_good;  // image -> seen in service while all was well
    std::deque<Firing> firings;                 // of the last `firings_kept`, oldest first
    std::map<std::string, Veto> vetoes;         // by id, those that hold
    std::map<std::pair<std::string, Subject>, std::vector<Instant>>
        changes;  // signal, subject: when its looks turned good or bad, within the flap window
    std::set<std::pair<std::string, Subject>> flapping;  // signal, subject
    std::set<Subject> local_faults;                      // their newest look failed on our own side
    std::map<std::pair<Subject, std::string>, Unseen> unseen;  // subject, probe
    std::map<std::string, Blindness> blind;                    // by kind of subject
    Breaker breaker;
    std::map<std::pair<std::string, std::string>, Record> records;  // symptom, lever
    std::map<std::string, Baseline> baselines;                      // by symptom
    std::map<std::string, Autonomy> autonomy;                       // by policy
    PageBook book;                       // which case is told by which page
    std::map<std::string, Paged> pages;  // by key: open ones, and resolved ones for `pages_kept`
    std::map<DecisionKey, std::int64_t> decision_counts;  // since the ledger began
    // What is above each subject that was asked about and that nobody has seen; of the others it
    // is kept with them. Emptied whenever it could have changed.
    mutable std::map<Subject, std::vector<Subject>> ancestry;
    Index index;    // follows from all the rest
    Agenda agenda;  // what to look at next; not durable
    StopSwitch stop;
    ObserverState observer;
    HistoryState history;
    TimeBridge bridge;
    std::vector<Absence> absences;  // by time
    bool ledger_writable = true;
    std::map<std::pair<std::string, std::string>, SelfReported> self_reports;  // state, about
    std::int64_t self_reports_made = 0;
    std::string config_hash;
    Now started;
    std::int64_t incidents_made = 0;
    std::int64_t decisions_made = 0;
    std::int64_t intents_made = 0;
    std::int64_t vetoes_made = 0;
    int incidents_open = 0;
    int intents_open = 0;
};

}  // namespace leverd
