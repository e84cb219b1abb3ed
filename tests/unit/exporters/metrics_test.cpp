// Why: the metrics are what the pager believes. Each test reads the rendered page as Prometheus
// would.
#include "exporters/prometheus/metrics.hpp"

#include "core/model/codec.hpp"
#include "tests/catch.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace leverd;
using exporters::DriverFigures, exporters::Metrics;

namespace {

Rules small_rules() {
    Rules rules;
    rules.config_hash = "c1";
    Symptom dead;
    dead.id = "tenant-unreachable";
    dead.subject_kind = "tenant";
    Symptom wedged;
    wedged.id = "workspace-errors";
    wedged.subject_kind = "workspace";
    rules.runbook.symptoms = {dead, wedged};
    Signal down;
    down.id = "down";
    down.probe = "tenant_health";
    rules.runbook.signals = {down};
    LeverContract redeploy;
    redeploy.id = "tenant-redeploy";
    rules.levers["tenant-redeploy"] = redeploy;
    Policy policy;
    policy.symptom = "tenant-unreachable";
    policy.lever = "tenant-redeploy";
    policy.mode = Mode::approve;
    rules.policies.policies = {policy};
    return rules;
}

Observation look(const std::string& subject, Health health, Reason reason, std::int64_t at = 1000) {
    Observation o;
    o.subject = Subject(subject);
    o.probe = "tenant_health";
    o.health = health;
    o.reason = reason;
    o.seen = Now{at_millis(at), WallTime{Millis{1'700'000'000'000 + at}}};
    o.took = Millis{40};
    o.phases.tls = Millis{12};
    return o;
}

void hold(State& state, const Observation& o) {
    state.subjects[o.subject].looks.keep(state.shapes, o);
}

struct Bench {
    Rules rules = small_rules();
    State state;
    DriverFigures figures;
    Metrics metrics{"0.1.0", rules};

    std::string page() { return metrics.page(state, rules, figures, now)(); }
    Now now{at_millis(50'000'000), WallTime{Millis{1'700'000'123'500}}};
    void entry(EntryBody body) { metrics.on_entry(Entry{{}, std::move(body)}); }
};

// The value of one exact series, "absent" when there is none, "double" when there are two.
std::string value_of(const std::string& page, const std::string& series) {
    std::string found = "absent";
    std::size_t at = 0;
    while (at < page.size()) {
        const auto end = page.find('\n', at);
        const auto line = page.substr(at, end - at);
        if (line.starts_with(series + " ")) {
            found = found == "absent" ? line.substr(series.size() + 1) : "double";
        }
        at = end + 1;
    }
    return found;
}

Incident incident_of(const std::string& id, IncidentPhase phase) {
    Incident i;
    i.id = id;
    i.symptom = "tenant-unreachable";
    i.subject = Subject("tenant/acme");
    i.phase = phase;
    return i;
}

Decision decision_of(Action action) {
    Decision d;
    d.action = action;
    return d;
}

IntentState intent_of(IntentPhase phase) {
    IntentState s;
    s.intent.id = "x-1";
    s.intent.lever = "tenant-redeploy";
    s.phase = phase;
    return s;
}

}  // namespace

TEST_CASE("series that are known in advance start at zero") {
    Bench b;
    const auto page = b.page();
    CHECK(page.back() == '\n');
    const std::vector<std::string> zero{
        R"(leverd_decisions_total{lever="tenant-redeploy",mode="approve",)"
        R"(reason="permitted",symptom="tenant-unreachable"})",
        R"(leverd_lever_outcomes_total{lever="tenant-redeploy",outcome="unknown"})",
        R"(leverd_lever_verdicts_total{lever="tenant-redeploy",verdict="worse"})",
        R"(leverd_observations_total{class="none",health="healthy",probe="tenant_health",)"
        R"(reason="ok"})",
        R"(leverd_pages_total{severity="critical"})",
        R"(leverd_ledger_entries_total{kind="decision"})",
        R"(leverd_incidents_open{symptom="workspace-errors"})",
        R"(leverd_incidents_escalated{symptom="workspace-errors"})",
        R"(leverd_lever_in_flight{lever="tenant-redeploy"})",
        R"(leverd_lever_outcome_unknown{lever="tenant-redeploy"})",
        R"(leverd_incidents_closed_total{end="recovered"})",
        "leverd_approval_pending",
        "leverd_stop_switch",
        "leverd_stop_switch_until_timestamp_seconds",
        "leverd_veto_active",
        "leverd_veto_oldest_timestamp_seconds",
        "leverd_storm_breaker",
        R"(leverd_flapping{signal="down"})",
        "leverd_freeze_active",
        "leverd_queue_dropped_total",
        "leverd_probe_lateness_seconds_count",
        "leverd_ledger_commit_seconds_count",
        R"(leverd_probe_duration_seconds_count{phase="total",probe="tenant_health"})",
    };
    for (const auto& series : zero) {
        INFO(series);
        CHECK(value_of(page, series) == "0");
    }
    CHECK(value_of(page, R"(leverd_build_info{version="0.1.0"})") == "1");
    CHECK(value_of(page, "leverd_clock_timestamp_seconds") == "1700000123.5");
}

