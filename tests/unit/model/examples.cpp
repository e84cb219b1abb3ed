// Why: see examples.hpp.
#include "tests/unit/model/examples.hpp"

namespace leverd::test {

Observation example_observation() {
    Observation o;
    o.subject = Subject("tenant/acme");
    o.probe = "tenant_health";
    o.health = Health::failing;
    o.reason = Reason::http_5xx;
    o.origin = Origin::target;
    o.evidence = "503 \"busy\" \\ caf\xC3\xA9";
    o.version = "sha256:abc";
    o.attributes = {{"runtime", "hermes"}, {"tenant", "acme"}};
    o.facts = {{"failed_percent", 33.3}, {"requests", 12}};
    o.seen = Now{at_millis(1'000), WallTime{Millis{1'778'090'400'250}}};
    o.took = Millis{42};
    o.phases = Phases{Millis{1}, Millis{2}, Millis{3}, Millis{4}, Millis{5}};
    return o;
}

Plan example_plan() {
    Plan p;
    p.lever = "tenant-redeploy";
    p.subject = Subject("tenant/acme");
    p.resource = "tenant/acme";
    p.target_version = "sha256:def";
    p.params = {{"slug", "acme"}};
    p.moves = {{"tenant/acme", "sha256:abc"}};
    p.calls = {Call{"POST", "https://cp.example/redeploy", "{}", "redeploys one tenant"},
               Call{"GET", "https://cp.example/ok", "", "looks"}};
    p.steps = {"open the console", "press the button"};
    p.warnings = {"variables go back too"};
    return p;
}

std::vector<EntryBody> example_bodies() {
    const Subject acme("tenant/acme");
    return {
        Started{"0.1.0", "cfg1", "boot1", 9'007'199'254'740'993, true, Millis{9}, Millis{8}},
        ConfigLoaded{"cfg2"},
        Observed{example_observation(), 17, at_millis(900), 0, {}},
        SymptomRaised{"tenant-unreachable", acme, "three looks"},
        SymptomCleared{"tenant-unreachable", acme, "two good looks"},
        IncidentOpened{"i-1", "tenant-unreachable", acme},
        IncidentLinked{"i-1", "workspace-offline", Subject("workspace/acme/w1")},
        IncidentClosed{"i-1", "absorbed", "i-0"},
        IncidentEscalated{"i-1", "attempts used up"},
        PlanMade{"i-1", true, "none", example_plan()},
        Decision{"d-1",
                 "i-1",
                 "tenant-unreachable",
                 acme,
                 "tenant-redeploy",
                 "p-1",
                 Mode::automatic,
                 Action::fire,
                 "permitted",
                 "h-1",
                 {GuardVerdict{"stop", true, "off", "off", "the switch is off"},
                  GuardVerdict{"budget", false, "3", "2", "too many this hour"}},
                 2},
        Approval{"d-1", "h-1", true, "ops", "looks right"},
        Intent{"n-1", "d-1", "i-1", "tenant-redeploy", acme, example_plan(), "n-0"},
        Outcome{"n-1", OutcomeKind::accepted, "202", {{"replaced_by", "workspace/acme/w2"}}},
        Settled{"n-1", Took::yes, "the target restarted"},
        Verdict{"n-1", VerdictKind::not_recovered, "still 503"},
        StopSet{true, "ops", "maintenance", at_millis(3'600'000)},
        ObserverChanged{true, "references answer"},
        Paged{"i-1", 3, PageStatus::recovered, Severity::critical, "acme is down", "text",
              "it answers again", "held/cool_down", acme, "tenant-unreachable", "i-2",
              "tenant-redeploy", "cool_down",
              Now{at_millis(900), WallTime{Millis{1'778'090'400'000}}},
              Now{at_millis(1'900), WallTime{Millis{1'778'090'401'000}}},
              Now{at_millis(2'000), WallTime{Millis{1'778'090'401'100}}}, true, 2, "window demo"},
        VetoSet{"v-1", "tenant/*", "tenant-redeploy", at_millis(7'200'000), "ops", "a demo", true},
        VetoLifted{"v-1", "ops", "the demo is over"},
        FlapChanged{"tenant-health", acme, true, "5 changes in 10 min"},
        BreakerChanged{BreakerPhase::half_open, 1, "the storm is over"},
        AutonomyChanged{"p-1", true, "5 of 5 recovered"},
        Diagnosed{"i-1",
                  "n-1",
                  {Diagnostic{"boot_events", acme, true, "{\"events\":[]}"},
                   Diagnostic{"activity", acme, false, "time-out"}}},
        KnownGood{Subject("image/molecule-ai/platform"), "sha256:abc"},
        PageJoined{"i-1", "i-2"},
        Acknowledged{"i-1", "mara", "recreated by hand"},
        Snapshotted{42, "h-42", "d-42", 1'000},
        Compacted{42, "h-42", 41, WallTime{Millis{1'778'090'400'250}}},
        HistoryDoubted{"shorter", 42, "h-42", 17, "h-17"},
        HistoryAccepted{"ops", "restored on purpose"},
        BlindChanged{"tenant", true, Now{at_millis(5), {}}, "a credential was rotated"},
    };
}

}  // namespace leverd::test
