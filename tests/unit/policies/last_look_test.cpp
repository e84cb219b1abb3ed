// Why: no lever fires on what a target was; it fires on what the target is at that moment.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using namespace std::chrono_literals;
using leverd::test::Bench;
using leverd::test::small_rules;

namespace {

Rules approving() {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::approve;
    return rules;
}

// Time in which nobody looks at acme, while everything else stays good.
void wait_unseen(Bench& bench, Millis by) {
    bench.advance(by);
    for (int r = 0; r < 3; ++r) {
        bench.reference(r, true);
    }
    bench.look("control-plane", "control_plane", Health::healthy);
    for (const auto* tenant : {"globex", "initech", "umbrella", "hooli"}) {
        bench.good(tenant);
    }
    bench.tick();
}

std::size_t fired(const Bench& bench) {
    return bench.asked<FireLever>().size();
}

std::size_t looks_asked(const Bench& bench, const std::string& subject) {
    const auto asked = bench.asked<LookAgain>();
    return static_cast<std::size_t>(std::ranges::count_if(
        asked, [&](const auto& one) { return one.subject == Subject{subject}; }));
}

// Permitted by a person, 20 s after the last look.
Bench approved_late() {
    Bench bench(approving());
    bench.settle();
    bench.kill("acme");
    wait_unseen(bench, 20s);
    bench.approve(bench.newest("tenant/acme")->id);
    return bench;
}

}  // namespace

TEST_CASE("an approval fires nothing on a target that healed after the last look") {
    auto bench = approved_late();
    CHECK(fired(bench) == 0);
    CHECK(looks_asked(bench, "tenant/acme") > 0);
    bench.advance(1s);
    bench.good("acme");
    bench.tick();
    CHECK(fired(bench) == 0);
    bench.advance(1s);
    bench.good("acme");
    bench.tick();
    CHECK(fired(bench) == 0);
    REQUIRE(bench.entries<IncidentClosed>().size() == 1);
    CHECK(bench.entries<IncidentClosed>()[0].end == "self_healed");
}

TEST_CASE("an approval fires as soon as one more look shows the target as bad") {
    auto bench = approved_late();
    const auto decided = bench.decisions().size();
    bench.advance(1s);
    bench.bad("acme");
    bench.tick();
    CHECK(fired(bench) == 1);
    CHECK(bench.decisions().size() == decided + 1);
}

