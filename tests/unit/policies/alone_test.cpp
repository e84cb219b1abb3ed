// Why: most rules have another that would catch the same mistake a moment later. Here each one is
// the only thing between the looks and a wrong step, so that none can be lost unseen.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include "policies/flapping.hpp"

#include <algorithm>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

bool active(const Bench& bench, const std::string& symptom, const std::string& subject) {
    return bench.view().symptoms.contains({symptom, Subject{subject}});
}

std::size_t fired(const Bench& bench) {
    return bench.asked<FireLever>().size();
}

void references(Bench& bench, bool work = true) {
    for (int i = 0; i < 3; ++i) {
        bench.reference(i, work);
    }
}

// Approved in the minute in which a window holds the lever, so that the answer waits.
struct Waiting {
    Bench bench;
    std::string incident;
};

Waiting approved_in_window() {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::approve;
    Window window;
    window.id = "w";
    window.zone = *Zone::find("UTC");
    window.owner = "ops";
    window.reason = "nightly import";
    const auto begins = std::chrono::duration_cast<std::chrono::minutes>(
                            Bench(rules).now().wall.time_since_epoch() % std::chrono::hours{24})
                            .count() +
                        3;
    window.start = static_cast<int>(begins);
    window.end = static_cast<int>(begins) + 1;
    rules.policies.windows = {window};
    Waiting made{Bench(rules), {}};
    auto& bench = made.bench;
    const auto begin = bench.now().at;
    bench.settle();
    bench.kill("acme");
    bench.advance(begin + 170s - bench.now().at);
    bench.kill("acme", 1);
    const auto asked = bench.newest("tenant/acme");
    REQUIRE(asked);
    REQUIRE(asked->action == Action::ask);
    bench.advance(begin + 181s - bench.now().at);
    bench.approve(asked->id);
    made.incident = bench.view().incidents.begin()->first;
    REQUIRE(bench.newest("tenant/acme")->reason == "window");
    REQUIRE(bench.view().incidents.at(made.incident).approval);
    REQUIRE(fired(bench) == 0);
    return made;
}

void move_image(Bench& bench) {
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "v1");
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "v2");
}

Rules only_platform() {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::recommend;
    return rules;
}

Rules boot_log(int symptom) {
    auto rules = only_platform();
    Signal boots;
    boots.id = "boot-log";
    boots.subject_kind = "tenant";
    boots.probe = "boot_events";
    boots.looks = 1;
    rules.runbook.signals.push_back(boots);
    rules.runbook.symptoms[static_cast<std::size_t>(symptom)].unless = {"boot-log"};
    return rules;
}

void boot_fails(Bench& bench, const std::string& tenant) {
    bench.look("tenant/" + tenant, "boot_events", Health::failing, Reason::boot_failed);
}

// Workspaces of two runtimes in two tenants.
Rules runtimes() {
    auto rules = small_rules();
    Signal bad;
    bad.id = "workspace-bad";
    bad.subject_kind = "workspace";
    bad.probe = "activity";
    bad.looks = 1;
    rules.runbook.signals.push_back(bad);
    Symptom broken;
    broken.id = "runtime-broken";
    broken.title = broken.id;
    broken.subject_kind = "runtime";
    broken.any = {"workspace-bad"};
    broken.group = GroupRule{"workspace", 2, "tenant", 20, 30min, true, {}, Millis{0}};
    broken.levers.push_back({"**", "none", {}});
    rules.runbook.symptoms = {broken};
    rules.runbook.topology = {{"workspace", {"tenant/{tenant}", "runtime/{runtime}"}}};
    return rules;
}

void workspace(Bench& bench, const std::string& tenant, const std::string& runtime, bool works) {
    Observation seen;
    seen.subject = Subject{"workspace/" + tenant + "-" + runtime};
    seen.probe = "activity";
    seen.health = works ? Health::healthy : Health::failing;
    seen.reason = works ? Reason::ok : Reason::agent_errors;
    seen.attributes = {{"tenant", tenant}, {"runtime", runtime}};
    seen.seen = bench.now();
    bench.send(seen);
}

Rules rollback(int members, Millis propagation = 10s) {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::recommend;
    rules.policies.policies[1].mode = Mode::automatic;
    rules.policies.policies[1].undo_if_worse = true;
    rules.runbook.symptoms[2].group->min_members = members;
    rules.levers.at("platform-rollback").can_undo = true;
    rules.levers.at("platform-rollback").propagation = propagation;
    return rules;
}

void roll_back(Bench& bench, const std::vector<std::string>& dead,
               const std::vector<std::string>& dead_after) {
    bench.settle();
    move_image(bench);
    bench.kill_all(dead);
    REQUIRE(fired(bench) == 1);
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(11s);
    bench.kill_all(dead_after, 4);
}

Rules stormy() {
    auto rules = small_rules();
    rules.policies.storm = StormRules{3, 5min, 5min, 4};
    rules.policies.policies[0].limits.blast_percent = 100;
    rules.policies.policies[0].limits.blast_count = 10;
    rules.policies.policies[0].limits.per_hour = 10;
    rules.runbook.symptoms[2].group->min_members = 50;
    return rules;
}

