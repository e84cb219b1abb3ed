// Why: the runbook's table as data. Signals say which looks count as bad, symptoms are the rows of
// the table, and the topology says what depends on what. The engine knows none of their names.
#pragma once

#include "core/model/observation.hpp"
#include "core/model/severity.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leverd {

enum class Compare { less, less_equal, equal, greater_equal, greater };

// "failed_percent >= 100": a condition on one fact of an observation. An absent fact never
// satisfies it.
struct FactCondition {
    std::string fact;
    Compare compare = Compare::equal;
    double value = 0;

    friend bool operator==(const FactCondition&, const FactCondition&) = default;
};

// A run of looks of one probe kind on one subject.
// bad    - health is one of `bad_health`, the reason is in `reasons` (when that is not empty), and
// every `where` holds good   - health is healthy, or degraded when degraded is not in `bad_health`
// other looks (unknown, or bad in another way than this signal's) leave the run as it is
struct Signal {
    std::string id;
    std::string subject_kind;
    std::string probe;
    std::vector<Health> bad_health{Health::failing};
    std::vector<Reason> reasons;         // empty: any
    std::vector<Reason> except_reasons;  // these count for nothing
    std::vector<FactCondition> where;
    int looks = 3;        // bad looks, with no good look between them
    int of = 0;           // then `looks` bad ones among the last `of`, in any order; at most 64
    int clear_looks = 2;  // good looks in a row
    Millis spread{0};     // at least this long between first and last bad look
    // Per value of an attribute another `spread`, e.g. attribute "runtime": hermes = 31m.
    std::string spread_attribute;
    std::map<std::string, Millis> spread_by;
    // A fact of the look, in seconds: what the subject itself says that it needs. The longer one
    // counts, at most 6 h of it.
    std::string spread_fact;
    // No look at all for this long is a bad look of its own, reason `silent`; zero: not used. The
    // deadline counts from the last look, also over a restart.
    Millis silent_after{0};
};

// A run that changes between good and bad too often is flapping. Each change within `window` counts
// 1 when new, falling to 0.5 when old; from `start` it flaps, below `stop` it no longer does.
struct FlapRules {
    Millis window{1'800'000};
    double start = 6;
    double stop = 3;
};

// A fault shared by several subjects: members are subjects of `member_kind` whose parent (by
// topology) is the group.
struct GroupRule {
    std::string member_kind;
    int min_members = 2;
    std::string
        distinct_kind;    // count distinct parents of this kind instead of members; empty: members
    int min_percent = 0;  // of the group's members that we can see
    Millis within{0};     // members counted only when their signal was raised this recently
    bool others_work =
        false;  // some member of another group, under the same distinct parents, must be good
    std::string after_change_of;    // glob over subjects whose version must have moved ...
    Millis after_change_within{0};  // ... this recently (zero: rule not used)

    friend bool operator==(const GroupRule&, const GroupRule&) = default;
};

// Which lever is first for a row; the first entry whose `subjects` glob matches wins.
struct LeverChoice {
    std::string subjects = "**";    // "**" = every subject of the row
    std::string lever;              // lever id, or "none"
    std::vector<std::string> then;  // the next rungs, one after the other when a rung did not help
};

struct Symptom {
    std::string id;
    std::string title;        // the runbook's words
    std::string first_lever;  // the runbook's words, "Lever D (delete + reprovision)"
    std::string note;         // what to do besides
    std::string subject_kind;
    // Signal ids. One counts as raised for a subject when it is raised on it or on anything above.
    std::vector<std::string> any;      // one raised is enough
    std::vector<std::string> all;      // every one must be raised
    std::vector<std::string> not_all;  // forbidden while every one of them is raised
    std::vector<std::string> unless;   // one raised forbids
    Millis within{0};  // of `all`: from the first to trip to the last; zero: no limit
    std::vector<Subject> requires_healthy;  // their newest look must be fresh and good
    bool needs_working_sibling =
        false;  // another subject of the same kind must be good (when there is another)
    std::optional<GroupRule> group;  // then `any` and `unless` speak about the members
    std::vector<LeverChoice> levers;
    Millis dwell{0};  // from raised to the first lever: lets a shared cause show itself
    Severity severity = Severity::critical;  // of its pages
    int row = 0;  // place in the runbook's table, 1-based; 0: not a row of the table
};

// "workspace" depends on "tenant/{tenant}" and "runtime/{runtime}": {x} is an attribute of the
// child, {name} its name.
struct TopologyRule {
    std::string kind;
    std::vector<std::string> parents;
};

struct Runbook {
    std::vector<Signal> signals;
    std::vector<Symptom> symptoms;
    std::vector<TopologyRule> topology;
    FlapRules flap;
    Millis fresh_for{120'000};  // a look older than this is no evidence
    // What a cause explained is held by its case this long after the cause cleared: effects clear
    // later than causes.
    Millis clearing_time{120'000};
    Millis gone_after{900'000};   // a subject that nobody saw for this long is forgotten
    Millis blind_after{300'000};  // nothing but looks that cannot judge for this long is blindness
};

}  // namespace leverd