TEST_CASE("what was seen a moment before a person said yes permits nothing either") {
    for (const auto after : {Millis{1}, Millis{300}, Millis{1'900}}) {
        INFO(after.count() << " ms");
        Bench bench(approving());
        bench.settle();
        bench.kill("acme");
        bench.advance(after);
        bench.approve(bench.newest("tenant/acme")->id);
        CHECK(fired(bench) == 0);
        CHECK(looks_asked(bench, "tenant/acme") > 0);
        bench.good("acme");
        bench.tick();
        CHECK(fired(bench) == 0);
    }
}

TEST_CASE("a lifted stop fires nothing on a target that healed meanwhile") {
    Bench bench;
    bench.settle();
    bench.send(StopCommand{true, "someone", "work on the network", Millis{0}});
    bench.kill("acme");
    wait_unseen(bench, 20s);
    bench.send(StopCommand{false, "someone", "done", Millis{0}});
    bench.tick();
    CHECK(fired(bench) == 0);
    bench.advance(1s);
    bench.good("acme");
    bench.tick();
    CHECK(fired(bench) == 0);
    // It was good only once: the next look decides.
    bench.advance(1s);
    bench.bad("acme");
    bench.tick();
    CHECK(fired(bench) == 1);
}

TEST_CASE("a look that was awaited before a veto permits nothing after it") {
    auto bench = approved_late();
    bench.send(VetoCommand{"tenant/acme", {}, Millis{0}, "someone", "mine", false});
    bench.advance(1s);
    bench.bad("acme");
    bench.tick();
    CHECK(fired(bench) == 0);
    wait_unseen(bench, 20s);
    bench.send(LiftVeto{bench.entries<VetoSet>()[0].id, "someone", "done"});
    bench.tick();
    CHECK(fired(bench) == 0);
    bench.advance(1s);
    bench.bad("acme");
    bench.tick();
    CHECK(fired(bench) == 1);
}

TEST_CASE("a case whose last look never comes is held where people see it") {
    auto bench = approved_late();
    wait_unseen(bench, 30s);
    CHECK(bench.newest("tenant/acme")->action == Action::ask);
    wait_unseen(bench, 31s);
    const auto held = bench.newest("tenant/acme");
    CHECK(held->action == Action::hold);
    CHECK(held->reason == "evidence");
    CHECK(std::ranges::any_of(held->guards, [](const auto& guard) {
        return guard.guard == "evidence" && !guard.pass &&
               guard.text.find("looked at once more") != std::string::npos;
    }));
    const auto asked = looks_asked(bench, "tenant/acme");
    CHECK(asked >= 2);
    wait_unseen(bench, 5s);
    CHECK(looks_asked(bench, "tenant/acme") == asked);
    CHECK(bench.decisions().back().id == held->id);
    bench.bad("acme");
    bench.tick();
    CHECK(fired(bench) == 1);
}

TEST_CASE("a look that was under way before a person said yes permits nothing") {
    auto bench = approved_late();
    bench.advance(1s);
    Observation slow;
    slow.subject = Subject{"tenant/acme"};
    slow.probe = "tenant_health";
    slow.health = Health::failing;
    slow.reason = Reason::connect_timeout;
    slow.seen = bench.now();
    slow.took = 10s;
    bench.send(slow);
    bench.tick();
    CHECK(fired(bench) == 0);
    bench.advance(10s);
    slow.seen = bench.now();
    bench.send(slow);
    bench.tick();
    CHECK(fired(bench) == 1);
}

TEST_CASE("a look that cannot judge permits nothing") {
    auto bench = approved_late();
    bench.advance(1s);
    bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::no_descriptors);
    bench.tick();
    CHECK(fired(bench) == 0);
}

TEST_CASE("one who has fallen silent is silent at each moment, however late a person says yes") {
    auto rules = small_rules();
    Signal silent;
    silent.id = "job-silent";
    silent.subject_kind = "job";
    silent.probe = "heartbeat";
    silent.silent_after = 10min;
    silent.clear_looks = 1;
    rules.runbook.signals.push_back(silent);
    auto row = rules.runbook.symptoms[0];
    row.id = row.title = "job-missed";
    row.subject_kind = "job";
    row.any = {"job-silent"};
    row.requires_healthy.clear();
    row.needs_working_sibling = false;
    rules.runbook.symptoms.push_back(row);
    auto policy = rules.policies.policies[0];
    policy.id = "p-job";
    policy.symptom = row.id;
    policy.mode = Mode::approve;
    rules.policies.policies.push_back(policy);
    Bench bench(rules);
    bench.settle();
    bench.look("job/nightly", "heartbeat", Health::healthy);
    for (int i = 0; i < 40; ++i) {
        bench.advance(30s);
        bench.all_good();
        bench.tick();
    }
    const auto asked = bench.newest("job/nightly");
    REQUIRE(asked);
    CHECK(asked->action == Action::ask);
    bench.approve(asked->id);
    CHECK(fired(bench) == 1);
}

TEST_CASE("a group's lever fires only when enough members are seen bad at that moment") {
    auto rules = small_rules();
    rules.policies.policies[1].mode = Mode::automatic;
    Bench bench(rules);
    bench.settle();
    bench.look("image/platform", "image", Health::healthy, Reason::ok, {}, "v1");
    bench.advance(1s);
    bench.look("image/platform", "image", Health::healthy, Reason::ok, {}, "v2");
    bench.send(StopCommand{true, "someone", "work on the network", Millis{0}});
    bench.kill_all({"acme", "globex", "initech"});
    REQUIRE(bench.newest("platform"));
    bench.advance(20s);
    for (int r = 0; r < 3; ++r) {
        bench.reference(r, true);
    }
    bench.send(StopCommand{false, "someone", "done", Millis{0}});
    bench.tick();
    CHECK(fired(bench) == 0);
    bench.advance(1s);
    bench.bad("acme");
    bench.good("globex");
    bench.tick();
    CHECK(fired(bench) == 0);
    bench.bad("initech");
    bench.tick();
    CHECK(fired(bench) == 1);
}