TEST_CASE("the decisions metric equals the decision entries that were fed") {
    Bench b;
    const std::vector<std::string> reasons{"permitted", "cool_down", "mode", "cool_down", ""};
    for (const auto& reason : reasons) {
        Decision d;
        d.symptom = "tenant-unreachable";
        d.lever = "tenant-redeploy";
        d.mode = Mode::automatic;
        d.reason = reason;
        b.entry(d);
    }
    const auto page = b.page();
    const auto with = [&](const std::string& reason) {
        return value_of(page,
                        R"(leverd_decisions_total{lever="tenant-redeploy",mode="auto",reason=")" +
                            reason + R"(",symptom="tenant-unreachable"})");
    };
    CHECK(with("permitted") == "1");
    CHECK(with("cool_down") == "2");
    CHECK(with("mode") == "1");
    CHECK(with("none") == "1");
    CHECK(value_of(page, R"(leverd_ledger_entries_total{kind="decision"})") == "5");
}

TEST_CASE("outcomes and verdicts are counted under the lever of their intent") {
    Bench b;
    Intent intent;
    intent.id = "x-1";
    intent.lever = "tenant-redeploy";
    b.entry(intent);
    b.entry(Outcome{"x-1", OutcomeKind::unknown, "cut", {}});
    b.entry(Verdict{"x-1", VerdictKind::recovered, ""});
    b.entry(Verdict{"x-of-another-life", VerdictKind::worse, ""});
    const auto page = b.page();
    CHECK(value_of(page,
                   R"(leverd_lever_outcomes_total{lever="tenant-redeploy",outcome="unknown"})") ==
          "1");
    CHECK(value_of(page,
                   R"(leverd_lever_verdicts_total{lever="tenant-redeploy",verdict="recovered"})") ==
          "1");
    CHECK(value_of(page, R"(leverd_lever_verdicts_total{lever="none",verdict="worse"})") == "1");
}

TEST_CASE("a look feeds counters and only the phases that happened") {
    Bench b;
    b.metrics.on_observation(look("tenant/acme", Health::failing, Reason::connect_refused));
    b.metrics.on_probe_lateness(Millis{-5});
    b.metrics.on_ledger_commit(std::chrono::microseconds{300});
    const auto page = b.page();
    CHECK(value_of(page, R"(leverd_observations_total{class="connect",health="failing",)"
                         R"(probe="tenant_health",reason="connect_refused"})") == "1");
    const std::string count = "leverd_probe_duration_seconds_count";
    CHECK(value_of(page, count + R"({phase="total",probe="tenant_health"})") == "1");
    CHECK(value_of(page, count + R"({phase="tls",probe="tenant_health"})") == "1");
    CHECK(value_of(page, count + R"({phase="dns",probe="tenant_health"})") == "absent");
    CHECK(value_of(page, R"(leverd_probe_lateness_seconds_bucket{le="0.001"})") == "1");
    CHECK(value_of(page, R"(leverd_ledger_commit_seconds_bucket{le="0.00025"})") == "0");
    CHECK(value_of(page, R"(leverd_ledger_commit_seconds_bucket{le="0.0005"})") == "1");
    CHECK(value_of(page, R"(leverd_probe_last_look_timestamp_seconds{probe="tenant_health"})") ==
          "1700000001");
}

TEST_CASE("the newest look of each probe is one number") {
    const auto [health, number] = GENERATE(table<Health, std::string>({
        {Health::healthy, "0"},
        {Health::degraded, "1"},
        {Health::failing, "2"},
        {Health::unknown, "3"},
    }));
    Bench b;
    hold(b.state, look("tenant/acme", health, Reason::ok));
    const std::string series =
        R"(leverd_probe_health{probe="tenant_health",subject="tenant/acme"})";
    CHECK(value_of(b.page(), series) == number);
    b.metrics.forget(Subject("tenant/acme"));
    CHECK(value_of(b.page(), series) == "absent");
    b.metrics.on_observation(look("tenant/acme", health, Reason::ok));
    CHECK(value_of(b.page(), series) == number);
    b.state.subjects.clear();
    CHECK(value_of(b.page(), series) == "absent");
}