void storm(Bench& bench) {
    bench.settle();
    for (const auto* tenant : Bench::tenants) {
        bench.kill(tenant);
        bench.advance(5s);
    }
    REQUIRE(bench.view().breaker.phase == BreakerPhase::open);
}

}  // namespace

TEST_CASE("alone: an answer goes with its question, also when the same question comes back") {
    auto [bench, incident] = approved_in_window();
    bench.answer_plan(incident, "v2");
    CHECK_FALSE(bench.view().incidents.at(incident).approval);
    bench.answer_plan(incident, "v1");
    bench.advance(61s);
    bench.kill("acme", 1);
    CHECK(fired(bench) == 0);
    CHECK(bench.newest("tenant/acme")->action == Action::ask);
}

TEST_CASE("alone: an answer does not fire a plan that arrives in the moment it may act") {
    auto [bench, incident] = approved_in_window();
    bench.advance(61s);
    bench.answer_plan(incident, "v2");
    CHECK(fired(bench) == 0);
    CHECK(bench.newest("tenant/acme")->action == Action::ask);
}

TEST_CASE("alone: what a box in doubt sees bad is counted nowhere, what it sees good still is") {
    Bench bench;
    bench.settle();
    bench.reference(0, false);
    bench.reference(1, false);
    REQUIRE_FALSE(bench.view().observer.trusted);
    const auto& acme = bench.view().subjects.at(Subject{"tenant/acme"});
    for (int i = 0; i < 3; ++i) {
        bench.bad("acme");
    }
    CHECK(acme.detectors.empty());
    references(bench);
    REQUIRE(bench.view().observer.trusted);
    bench.bad("acme");
    CHECK(acme.detectors.size() == 1);
    bench.reference(0, false);
    bench.reference(1, false);
    bench.good("acme");
    CHECK(acme.detectors.empty());
}

TEST_CASE("alone: flapping begins at one weight and ends at half of it") {
    auto rules = small_rules();
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 4; ++i) {
        bench.bad("acme");
        bench.advance(1s);
        bench.good("acme");
    }
    REQUIRE(bench.view().flapping.size() == 1);
    const auto score = [&] {
        return flap_score(rules.runbook.flap, bench.view().changes.begin()->second, bench.now().at);
    };
    while (score() >= rules.runbook.flap.start) {
        bench.advance(30s);
        bench.tick();
    }
    REQUIRE(score() >= rules.runbook.flap.stop);
    CHECK(bench.view().flapping.size() == 1);
    bench.advance(rules.runbook.flap.window);
    bench.tick();
    CHECK(bench.view().flapping.empty());
}

TEST_CASE("alone: a shared cause needs its count and its share of those we can see") {
    auto rules = only_platform();
    rules.runbook.symptoms[2].group->min_percent = 60;
    Bench bench(rules);
    bench.settle();
    move_image(bench);
    bench.kill_all({"acme", "globex"});
    CHECK_FALSE(active(bench, "platform-regression", "platform"));
    bench.kill_all({"acme", "globex", "initech"});
    CHECK(active(bench, "platform-regression", "platform"));
}

TEST_CASE("alone: members that fell long after each other share no cause") {
    const auto raised = [](Millis within) {
        auto rules = only_platform();
        rules.runbook.symptoms[2].group->within = within;
        Bench bench(rules);
        bench.settle();
        move_image(bench);
        bench.kill("acme");
        bench.advance(2min);
        bench.kill_all({"acme", "globex"});
        return active(bench, "platform-regression", "platform");
    };
    CHECK_FALSE(raised(1min));
    CHECK(raised(10min));
}

TEST_CASE("alone: a member with a cause of its own counts for no shared one") {
    const auto raised = [](bool own_cause) {
        Bench bench(boot_log(2));
        bench.settle();
        move_image(bench);
        if (own_cause) {
            boot_fails(bench, "acme");
        }
        bench.kill_all({"acme", "globex"});
        return active(bench, "platform-regression", "platform");
    };
    CHECK_FALSE(raised(true));
    CHECK(raised(false));
}

TEST_CASE("alone: a row is not raised while a signal that it excludes is") {
    Bench bench(boot_log(0));
    bench.settle();
    boot_fails(bench, "acme");
    bench.kill_all({"acme", "globex"});
    CHECK_FALSE(active(bench, "tenant-unreachable", "tenant/acme"));
    CHECK(active(bench, "tenant-unreachable", "tenant/globex"));
}

TEST_CASE("alone: a runtime is at fault only where another one works in the same tenants") {
    const auto raised = [](bool other_works) {
        Bench bench(runtimes());
        bench.settle();
        for (const std::string tenant : {"acme", "globex"}) {
            workspace(bench, tenant, "hermes", true);
            workspace(bench, tenant, "codex", true);
        }
        bench.advance(1s);
        for (const std::string tenant : {"acme", "globex"}) {
            workspace(bench, tenant, "hermes", false);
            workspace(bench, tenant, "codex", other_works);
        }
        references(bench);
        bench.tick();
        return active(bench, "runtime-broken", "runtime/hermes");
    };
    CHECK(raised(true));
    CHECK_FALSE(raised(false));
}

