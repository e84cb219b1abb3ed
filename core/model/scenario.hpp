// Why: a scenario is a policy's unit test as data: a stack that is green unless it says otherwise,
// what happens to it and what people say, and which decisions must follow. The reader (config) and
// the runner (policies) share these structs and nothing else.
//
// Every time counts from the start of the scenario.
#pragma once

#include "core/model/entry.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leverd {

struct ScenarioPlace {
    std::string file;
    int line = 0;
    int column = 0;
};

// Looks good at this pace as long as no ScenarioLook speaks about the same subject and probe.
struct ScenarioGreen {
    std::vector<Subject> subjects;
    std::string probe;
    Millis every{10'000};
    Facts facts;
    std::string version;
    Attributes attributes;
};

// What is seen from `from` on; where several hold at once the last one written counts.
struct ScenarioLook {
    Millis from{0};
    std::optional<Millis> to;     // nullopt: until the end
    std::optional<Millis> every;  // nullopt: the pace of the green one
    std::vector<Subject> subjects;
    std::string probe;
    bool silent = false;  // nothing is seen at all
    Health health = Health::failing;
    Reason reason = Reason::ok;
    Origin origin = Origin::target;
    std::string evidence;
    Facts facts;
    std::string version;
    Attributes attributes;
    // Over once this lever took effect on the subject, or on a subject of another kind (a platform
    // rollback mends its tenants). Empty: no lever mends it.
    std::string healed_by;
    Millis healed_after{0};
};

// How a lever behaves; the first whose `subject` matches counts. Without one a plan is good at once
// and a call is accepted after a second.
struct ScenarioLever {
    std::string lever;
    std::string subject = "**";  // glob
    bool plan_ok = true;
    std::string problem;   // why there is no plan
    std::string resource;  // empty: the subject itself
    std::string target_version = "v1";
    OutcomeKind outcome = OutcomeKind::accepted;
    Millis after{1'000};
    Took took = Took::yes;           // what looking says after an unknown outcome
    Health proof = Health::healthy;  // the lever's own looks while it is verified
    std::string replaced_by;         // the subject that stands in afterwards
    // What good looks of the subject carry from then on: a counter that began anew.
    Facts then_facts;
    std::string then_version;
};

struct ScenarioSay {
    enum class What {
        stop,
        resume,
        veto,
        unveto,
        approve,
        reject,
        reload,
        restart,
        clock_step,
        ledger,
    };
    Millis at{0};
    What what = What::stop;
    std::string text;   // subject, veto id, path of a config ...
    std::string lever;  // of a veto
    std::string who = "ops";
    std::string why = "scenario";
    Millis lasts{0};             // zero: until it is lifted
    std::optional<Millis> seen;  // the answer is to the question that stood then; nullopt: at `at`
    Millis step{0};              // of the wall clock
    bool writable = true;        // the ledger
    ScenarioPlace place;
};

// A filter over decisions, verdicts and ends; what is left empty matches all.
struct ScenarioExpect {
    bool never = false;          // nothing in [from, by] may match
    std::optional<Millis> at;    // what stands then: the newest decision about the subject
    std::optional<Millis> from;  // nullopt: the start
    std::optional<Millis> by;    // nullopt: the end
    std::string subject;         // glob; empty: any
    std::string symptom;
    std::string lever;
    std::string policy;
    std::string reason;
    std::string guard;  // the first that blocks
    std::string text;   // part of that guard's text, or of the verdict's
    std::optional<Action> action;
    std::optional<Mode> mode;
    std::optional<int> rung;
    std::optional<VerdictKind> verdict;  // then verdicts are looked at, not decisions
    std::string end;                     // "recovered" ...: then ends of incidents are looked at
    ScenarioPlace place;
};

// "What if I turned this on?": departures from the config's rules.
struct ScenarioWhatIf {
    std::optional<Mode> mode_ceiling;
    std::optional<int> quorum;
    std::optional<bool> freeze;
    std::vector<std::pair<std::string, Mode>> modes;  // by policy id
    ScenarioPlace place;
};

struct Scenario {
    std::string name;
    std::string config;  // path; empty: the caller's
    WallTime start{};
    Millis lasts{0};  // zero: five minutes after the last thing written
    ScenarioWhatIf what_if;
    std::vector<ScenarioGreen> green;
    std::vector<ScenarioLook> looks;
    std::vector<ScenarioLever> levers;
    std::vector<ScenarioSay> says;
    std::vector<ScenarioExpect> expects;
    std::optional<int> incidents;                   // opened in all
    std::optional<int> fired;                       // levers in all
    std::optional<std::vector<std::string>> pages;  // a part of each title, in order, no others
    ScenarioPlace place;
};

}  // namespace leverd
