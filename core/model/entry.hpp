// Why: the ledger's entries are the only thing from which leverd's state is folded: what happened,
// what was decided and why. Each is a plain struct with an exact JSON form (codec.hpp).
#pragma once

#include "core/model/lever.hpp"
#include "core/model/observation.hpp"
#include "core/model/policy.hpp"
#include "core/model/severity.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace leverd {

// A process began to write. `boottime_ms` with `boot_id` carries the timeline over restarts.
struct Started {
    std::string version;
    std::string config_hash;
    std::string boot_id;
    std::int64_t boottime_ms = 0;
    bool first = false;  // no history and no witness of one were there
    Millis away{0};      // since the newest entry, by the calendar or by the boot clock
    Millis proven{0};    // of that, what no wrong calendar can have made up; timers went on by it
};
struct ConfigLoaded {
    std::string hash;
};
// Where the run of one signal stood after a look that stands for several.
struct SignalRun {
    std::string signal;
    std::int64_t bad = 0;
    std::int64_t good = 0;
    std::int64_t history = 0;
    Instant first_bad{};
    Instant last_bad{};
    Instant tripped{};
    bool raised = false;
    std::int64_t changes = 0;  // between good and bad, in the looks that were left out

    friend bool operator==(const SignalRun&, const SignalRun&) = default;
};
// A look that changed what the engine holds; `repeats` looks of the previous value ended at
// `previous_until`. While a subject flaps, one look stands for the `left_out` before it, and `runs`
// says where they left its signals.
struct Observed {
    Observation observation;
    std::int64_t repeats = 0;
    Instant previous_until{};
    std::int64_t left_out = 0;
    std::vector<SignalRun> runs{};
};
struct SymptomRaised {
    std::string symptom;
    Subject subject;
    std::string evidence;
};
struct SymptomCleared {
    std::string symptom;
    Subject subject;
    std::string why;
};
struct IncidentOpened {
    std::string incident;
    std::string symptom;
    Subject subject;
};
// The symptom is explained by this incident's cause.
struct IncidentLinked {
    std::string incident;
    std::string symptom;
    Subject subject;
};
// end: absorbed (into `into`), or how it ended by itself or by a lever: the words of end_of() in
// policies/losses.hpp. Older entries say self_healed where now gone, unproven or lost stands.
struct IncidentClosed {
    std::string incident;
    std::string end;
    std::string into;
};
// A person saw to what a lever destroyed and nothing replaced; the case may end now.
struct Acknowledged {
    std::string incident;
    std::string who;
    std::string why;
};
struct IncidentEscalated {
    std::string incident;
    std::string why;
};
struct PlanMade {
    std::string incident;
    bool ok = false;
    std::string problem;
    Plan plan;
};

enum class Action { none, hold, recommend, ask, fire };
struct GuardVerdict {
    std::string guard;
    bool pass = false;
    std::string value;
    std::string limit;
    std::string text;

    friend bool operator==(const GuardVerdict&, const GuardVerdict&) = default;
};
// Always produced, also when nothing is done. `reason` is the first guard that held it, or
// "permitted".
struct Decision {
    std::string id;
    std::string incident;
    std::string symptom;
    Subject subject;
    std::string lever;
    std::string policy;  // policy id, empty when none matched
    Mode mode = Mode::observe;
    Action action = Action::none;
    std::string reason;
    std::string
        hash;  // over evidence + lever + parameters + target version: what an approval is bound to
    std::vector<GuardVerdict> guards;
    std::int64_t rung = 1;  // of the row's ladder, from 1
};
struct Approval {
    std::string decision;
    std::string hash;
    bool approved = false;
    std::string who;
    std::string why;
};
struct Intent {
    std::string id;
    std::string decision;
    std::string incident;
    std::string lever;
    Subject subject;
    Plan plan;
    std::string undoes;        // the intent whose effect this one takes back, else empty
    Millis verify_timeout{0};  // of its policy when it fired; zero: an older leverd fired it
};
struct Outcome {
    std::string intent;
    OutcomeKind kind = OutcomeKind::unknown;
    std::string detail;
    std::map<std::string, std::string> results;  // "replaced_by" -> subject text, new ids
};
// An ambiguous outcome settled by looking at the target.
struct Settled {
    std::string intent;
    Took took = Took::unclear;
    std::string detail;
    std::map<std::string, std::string> results = {};  // as of Outcome
};
struct Verdict {
    std::string intent;
    VerdictKind kind = VerdictKind::inconclusive;
    std::string why;
};
// `until`: lifts itself then; the epoch: stays until somebody lifts it.
struct StopSet {
    bool stopped = false;
    std::string who;
    std::string why;
    Instant until{};
};
// Holds levers on subjects, never looks, verification or a lever already under way.
struct VetoSet {
    std::string id;
    std::string subjects;  // glob
    std::string lever;     // empty: every lever
    Instant until{};       // the epoch: until somebody lifts it
    std::string who;
    std::string why;
    bool mute = false;  // what it covers pages nobody either
};
struct VetoLifted {
    std::string id;
    std::string who;
    std::string why;
};
struct FlapChanged {
    std::string signal;
    Subject subject;
    bool flapping = false;
    std::string why;
};
// closed: levers go; open: none goes; half_open: `allowed` may be in flight at once.
enum class BreakerPhase { closed, open, half_open };
struct BreakerChanged {
    BreakerPhase phase = BreakerPhase::closed;
    std::int64_t allowed = 0;
    std::string why;
};
// The record of a policy with `auto_after` came to suffice, or no longer does.
struct AutonomyChanged {
    std::string policy;
    bool earned = false;
    std::string why;
};
struct ObserverChanged {
    bool trusted = false;
    std::string why;
};
// Looks that could not judge (health unknown) went on for too long, or one judged again. `what` is
// a kind of subject; `since` is when the first of the looks that still cannot judge ended.
struct BlindChanged {
    std::string what;
    bool blind = false;
    Now since;
    std::string why;
};
// What one read-only diagnostic said before a lever could change it: shapes, statuses and error
// classes, never chat and never a token.
struct Diagnostic {
    std::string what;  // infra_state, boot_events, activity
    Subject subject;
    bool ok = false;
    std::string text;  // at most diagnostic_bytes_max; why it could not be read when not ok

    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};