TEST_CASE("alone: what breaks on a subject under a lever is no new case until it is judged") {
    auto rules = small_rules();
    Signal boots;
    boots.id = "boot-log";
    boots.subject_kind = "tenant";
    boots.probe = "boot_events";
    boots.looks = 1;
    rules.runbook.signals.push_back(boots);
    Symptom row = rules.runbook.symptoms[0];
    row.id = "boot-broken";
    row.any = {"boot-log"};
    row.needs_working_sibling = false;
    rules.runbook.symptoms.push_back(row);
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    REQUIRE(fired(bench) == 1);
    bench.outcome("t-1", OutcomeKind::accepted);
    const auto everything_else = [&] {
        references(bench);
        bench.look("control-plane", "control_plane", Health::healthy);
        bench.tick();
    };
    boot_fails(bench, "acme");
    everything_else();
    CHECK_FALSE(active(bench, "boot-broken", "tenant/acme"));
    bench.advance(61s);
    bench.good("acme", 1);
    bench.good("acme", 2);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    everything_else();
    CHECK(active(bench, "boot-broken", "tenant/acme"));
}

TEST_CASE("alone: faults of this box on a few subjects of many are no doubt, on a third they are") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 7; ++i) {
        bench.good("more-" + std::to_string(i));
    }
    const auto cannot = [&](int index) {
        bench.look("tenant/more-" + std::to_string(index), "tenant_health", Health::unknown,
                   Reason::resolver_down);
    };
    const auto all = bench.view().subjects.size();
    REQUIRE(all > 9);
    for (int i = 0; i < 3; ++i) {
        cannot(i);
    }
    CHECK(bench.view().observer.trusted);
    for (int i = 3; i < 6; ++i) {
        cannot(i);
    }
    REQUIRE(6 * 3 >= all);
    CHECK_FALSE(bench.view().observer.trusted);
}

TEST_CASE("alone: an unknown look neither adds to a proof nor starts it over") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(61s);
    bench.good("acme", 1);
    bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::rate_limited);
    CHECK(bench.entries<Verdict>().empty());
    bench.good("acme", 2);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::recovered);
}

TEST_CASE("alone: a lever that does not help after a storm opens the breaker again") {
    Bench bench(stormy());
    storm(bench);
    const auto before = fired(bench);
    for (std::size_t i = 1; i <= before; ++i) {
        bench.outcome("t-" + std::to_string(i), OutcomeKind::failed);
    }
    for (int i = 0; i < 60 && fired(bench) == before; ++i) {
        bench.advance(10s);
        bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 1);
    }
    REQUIRE(fired(bench) == before + 1);
    REQUIRE(bench.view().breaker.phase == BreakerPhase::half_open);
    bench.outcome(bench.asked<FireLever>().back().intent.id, OutcomeKind::accepted);
    for (int i = 0; i < 30 && bench.entries<Verdict>().empty(); ++i) {
        bench.advance(30s);
        bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 1);
    }
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::not_recovered);
    CHECK(bench.view().breaker.phase == BreakerPhase::open);
}

TEST_CASE("alone: the breaker closes only after a quiet time without anything left to do") {
    Bench bench(stormy());
    storm(bench);
    const auto calm = [&](Millis how_long) {
        for (Millis done{0}; done < how_long; done += 10s) {
            bench.advance(10s);
            bench.all_good();
            bench.tick();
        }
    };
    for (std::size_t i = 1; i <= fired(bench); ++i) {
        bench.outcome("t-" + std::to_string(i), OutcomeKind::failed);
    }
    for (int i = 0; i < 40 && bench.view().breaker.phase == BreakerPhase::open; ++i) {
        calm(10s);
    }
    REQUIRE(bench.view().breaker.phase == BreakerPhase::half_open);
    calm(4min);
    CHECK(bench.view().breaker.phase == BreakerPhase::half_open);
    calm(1min);
    CHECK(bench.view().breaker.phase == BreakerPhase::closed);
}

TEST_CASE("alone: what could not be taken back within a quarter of an hour is left to people") {
    Bench bench(rollback(2));
    bench.settle();
    move_image(bench);
    bench.kill_all({"acme", "globex"});
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(11s);
    bench.send(StopCommand{true, "ana", "hands off", Millis{0}});
    bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 4);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    bench.advance(15min);
    bench.send(StopCommand{false, "ana", "go on", Millis{0}});
    bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 3);
    CHECK(fired(bench) == 1);
}

TEST_CASE("alone: as many new failures as there were before make it worse, fewer do not") {
    Bench bench(rollback(3));
    roll_back(bench, {"acme", "globex", "initech"},
              {"acme", "globex", "initech", "umbrella", "hooli"});
    CHECK(bench.entries<Verdict>().empty());
}

TEST_CASE("alone: one new failure is no proof that a lever made it worse") {
    Bench bench(rollback(1));
    roll_back(bench, {"acme"}, {"acme", "globex"});
    CHECK(bench.entries<Verdict>().empty());
    bench.kill_all({"acme", "globex", "initech"}, 3);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::worse);
}