TEST_CASE("symptoms are one for what is raised and zero for the others of the kind") {
    Bench b;
    hold(b.state, look("tenant/acme", Health::failing, Reason::connect_refused));
    hold(b.state, look("tenant/demo", Health::healthy, Reason::ok));
    ActiveSymptom active;
    active.raised.wall = WallTime{Millis{1'700'000'000'250}};
    b.state.symptoms[{"tenant-unreachable", Subject("tenant/acme")}] = active;
    auto page = b.page();
    const auto series = [](const std::string& subject) {
        return R"(leverd_symptom_active{subject=")" + subject +
               R"(",symptom="tenant-unreachable"})";
    };
    CHECK(value_of(page, series("tenant/acme")) == "1");
    CHECK(value_of(page, series("tenant/demo")) == "0");
    CHECK(value_of(page, R"(leverd_symptom_raised_timestamp_seconds{subject="tenant/acme",)"
                         R"(symptom="tenant-unreachable"})") == "1700000000.25");
    b.state.symptoms.clear();
    CHECK(value_of(b.page(), series("tenant/acme")) == "0");
}

TEST_CASE("which incidents count as open, escalated, unattended or waiting") {
    struct Row {
        std::string name;
        IncidentPhase phase;
        std::optional<Action> action;
        std::optional<IntentPhase> intent;
        std::string open, escalated, unattended, waiting;
    };
    const auto row = GENERATE(values<Row>({
        {"fresh", IncidentPhase::open, {}, {}, "1", "0", "1", "0"},
        {"recommended", IncidentPhase::open, Action::recommend, {}, "1", "0", "1", "0"},
        {"held", IncidentPhase::open, Action::hold, {}, "1", "0", "1", "0"},
        {"asked", IncidentPhase::open, Action::ask, {}, "1", "0", "0", "1"},
        {"fired", IncidentPhase::open, Action::fire, IntentPhase::in_flight, "1", "0", "0", "0"},
        {"unsure", IncidentPhase::open, Action::fire, IntentPhase::ambiguous, "1", "0", "0", "0"},
        {"verify", IncidentPhase::open, Action::hold, IntentPhase::verifying, "1", "0", "0", "0"},
        {"in vain", IncidentPhase::open, Action::hold, IntentPhase::done, "1", "0", "1", "0"},
        {"given up", IncidentPhase::escalated, Action::hold, {}, "1", "1", "1", "0"},
        {"closed", IncidentPhase::closed, Action::ask, {}, "0", "0", "0", "0"},
    }));
    INFO(row.name);
    Bench b;
    auto incident = incident_of("i-1", row.phase);
    if (row.action) {
        incident.decision = decision_of(*row.action);
    }
    if (row.intent) {
        b.state.intents["x-1"] = intent_of(*row.intent);
        incident.intents = {"x-1"};
    }
    b.state.incidents["i-1"] = incident;
    const auto page = b.page();
    const std::string label = R"({symptom="tenant-unreachable"})";
    CHECK(value_of(page, "leverd_incidents_open" + label) == row.open);
    CHECK(value_of(page, "leverd_incidents_escalated" + label) == row.escalated);
    CHECK(value_of(page, "leverd_incidents_unattended" + label) == row.unattended);
    CHECK(value_of(page, "leverd_approval_pending") == row.waiting);
    const bool ambiguous = row.intent == IntentPhase::ambiguous;
    const bool flying = row.intent && row.intent != IntentPhase::done;
    CHECK(value_of(page, R"(leverd_lever_outcome_unknown{lever="tenant-redeploy"})") ==
          (ambiguous ? "1" : "0"));
    CHECK(value_of(page, R"(leverd_lever_in_flight{lever="tenant-redeploy"})") ==
          (flying ? "1" : "0"));
}

TEST_CASE("an approval that was given no longer waits") {
    Bench b;
    auto incident = incident_of("i-1", IncidentPhase::open);
    incident.decision = decision_of(Action::ask);
    incident.approval = Approval{};
    b.state.incidents["i-1"] = incident;
    CHECK(value_of(b.page(), "leverd_approval_pending") == "0");
}

