// Why: kill -9 at any moment must lose nothing that protects anybody.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;

TEST_CASE("an intent without an outcome is looked into after a restart, never fired again") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.restart();
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::ambiguous);
    CHECK(bench.asked<ObserveLever>().size() == 1);
    bench.settle();
    for (int i = 0; i < 20; ++i) {
        bench.advance(std::chrono::seconds{30});
        bench.bad("acme");
    }
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("after an absence of hours the target of a lost call is still looked at first") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.advance(std::chrono::hours{3});
    bench.restart();
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::ambiguous);
    CHECK(bench.asked<ObserveLever>().size() == 1);
    bench.send(Settled{"t-1", Took::yes, "it runs the new one"});
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::verifying);
}

TEST_CASE("cool-down, attempts and budget survive a restart with the right remaining time") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.attempts = 3;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::failed);
    bench.advance(std::chrono::minutes{20});
    bench.restart();
    bench.advance(std::chrono::seconds{61});
    bench.kill("acme", 1);
    CHECK(bench.newest("tenant/acme")->reason == "cool_down");
    CHECK(bench.asked<FireLever>().empty());
    bench.advance(std::chrono::minutes{9});
    bench.kill("acme", 1);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("a run of bad looks goes on over a restart") {
    Bench bench;
    bench.settle();
    bench.kill("acme", 2);
    bench.restart();
    bench.kill("acme", 1);
    CHECK(bench.view().symptoms.contains({"tenant-unreachable", Subject{"tenant/acme"}}));
}

TEST_CASE("verification goes on over a restart and success is judged once") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.restart();
    bench.advance(std::chrono::seconds{61});
    bench.good("acme", 1);
    bench.restart();
    bench.good("acme", 2);
    CHECK(bench.entries<Verdict>().size() == 1);
    bench.restart();
    bench.good("acme", 3);
    CHECK(bench.entries<Verdict>().size() == 1);
}

TEST_CASE("an approval given before a restart stays bound to its plan") {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::approve;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    const auto asked = bench.newest("tenant/acme");
    REQUIRE(asked);
    bench.restart();
    bench.settle();
    bench.bad("acme");
    bench.approve(asked->id);
    CHECK(bench.asked<FireLever>().size() <= 1);
}

TEST_CASE("folding the ledger twice gives the same state and the next turn is the same") {
    Bench a;
    a.settle();
    a.kill("acme");
    Bench b;
    b.settle();
    b.kill("acme");
    REQUIRE(a.ledger().size() == b.ledger().size());
    a.restart();
    b.restart();
    a.good("acme");
    b.good("acme");
    CHECK(a.ledger().size() == b.ledger().size());
    CHECK(a.view().symptoms.size() == b.view().symptoms.size());
}
