// Why: a policy is permission as data: for symptom x lever x subjects, how far leverd may go by
// itself, within which limits. Nothing that is not spelled here is permitted.
#pragma once

#include "core/base/time.hpp"
#include "core/base/zone.hpp"

#include <bitset>
#include <optional>
#include <string>
#include <vector>

namespace leverd {

enum class Mode {
    observe,
    recommend,
    approve,
    automatic
};  // written observe, recommend, approve, auto

struct Limits {
    Millis cool_down{1'800'000};  // per lever and subject, and per lever and what it moves
    int attempts = 1;             // per incident; one that comes back within `recurs_within` of its
                                  // end is the same one
    Millis recurs_within{7'200'000};
    int per_hour = 2;        // of this lever, all subjects
    int per_day = 6;         // of this lever, all subjects
    int blast_percent = 10;  // of the subjects of that kind that we can see, floor of 1
    int blast_count = 1;     // absolute, whichever is smaller; subjects touched in the last hour
    Millis approval_ttl{900'000};
    Millis verify_timeout{600'000};  // from the end of the propagation delay
};

// What the record must show before mode auto is more than mode approve.
struct AutoAfter {
    int successes = 5;                  // proven recoveries in a row of this lever for this symptom
    bool better_than_baseline = false;  // more often, and sooner, than the symptom heals by itself

    friend bool operator==(const AutoAfter&, const AutoAfter&) = default;
};

struct Policy {
    std::string id;
    std::string symptom;  // a symptom id
    std::string lever;    // a lever id
    std::vector<std::string>
        subjects;  // globs; "*" is its own word for "all"; empty is refused at load
    Mode mode = Mode::recommend;
    bool irreversible_accepted = false;
    std::string owner;
    Limits limits;
    bool undo_if_worse = false;  // run the lever's inverse once when the verdict is `worse`
    std::optional<AutoAfter> auto_after;
};

// A time in which levers are held, or outside of which they are.
// A window opens and closes by the wall clock of its zone: an hour that daylight saving skips does
// not open it, an hour that comes twice opens it twice. `start` > `end` goes past midnight and
// belongs to the day on which it starts; equal: the whole day.
struct Window {
    enum class Effect { hold, only };
    std::string id;
    Effect effect = Effect::hold;  // hold: no lever inside; only: no lever outside
    std::vector<std::string> subjects{"*"};
    std::vector<std::string> levers;  // empty: all
    std::bitset<7> days{0x7f};        // Monday first
    int start = 0;                    // minute of the day, 0..1439
    int end = 0;
    Zone zone;
    std::optional<WallTime> expires;  // from then on the window is as if it were not there
    std::string owner;
    std::string reason;
    bool mute = false;  // hold only: what it covers pages nobody either
};

// Many separate incidents at once: hold new levers, then let one through, see it proven, and ramp.
struct StormRules {
    int incidents = 5;       // separate causes (absorbed ones do not count) ...
    Millis within{300'000};  // ... opened within this trip the breaker; zero incidents: not used
    Millis quiet{300'000};   // without a new one before the first lever may go
    int ramp = 4;            // levers in flight allowed at the end of the ramp: 1, 2, 4 ...
};

// A lever that helps less often than this is only recommended, whatever its policy says.
struct EffectRules {
    int floor_percent = 50;  // of the verdicts given within `window`
    int least_verdicts = 4;  // fewer say nothing
    Millis window{30LL * 86'400'000};
};

// When cases are told as one, and when a page is over.
struct PageRules {
    Millis group_wait{10'000};        // a new page waits this long for others to join it
    int group_at = 5;                 // so many cases opened within `group_within` are one storm;
    Millis group_within{300'000};     // zero cases: not used
    Millis keep_firing_for{300'000};  // without anything wrong before a page is resolved
    int grace_percent = 100;          // of every grace in the page table
};

struct ObserverRules {
    int quorum = 0;  // this many reference points must answer; 0 with no references configured
    Millis max_lateness{2'000};  // a loop later than this is a blind loop
    Millis max_clock_step{5'000};
    Millis dwell{60'000};  // trust comes back only after this long without doubt
};

struct PolicyBook {
    Mode ceiling = Mode::recommend;  // of this box
    std::vector<Policy> policies;
    std::vector<Window> windows;
    StormRules storm;
    EffectRules effect;
    ObserverRules observer;
    PageRules page;
    bool freeze_active = false;
    // An image that was in service for this long while nothing was wrong is a known good one.
    Millis known_good_after{1'800'000};
};

}  // namespace leverd