TEST_CASE("image drift follows the newest look that could judge") {
    Bench b;
    const auto image = [&](Health h, Reason r) {
        auto o = look("image/molecule-ai/platform", h, r);
        o.probe = "image_drift";
        hold(b.state, o);
        return value_of(b.page(), R"(leverd_image_drift{image="molecule-ai/platform"})");
    };
    CHECK(image(Health::healthy, Reason::ok) == "0");
    CHECK(image(Health::failing, Reason::drift) == "1");
    CHECK(image(Health::degraded, Reason::image_moved) == "1");
    CHECK(image(Health::healthy, Reason::receipt_missing) == "0");
    CHECK(image(Health::unknown, Reason::unauthorized) == "absent");
}

TEST_CASE("switches of the daemon") {
    Bench b;
    b.state.stop.stopped = true;
    b.state.observer.trusted = false;
    b.state.ledger_writable = false;
    b.rules.policies.freeze_active = true;
    b.figures.ready = true;
    b.figures.config_reload_ok = false;
    b.figures.queue_dropped = 7;
    b.figures.loop_lateness = Millis{1500};
    const auto page = b.page();
    CHECK(value_of(page, "leverd_stop_switch") == "1");
    CHECK(value_of(page, "leverd_observer_trusted") == "0");
    CHECK(value_of(page, "leverd_ledger_writable") == "0");
    CHECK(value_of(page, "leverd_freeze_active") == "1");
    CHECK(value_of(page, "leverd_ready") == "1");
    CHECK(value_of(page, "leverd_config_last_reload_successful") == "0");
    CHECK(value_of(page, "leverd_queue_dropped_total") == "7");
    CHECK(value_of(page, "leverd_loop_lateness_seconds") == "1.5");
}

