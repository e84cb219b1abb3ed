// Why: the next rung comes only after the one before was seen not to help, and what made things
// worse is taken back at most once.
#include "policies/ladder.hpp"

#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

Rules two_rungs() {
    auto rules = small_rules();
    rules.runbook.symptoms[0].levers = {{"**", "tenant-redeploy", {"tenant-restart"}}};
    auto restart = rules.levers.at("tenant-redeploy");
    restart.id = "tenant-restart";
    rules.levers["tenant-restart"] = restart;
    auto policy = rules.policies.policies[0];
    policy.id = "p-restart";
    policy.lever = "tenant-restart";
    rules.policies.policies.push_back(policy);
    rules.policies.policies[0].limits.verify_timeout = 5min;
    return rules;
}

void stay_down(Bench& bench, Millis how_long) {
    for (Millis done{0}; done < how_long; done += 10s) {
        bench.advance(9s);
        bench.kill("acme", 1);
    }
}

std::vector<std::string> fired(const Bench& bench) {
    std::vector<std::string> levers;
    for (const auto& one : bench.asked<FireLever>()) {
        levers.push_back(one.intent.lever + (one.intent.undoes.empty() ? "" : " undo"));
    }
    return levers;
}

using Levers = std::vector<std::string>;

Rules undoing(bool says_so) {
    auto rules = small_rules();
    rules.policies.policies[1].mode = Mode::automatic;
    rules.policies.policies[1].undo_if_worse = says_so;
    rules.levers.at("platform-rollback").can_undo = true;
    rules.levers.at("platform-rollback").propagation = 10s;
    return rules;
}

// Two tenants die after the platform image moved, A fires, then everybody dies.
void make_it_worse(Bench& bench) {
    bench.settle();
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "v1");
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "v2");
    bench.kill_all({"acme", "globex"});
    REQUIRE(fired(bench) == Levers{"platform-rollback"});
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(11s);
    bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 4);
}

}  // namespace

TEST_CASE("the second rung follows when the first was seen not to help, a person after the last") {
    Bench bench(two_rungs());
    bench.settle();
    bench.kill("acme");
    REQUIRE(fired(bench) == Levers{"tenant-redeploy"});
    bench.outcome("t-1", OutcomeKind::accepted);
    stay_down(bench, 5min);
    CHECK(fired(bench).size() == 1);
    stay_down(bench, 2min);
    REQUIRE(fired(bench) == Levers{"tenant-redeploy", "tenant-restart"});
    CHECK(bench.newest("tenant/acme")->rung == 2);
    CHECK(bench.entries<IncidentEscalated>().empty());
    bench.outcome("t-2", OutcomeKind::accepted);
    stay_down(bench, 13min);
    CHECK(fired(bench).size() == 2);
    CHECK(bench.entries<IncidentEscalated>().size() == 1);
}

TEST_CASE("a call that the target refused for certain leads to the next rung at once") {
    Bench bench(two_rungs());
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::failed);
    CHECK(fired(bench) == Levers{"tenant-redeploy", "tenant-restart"});
}

TEST_CASE("a rung of which nobody knows what it did is followed by a person, not by the next") {
    Bench bench(two_rungs());
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::unknown);
    stay_down(bench, 20min);
    CHECK(fired(bench).size() == 1);
    REQUIRE(bench.entries<IncidentEscalated>().size() == 1);
    CHECK(bench.entries<IncidentEscalated>()[0].why ==
          "nobody could tell what t-1 did: a person looks first");
}

TEST_CASE("a rung that may only be recommended is not skipped") {
    auto rules = two_rungs();
    rules.policies.policies[0].mode = Mode::recommend;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    stay_down(bench, 20min);
    CHECK(fired(bench).empty());
    CHECK(bench.newest("tenant/acme")->lever == "tenant-redeploy");
}

TEST_CASE("each rung has its own gates") {
    auto rules = two_rungs();
    rules.policies.policies.back().mode = Mode::approve;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::failed);
    CHECK(fired(bench) == Levers{"tenant-redeploy"});
    CHECK(bench.newest("tenant/acme")->action == Action::ask);
    CHECK(bench.newest("tenant/acme")->lever == "tenant-restart");
}

TEST_CASE("a case that comes back soon goes on with the next rung, also after kill -9") {
    Bench bench(two_rungs());
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(61s);
    bench.good("acme", 1);
    bench.good("acme", 2);
    bench.good("acme", 3);
    REQUIRE(bench.view().symptoms.empty());
    bench.restart();
    bench.advance(10min);
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.newest("tenant/acme").has_value());
    CHECK(bench.newest("tenant/acme")->lever == "tenant-restart");
}