inline constexpr std::size_t diagnostic_bytes_max = 4096;
struct Diagnosed {
    std::string incident;
    std::string intent;
    std::vector<Diagnostic> diagnostics;
};
// The image was this one through a whole dwell in which nothing was wrong.
struct KnownGood {
    Subject subject;  // image/<repository>
    std::string version;
};
// The state as folded from the first entry to `through` lies beside the ledger's entries, under the
// same number; its SHA-256 is `digest`. A start folds only what came after.
struct Snapshotted {
    std::int64_t through = 0;
    std::string hash;  // of entry `through`
    std::string digest;
    std::int64_t bytes = 0;
};
// Entries up to `through` are no longer kept; the chain goes on from `hash`, which entry `through`
// had.
struct Compacted {
    std::int64_t through = 0;
    std::string hash;
    std::int64_t entries = 0;  // that were removed
    WallTime until{};          // of the newest of them
};
// The ledger is shorter or another one than the witness knows. No lever fires until a person says
// that this history is the one to go on with.
struct HistoryDoubted {
    std::string why;
    std::int64_t known = 0;  // what the witness knows: number and hash of an entry
    std::string known_hash;
    std::int64_t found = 0;  // where the ledger ended
    std::string found_hash;
};
struct HistoryAccepted {
    std::string who;
    std::string why;
};
// firing: a person is wanted. recovered: nothing is wrong any more, and leverd watches whether it
// stays so (a quiet update). resolved: it stayed so for one clearing time.
enum class PageStatus { firing, recovered, resolved };
// One version of what a person is told about one group: a case, a storm of cases, or a state of
// leverd itself. Later versions of a key replace earlier ones.
struct Paged {
    std::string key;           // the same through the group's whole life, also when it comes back
    std::int64_t version = 0;  // grows by one per key, never used again; 0: from an older leverd
    PageStatus status = PageStatus::firing;
    Severity severity = Severity::warning;
    std::string title;
    std::string text;      // all of it, as it stands now
    std::string news;      // what is new in this version; empty for the first
    std::string state;     // the row of the page table, "held/cool_down"
    Subject subject;       // empty: of leverd itself, or of several
    std::string symptom;   // empty likewise
    std::string incident;  // the newest open case of the group
    std::string lever;
    std::string guard;       // the first that holds the lever
    Now since;               // of the first bad look
    Now ended;               // when nothing was wrong any more; the epoch while it is
    Now at;                  // of this version
    bool again = false;      // it had been over and came back
    std::int64_t times = 0;  // how often it came back
    std::string muted;       // by which window or veto: recorded, sent to nobody
    bool unwritten = false;  // sent although the ledger could not be written; in no ledger
};
// A case belongs to this page from now on.
struct PageJoined {
    std::string key;
    std::string incident;
};

using EntryBody =
    std::variant<Started, ConfigLoaded, Observed, SymptomRaised, SymptomCleared, IncidentOpened,
                 IncidentLinked, IncidentClosed, IncidentEscalated, PlanMade, Decision, Approval,
                 Intent, Outcome, Settled, Verdict, StopSet, ObserverChanged, Paged, VetoSet,
                 VetoLifted, FlapChanged, BreakerChanged, AutonomyChanged, Diagnosed, KnownGood,
                 PageJoined, Acknowledged, Snapshotted, Compacted, HistoryDoubted, HistoryAccepted,
                 BlindChanged>;

struct Entry {
    Now now;
    EntryBody body;
};

}  // namespace leverd