TEST_CASE("what holds levers back is a number") {
    Bench b;
    const auto ago = [&b](int seconds) {
        const auto back = std::chrono::seconds{seconds};
        return Now{b.now.at - back, WallTime{Millis{1}}};  // the wall clock was wrong then
    };
    Veto old;
    old.since = ago(100);
    Veto timed;
    timed.since = ago(300);
    timed.set.until = b.now.at + Millis{1};
    Veto over;
    over.since = ago(900);
    over.set.until = b.now.at;
    b.state.vetoes = {{"v-1", old}, {"v-2", timed}, {"v-3", over}};
    b.state.stop.stopped = true;
    b.state.stop.until = b.now.at + Millis{60'000};
    b.state.flapping = {{"down", Subject("tenant/acme")},
                        {"down", Subject("tenant/demo")},
                        {"no longer configured", Subject("tenant/acme")}};
    auto page = b.page();
    CHECK(value_of(page, "leverd_veto_active") == "2");
    CHECK(value_of(page, "leverd_veto_oldest_timestamp_seconds") == "1699999823.5");
    CHECK(value_of(page, "leverd_stop_switch_until_timestamp_seconds") == "1700000183.5");
    CHECK(value_of(page, R"(leverd_flapping{signal="down"})") == "2");
    CHECK(value_of(page, R"(leverd_flapping{signal="no longer configured"})") == "absent");
    b.state.stop.stopped = false;
    CHECK(value_of(b.page(), "leverd_stop_switch_until_timestamp_seconds") == "0");
    const std::vector<std::pair<BreakerPhase, std::string>> phases{
        {BreakerPhase::closed, "0"}, {BreakerPhase::half_open, "1"}, {BreakerPhase::open, "2"}};
    for (const auto& [phase, number] : phases) {
        b.state.breaker.phase = phase;
        CHECK(value_of(b.page(), "leverd_storm_breaker") == number);
    }
}

TEST_CASE("how well a lever does is told for every configured pair, and unknown is not zero") {
    Bench b;
    LeverChoice choice;
    choice.lever = "tenant-restart";
    choice.then = {"tenant-redeploy"};
    b.rules.runbook.symptoms[0].levers = {choice};
    b.rules.policies.policies[0].id = "demo";
    const std::string redeploy = R"({lever="tenant-redeploy",symptom="tenant-unreachable"})";
    const std::string restart = R"({lever="tenant-restart",symptom="tenant-unreachable"})";
    const std::string alone = R"(leverd_baseline_healed_ratio{symptom="tenant-unreachable"})";
    auto page = b.page();
    for (const auto& series :
         {"leverd_lever_success_ratio" + redeploy, "leverd_lever_success_ratio" + restart,
          "leverd_time_to_green_seconds" + redeploy, alone}) {
        INFO(series);
        CHECK(value_of(page, series) == "Nan");
    }
    Record& record = b.state.records[{"tenant-unreachable", "tenant-redeploy"}];
    record.verdicts = {{b.now.at - std::chrono::hours{24 * 40}, VerdictKind::worse},
                       {b.now.at, VerdictKind::recovered},
                       {b.now.at, VerdictKind::recovered},
                       {b.now.at, VerdictKind::inconclusive},
                       {b.now.at, VerdictKind::not_recovered}};
    record.to_green = {Millis{90'000}, Millis{30'000}, Millis{500'000}};
    b.state.records[{"tenant-unreachable", "nobody knows it"}] = record;
    b.state.baselines["tenant-unreachable"] = Baseline{4, 1, {}};
    page = b.page();
    CHECK(value_of(page, "leverd_lever_success_ratio" + redeploy) == "0.5");
    CHECK(value_of(page, "leverd_time_to_green_seconds" + redeploy) == "90");
    CHECK(value_of(page, alone) == "0.25");
    CHECK(page.find("nobody knows it") == std::string::npos);
}

TEST_CASE("a policy is in force until auto asks for a record that is missing") {
    Bench b;
    Policy& policy = b.rules.policies.policies[0];
    policy.id = "demo";
    const std::string series = R"(leverd_autonomy_earned{policy="demo"})";
    policy.auto_after = AutoAfter{2, false};
    CHECK(value_of(b.page(), series) == "1");  // mode approve has nothing to earn
    policy.mode = Mode::automatic;
    CHECK(value_of(b.page(), series) == "0");
    b.state.records[{"tenant-unreachable", "tenant-redeploy"}].in_a_row = 2;
    CHECK(value_of(b.page(), series) == "1");
}

TEST_CASE("hostile label values neither break a line nor make a double series") {
    Bench b;
    for (const auto* text : {"tenant/a\"} 1\nleverd_evil 1", "tenant/b\\", "tenant/c\x01",
                             "tenant/c\x02", "tenant/\xff\xfe"}) {
        hold(b.state, look(text, Health::failing, Reason::ok));
    }
    hold(b.state, look("tenant/" + std::string(5000, 'x') + "1", Health::failing, Reason::ok));
    hold(b.state, look("tenant/" + std::string(5000, 'x') + "2", Health::failing, Reason::ok));
    Decision d;
    d.reason = "a\nleverd_evil 2";
    b.entry(d);
    const auto page = b.page();
    CHECK(value_of(page, "leverd_evil") == "absent");
    CHECK(page.find('\xff') == std::string::npos);
    CHECK(page.find(std::string(300, 'x')) == std::string::npos);
    CHECK(value_of(page, R"(leverd_probe_health{probe="tenant_health",subject="tenant/b\\"})") ==
          "2");
    CHECK(value_of(page, R"(leverd_probe_health{probe="tenant_health",subject="tenant/c?"})") ==
          "2");
}

TEST_CASE("a flood of label values ends in one series and loses no count") {
    Bench b;
    for (int i = 0; i < 5000; ++i) {
        Decision d;
        d.reason = "r" + std::to_string(i);
        b.entry(d);
    }
    const auto page = b.page();
    const auto folded = value_of(
        page,
        R"(leverd_decisions_total{lever="other",mode="other",reason="other",symptom="other"})");
    REQUIRE(folded != "absent");
    CHECK(std::stoi(folded) > 2900);
    CHECK(value_of(page, R"(leverd_ledger_entries_total{kind="decision"})") == "5000");
}

TEST_CASE("a reload brings the new names at zero and keeps the counts") {
    Bench b;
    b.entry(SymptomRaised{"tenant-unreachable", Subject("tenant/acme"), ""});
    Symptom added;
    added.id = "canvas-crash";
    b.rules.runbook.symptoms.push_back(added);
    b.rules.config_hash = "c2";
    const auto page = b.page();
    CHECK(value_of(page, R"(leverd_symptoms_raised_total{symptom="canvas-crash"})") == "0");
    CHECK(value_of(page, R"(leverd_symptoms_raised_total{symptom="tenant-unreachable"})") == "1");
}

TEST_CASE("promtool finds nothing to complain about") {
    Bench b;
    hold(b.state, look("tenant/a\"b\\c", Health::failing, Reason::drift));
    auto image = look("image/platform", Health::failing, Reason::drift);
    hold(b.state, image);
    b.state.symptoms[{"tenant-unreachable", Subject("tenant/acme")}] = ActiveSymptom{};
    b.metrics.on_observation(look("tenant/acme", Health::failing, Reason::drift));
    const auto path = (std::filesystem::temp_directory_path() /
                       ("leverd-metrics-" + std::to_string(getpid()) + ".txt"))
                          .string();
    std::ofstream(path) << b.page();
    INFO("promtool comes with the package prometheus: scripts/setup.sh test");
    CHECK(std::system(("promtool check metrics < " + path).c_str()) == 0);
    std::remove(path.c_str());
}