TEST_CASE("worse: frozen, a person is called, and without the policy's word nothing is undone") {
    Bench bench(undoing(false));
    make_it_worse(bench);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::worse);
    CHECK(bench.entries<Verdict>()[0].why ==
          "2 more below it fail since, 2 did before, e.g. tenant/initech");
    CHECK(fired(bench) == Levers{"platform-rollback"});
    REQUIRE(bench.view().vetoes.size() == 1);
    CHECK(bench.view().vetoes.begin()->second.set.who == own_name);
    CHECK(bench.entries<IncidentEscalated>().size() == 1);
}

TEST_CASE("worse: the inverse runs once, over kill -9 and however bad it stays") {
    Bench bench(undoing(true));
    make_it_worse(bench);
    REQUIRE(fired(bench) == Levers{"platform-rollback", "platform-rollback undo"});
    CHECK(bench.entries<Intent>().back().undoes == "t-1");
    bench.restart();
    for (int i = 0; i < 60; ++i) {
        bench.advance(30s);
        bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 1);
    }
    CHECK(fired(bench).empty());
    CHECK(bench.entries<Intent>().size() == 2);
    CHECK(bench.view().intents.at("t-2").phase == IntentPhase::done);
}

TEST_CASE("a veto and the breaker do not hold an undo, the stop switch does") {
    SECTION("veto") {
        Bench bench(undoing(true));
        bench.settle();
        make_it_worse(bench);
        CHECK(fired(bench).size() == 2);
    }
    SECTION("stop switch") {
        Bench bench(undoing(true));
        bench.settle();
        bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "v1");
        bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "v2");
        bench.kill_all({"acme", "globex"});
        bench.outcome("t-1", OutcomeKind::accepted);
        bench.advance(11s);
        bench.send(StopCommand{true, "ana", "hands off", Millis{0}});
        bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 4);
        REQUIRE(bench.entries<Verdict>().size() == 1);
        CHECK(fired(bench).size() == 1);
        bench.send(StopCommand{false, "ana", "go on", Millis{0}});
        bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 1);
        CHECK(fired(bench).size() == 2);
    }
}

TEST_CASE("the failure spreading before the lever could act is not the lever's doing") {
    auto rules = undoing(true);
    rules.levers.at("platform-rollback").propagation = 5min;
    Bench bench(rules);
    make_it_worse(bench);
    CHECK(bench.entries<Verdict>().empty());
}

TEST_CASE(
    "a rung that is refused again and again is left for the next one, and then for a person") {
    Bench bench(two_rungs());
    bench.settle();
    bench.kill("acme");
    for (int refusals = 1; refusals <= 6; ++refusals) {
        for (int i = 0; i < 100 && fired(bench).size() < static_cast<std::size_t>(refusals); ++i) {
            stay_down(bench, 10s);
        }
        REQUIRE(fired(bench).size() == static_cast<std::size_t>(refusals));
        bench.outcome(bench.asked<FireLever>().back().intent.id, OutcomeKind::refused);
    }
    CHECK(fired(bench) == Levers{"tenant-redeploy", "tenant-redeploy", "tenant-redeploy",
                                 "tenant-restart", "tenant-restart", "tenant-restart"});
    stay_down(bench, 30min);
    CHECK(fired(bench).size() == 6);
    const auto held = bench.newest("tenant/acme");
    CHECK(held->reason == "attempts");
    const auto escalated = bench.entries<IncidentEscalated>();
    REQUIRE(escalated.size() == 1);
    CHECK(
        escalated[0].why.find("was refused 3 times at the last moment, with nothing sent: told by "
                              "the test") != std::string::npos);
}

TEST_CASE("a plan that could not be made is asked for again after a moment, then less often") {
    Bench bench(two_rungs());
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.asked<MakePlan>().size() == 1);
    const auto incident = bench.view().incidents.begin()->first;
    std::vector<Millis> gaps;
    auto last = bench.now().at;
    for (int failures = 1; failures <= 8; ++failures) {
        bench.fail_plan(incident, "the control plane did not answer");
        for (int i = 0;
             i < 300 && bench.asked<MakePlan>().size() < static_cast<std::size_t>(failures) + 1;
             ++i) {
            bench.kill("acme", 1);
        }
        gaps.push_back(std::chrono::duration_cast<Millis>(bench.now().at - last));
        last = bench.now().at;
    }
    CHECK(gaps == std::vector<Millis>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s});
    bench.answer_plan(incident);
    CHECK(fired(bench) == Levers{"tenant-redeploy"});
}
