// Why: a policy is permission as data: for symptom x lever x subjects, how far leverd may go by
// itself, within which limits. Nothing that is not spelled here is permitted.
#pragma once

#include "core/base/time.hpp"

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
    Millis cool_down{1'800'000};  // per lever and subject, from the moment of firing
    int attempts = 1;             // per incident
    int per_hour = 2;             // of this lever, all subjects
    int blast_percent = 10;       // of the subjects of that kind that we can see, floor of 1
    int blast_count = 1;  // absolute, whichever is smaller; subjects touched in the last hour
    Millis approval_ttl{900'000};
    Millis verify_timeout{600'000};  // from the end of the propagation delay
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
    ObserverRules observer;
    bool freeze_active = false;
};

}  // namespace leverd
