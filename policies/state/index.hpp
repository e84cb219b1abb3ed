// Why: what would otherwise be found by looking through everything that is open or known. All of it
// follows from the rest of the state; `rebuild` in touch.hpp makes it anew.
#pragma once

#include "policies/state/agenda.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace leverd {

using Family = std::vector<Subject>;

// Lists of what is above a subject. Most subjects share theirs with others.
class Families {
  public:
    std::shared_ptr<const Family> of(Family wanted);

  private:
    struct ByValue {
        bool operator()(const auto& a, const auto& b) const { return *a < *b; }
    };
    std::set<std::shared_ptr<const Family>, ByValue> known_;
    std::size_t tidy_at_ = 256;
};

// One tripped run of one member of a group.
struct MemberRun {
    Instant tripped{};
    Instant first_bad{};
    Subject distinct;
    Instant seen = Instant::min();  // its newest look that could be judged; min: there is none
    bool forbidden = false;         // by the row's `unless`
};

// Counted runs of a group, each added and removed once.
struct Counted {
    std::set<RunKey> runs;
    std::map<Subject, int> members;
    std::map<Subject, int> distinct;
    std::set<std::pair<Instant, RunKey>> by_tripped;
    std::set<std::pair<Instant, RunKey>> by_first_bad;

    void add(const RunKey& key, const MemberRun& run);
    void remove(const RunKey& key, const MemberRun& run);
};

// The tripped members of one group of one row.
struct GroupTally {
    std::map<RunKey, MemberRun> runs;
    std::set<std::pair<Instant, RunKey>> by_seen;
    Counted all;     // those that no `unless` forbids
    Counted recent;  // of these, tripped within the rule's time
    // Per distinct parent of a recent member: does it have members of other groups, a good one?
    std::map<Subject, std::pair<bool, bool>> others;
    int others_any = 0;
    int others_good = 0;
};

// Members under one distinct parent, by group: how many there are and how many are good.
struct Peers {
    int known = 0;
    int good = 0;
};

// The newest good look of one probe at a subject of one kind without a bad run.
struct Witness {
    Instant seen = Instant::min();
    Subject who;  // empty: there was none when all were asked
};

struct Index {
    std::map<Subject, std::set<std::string>> symptoms_on;
    std::map<Subject, std::set<std::string>> open_on;       // open incidents
    std::map<Subject, std::set<std::string>> held_on;       // incidents, closed ones too
    std::map<std::string, std::set<SymptomKey>> linked_to;  // incident -> active symptoms
    std::set<SymptomKey> loose;  // active symptoms that no open incident holds
    std::set<std::string> open_cases;
    std::set<std::pair<Instant, std::string>> closed_cases;
    std::map<std::string, std::string> case_of;  // decision -> incident whose newest it is
    // Incidents that no other absorbed, by their cause, and when each cause was opened last.
    std::map<SymptomKey, std::set<std::pair<Instant, std::string>>> openings;
    std::set<std::pair<Instant, SymptomKey>> causes;
    std::set<std::string> at_work;  // intents that are not done
    std::set<std::string> worse;    // intents judged so
    std::set<std::string> undone;   // intents that another takes back
    // Subjects with a tripped run, a symptom or an open incident, under each subject above them.
    std::set<Subject> uneasy;
    std::map<Subject, std::set<Subject>> uneasy_below;
    std::set<Subject> running;                   // with a run of any length
    std::set<std::pair<Instant, RunKey>> trips;  // tripped runs by when they began
    std::int64_t trip_changes = 0;
    std::map<SymptomKey, GroupTally> tallies;  // group row, group
    std::map<SymptomKey, int> in_sight;        // group row, group -> members that can be judged
    std::map<std::pair<std::string, Subject>, std::map<Subject, Peers>>
        peers;  // row, distinct parent -> by group
    std::map<std::string, int, std::less<>> known_of_kind;
    std::map<std::pair<std::string, std::string>, int>
        reach;  // policy id, kind -> subjects in sight that it names
    mutable std::map<std::pair<std::string, std::string>, Witness> witnesses;  // kind, probe
    // Under subjects whose own place in the topology hangs on what is seen of them.
    mutable std::map<Subject, std::set<Subject>> dependents;
    mutable Families families;
};

}  // namespace leverd
