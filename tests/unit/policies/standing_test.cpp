// Why: auto is earned from proven recoveries, beside what the symptom does when left alone, and it
// is lost by one failure, one rejection or one veto, and leverd says so.
#include "policies/autonomy.hpp"

#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

Rules earning(int successes, bool better = false) {
    auto rules = small_rules();
    auto& policy = rules.policies.policies[0];
    policy.auto_after = AutoAfter{successes, better};
    policy.limits.cool_down = 1min;
    policy.limits.recurs_within = 1min;
    policy.limits.per_hour = 60;
    policy.limits.per_day = 100;
    policy.limits.verify_timeout = 5min;
    rules.runbook.flap.start = 1000;
    return rules;
}

// One outage; a person approves when asked; the lever helps or not.
void outage(Bench& bench, bool helps = true) {
    bench.advance(10min);
    bench.settle();
    bench.kill("acme");
    const auto newest = bench.newest("tenant/acme");
    REQUIRE(newest.has_value());
    if (newest->action == Action::ask) {
        bench.approve(newest->id);
    }
    const auto fired = bench.asked<FireLever>();
    REQUIRE_FALSE(fired.empty());
    bench.outcome(fired.back().intent.id, OutcomeKind::accepted);
    for (int i = 0; i < 45 && !helps; ++i) {
        bench.advance(10s);
        bench.kill("acme", 1);
    }
    bench.advance(61s);
    bench.good("acme", 1);
    bench.good("acme", 2);
    bench.good("acme", 3);
}

Action next_action(Bench& bench) {
    bench.advance(10min);
    bench.settle();
    bench.kill("acme");
    const auto newest = bench.newest("tenant/acme");
    return newest ? newest->action : Action::none;
}

}  // namespace

TEST_CASE("without a record auto asks a person and says what is missing") {
    Bench bench(earning(3));
    CHECK(next_action(bench) == Action::ask);
    const auto guards = bench.newest("tenant/acme")->guards;
    const auto mode = std::ranges::find(guards, std::string{"mode"}, &GuardVerdict::guard);
    CHECK(mode->text ==
          "leverd may fire it: auto is not earned yet: 0 of 3 proven recoveries in a row");
}

TEST_CASE("auto is earned by proven recoveries, kept over kill -9, and lost by one failed proof") {
    Bench bench(earning(3));
    for (int i = 0; i < 3; ++i) {
        outage(bench);
    }
    REQUIRE(bench.entries<AutonomyChanged>().size() == 1);
    CHECK(bench.entries<AutonomyChanged>()[0].earned);
    bench.restart();
    CHECK(next_action(bench) == Action::fire);
    bench.outcome("t-4", OutcomeKind::accepted);
    for (int i = 0; i < 45; ++i) {
        bench.advance(10s);
        bench.kill("acme", 1);
    }
    REQUIRE(bench.entries<AutonomyChanged>().size() == 2);
    CHECK_FALSE(bench.entries<AutonomyChanged>()[1].earned);
    const auto pages = bench.entries<Paged>();
    CHECK(std::ranges::any_of(pages, [](const Paged& page) {
        return page.key == "autonomy/p-c" && page.status == PageStatus::firing;
    }));
}

TEST_CASE("a veto by a person on what the lever did takes auto away") {
    Bench bench(earning(2));
    outage(bench);
    outage(bench);
    REQUIRE(bench.view().autonomy.at("p-c").earned);
    bench.send(VetoCommand{"tenant/acme", {}, 1min, "ana", "do not touch"});
    bench.tick();
    CHECK_FALSE(bench.view().autonomy.at("p-c").earned);
}

TEST_CASE("a rejected proposal takes auto away too") {
    Bench bench(earning(2));
    outage(bench);
    CHECK(next_action(bench) == Action::ask);
    bench.approve(bench.newest("tenant/acme")->id, false);
    CHECK(bench.view().records.at({"tenant-unreachable", "tenant-redeploy"}).in_a_row == 0);
}

TEST_CASE("better than the baseline: oftener and sooner than by itself") {
    Bench bench(earning(1, true));
    outage(bench);
    CHECK(bench.view().autonomy.empty());
    for (int i = 0; i < 3; ++i) {
        bench.advance(10min);
        bench.settle();
        bench.kill("acme");
        for (int wait = 0; wait < 30; ++wait) {
            bench.advance(10s);
            bench.kill("acme", 1);
        }
        bench.good("acme");
        bench.good("acme");
    }
    REQUIRE(bench.view().baselines.at("tenant-unreachable").cases == 3);
    CHECK(bench.view().baselines.at("tenant-unreachable").healed == 3);
    bench.tick();
    REQUIRE(bench.view().autonomy.contains("p-c"));
    CHECK(bench.view().autonomy.at("p-c").earned);
}

TEST_CASE("what heals sooner by itself earns no auto") {
    Bench bench(earning(1, true));
    outage(bench);
    for (int i = 0; i < 3; ++i) {
        bench.advance(10min);
        bench.settle();
        bench.kill("acme");
        bench.advance(2s);
        bench.good("acme");
        bench.good("acme");
    }
    bench.tick();
    CHECK_FALSE(bench.view().autonomy.contains("p-c"));
}

TEST_CASE("a lever that rarely helps is only recommended, whatever the policy says") {
    auto rules = earning(1);
    rules.policies.policies[0].auto_after.reset();
    rules.policies.effect = EffectRules{50, 4, Millis{30LL * 86'400'000}};
    Bench bench(rules);
    for (int i = 0; i < 4; ++i) {
        outage(bench, i == 0);
    }
    CHECK(next_action(bench) == Action::recommend);
    const auto guards = bench.newest("tenant/acme")->guards;
    const auto mode = std::ranges::find(guards, std::string{"mode"}, &GuardVerdict::guard);
    CHECK(mode->text ==
          "it is only recommended: it helped in 1 of 4 cases within 30d, the floor is 50 %");
}

TEST_CASE("the median is the lower middle one") {
    CHECK_FALSE(median_of({}).has_value());
    CHECK(*median_of({3s, 1s, 2s}) == 2s);
    CHECK(*median_of({4s, 1s, 2s, 3s}) == 2s);
}
