// Why: a person's firing goes through the same guards, is recorded with a name and a reason, and
// leaves no case open behind it.
#include "policies/losses.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using leverd::test::Bench;

namespace {

FireByHand wanted(const std::string& lever = "tenant-redeploy",
                  const std::string& subject = "tenant/acme") {
    FireByHand made;
    made.lever = lever;
    made.subject = Subject(subject);
    made.plan.ok = true;
    made.plan.plan.lever = lever;
    made.plan.plan.subject = made.subject;
    made.plan.plan.resource = subject;
    made.plan.plan.target_version = "v1";
    made.who = "uid:1000";
    made.why = "the customer called";
    made.answer = std::make_shared<FireByHand::Answer>();
    return made;
}

const GuardVerdict& guard(const Decision& decision, const std::string& name) {
    const auto found = std::ranges::find(decision.guards, name, &GuardVerdict::guard);
    REQUIRE(found != decision.guards.end());
    return *found;
}

}  // namespace

TEST_CASE("a healthy tenant's lever fires by hand and is recorded like any other") {
    Bench bench;
    bench.settle();
    auto ask = wanted();
    bench.send(ask);
    CHECK(ask.answer->intent == "t-1");
    CHECK(ask.answer->decision.reason == "permitted");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    CHECK(bench.asked<FireLever>()[0].intent.plan.target_version == "v1");
    const auto approvals = bench.entries<Approval>();
    REQUIRE(approvals.size() == 1);
    CHECK(approvals[0].who == "uid:1000");
    CHECK(approvals[0].why == "the customer called");
    CHECK(guard(ask.answer->decision, "approval").text ==
          "asked for by uid:1000: the customer called");
    REQUIRE(bench.entries<IncidentOpened>().size() == 1);
    CHECK(bench.entries<IncidentOpened>()[0].symptom == by_hand_symptom);

    // The order in the ledger is case, plan, decision, answer, intent: nothing fires before it is
    // explained.
    bench.outcome("t-1", OutcomeKind::refused);
    bench.tick();
    REQUIRE(bench.entries<IncidentClosed>().size() == 1);
    CHECK(bench.entries<IncidentClosed>()[0].end == "by_hand");
    CHECK(bench.view().baselines.empty());
}

TEST_CASE("making good what a firing lost waits for no limit of that lever, other firings do") {
    Bench bench;
    bench.settle();
    bench.send(wanted());
    bench.outcome("t-1", OutcomeKind::failed);
    bench.tick();
    auto again = wanted();
    bench.send(again);
    CHECK(again.answer->decision.reason == "cool_down");
    auto good = wanted();
    good.plan.plan.params[recreates_param] = "t-1";
    bench.send(good);
    CHECK(good.answer->decision.reason == "permitted");
    CHECK(good.answer->intent == "t-2");
    bench.outcome("t-2", OutcomeKind::failed);
    bench.tick();
    // The lever's budget is used by now, and what it deleted is no part of the fleet any more.
    for (int i = 3; i <= 6; ++i) {
        auto once_more = good;
        once_more.answer = std::make_shared<FireByHand::Answer>();
        bench.send(once_more);
        REQUIRE(once_more.answer->intent == "t-" + std::to_string(i));
        bench.outcome(once_more.answer->intent, OutcomeKind::failed);
        bench.tick();
    }
    auto other = wanted();
    bench.send(other);
    CHECK(other.answer->decision.reason == "cool_down");
}

TEST_CASE("a dry run asks every guard and changes nothing") {
    Bench bench;
    bench.settle();
    const auto before = bench.ledger().size();
    const auto decision = bench.engine().preview(wanted(), bench.now());
    CHECK(decision.action == Action::fire);
    CHECK(decision.guards.size() >= 20);
    CHECK(bench.ledger().size() == before);
    CHECK(bench.view().intents.empty());
}

TEST_CASE("every guard but evidence, dwell, attempts and approval holds a person too") {
    Bench bench;
    bench.settle();
    const auto refused = [&](FireByHand ask) {
        bench.send(ask);
        CHECK(ask.answer->intent.empty());
        CHECK(ask.answer->decision.action == Action::hold);
        CHECK(bench.asked<FireLever>().empty());
        CHECK(bench.entries<IncidentOpened>().empty());
        CHECK(bench.entries<Decision>().back().reason == ask.answer->decision.reason);
        return ask.answer->decision.reason;
    };
    SECTION("the stop switch") {
        bench.send(StopCommand{true, "ops", "hands off", Millis{0}});
        CHECK(refused(wanted()) == "stop_switch");
    }
    SECTION("a veto") {
        bench.send(VetoCommand{"tenant/acme", "", Millis{0}, "ops", "the demo"});
        CHECK(refused(wanted()) == "veto");
    }
    SECTION("no policy names the lever for it") {
        CHECK(refused(wanted("tenant-redeploy", "workspace/acme/x")) == "subject_allowed");
    }
    SECTION("a lever that nobody knows") {
        CHECK(refused(wanted("tenant-delete")) == "subject_allowed");
    }
    SECTION("a policy that only recommends") {
        CHECK(refused(wanted("control-plane-rollback", "control-plane")) == "mode");
    }
    SECTION("a plan that could not be made") {
        auto ask = wanted();
        ask.plan.ok = false;
        ask.plan.problem = "the control plane does not know the slug";
        CHECK(refused(ask) == "precondition");
    }
    SECTION("an observer in doubt") {
        bench.reference(0, false);
        bench.reference(1, false);
        bench.tick();
        CHECK(refused(wanted()) == "observer");
    }
}

TEST_CASE("a second firing waits for the first and for the cool-down") {
    Bench bench;
    bench.settle();
    bench.send(wanted());
    auto second = wanted();
    bench.send(second);
    CHECK(second.answer->decision.reason == "in_flight");
    bench.outcome("t-1", OutcomeKind::failed);
    bench.advance(std::chrono::seconds{1});
    auto third = wanted();
    bench.send(third);
    CHECK(third.answer->decision.reason == "cool_down");
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("a firing by hand survives a restart as a case with an unknown outcome") {
    Bench bench;
    bench.settle();
    bench.send(wanted());
    bench.restart();
    REQUIRE(bench.view().intents.size() == 1);
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::ambiguous);
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("what was seen before the call is kept with the intent, once") {
    Bench bench;
    bench.settle();
    bench.send(wanted());
    const Diagnosed first{
        "i-1", "t-1", {Diagnostic{"boot_events", Subject("tenant/acme"), true, "{}"}}};
    bench.send(first);
    bench.send(Diagnosed{"i-1", "t-1", {}});
    bench.send(Diagnosed{"i-1", "t-9", {}});
    REQUIRE(bench.entries<Diagnosed>().size() == 1);
    bench.restart();
    REQUIRE(bench.view().intents.at("t-1").diagnosed);
    CHECK(bench.view().intents.at("t-1").diagnosed->diagnostics == first.diagnostics);
}

TEST_CASE("an image in service while all was well for long enough becomes the known good one") {
    Bench bench;
    bench.settle();
    const auto look = [&](const std::string& version) {
        bench.all_good();
        bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, version);
        bench.tick();
    };
    const auto keep = [&](const std::string& version, int minutes) {
        for (int i = 0; i < minutes; ++i) {
            look(version);
            bench.advance(std::chrono::minutes{1});
        }
        look(version);
    };
    keep("sha256:a", 29);
    CHECK(bench.entries<KnownGood>().empty());
    keep("sha256:a", 3);
    REQUIRE(bench.entries<KnownGood>().size() == 1);
    CHECK(bench.entries<KnownGood>()[0].version == "sha256:a");

    keep("sha256:b", 28);
    CHECK(bench.entries<KnownGood>().size() == 1);
    bench.kill("acme");
    keep("sha256:b", 28);
    CHECK(bench.view().known_good.at(Subject("image/platform")).version == "sha256:a");
}

TEST_CASE("a tenant that somebody switched off keeps no image from becoming known good") {
    auto rules = leverd::test::small_rules();
    Signal off;
    off.id = "tenant-not-running";
    off.subject_kind = "tenant";
    off.probe = "control_plane";
    off.bad_health = {Health::degraded};
    off.reasons = {Reason::stopped};
    off.looks = 1;
    rules.runbook.signals.push_back(off);
    rules.runbook.symptoms[0].unless = {"tenant-not-running"};
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 33; ++i) {
        bench.all_good();
        bench.look("tenant/hooli", "control_plane", Health::degraded, Reason::stopped);
        bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "sha256:a");
        bench.tick();
        bench.advance(std::chrono::minutes{1});
    }
    REQUIRE(bench.view().tripped.contains({"tenant-not-running", Subject{"tenant/hooli"}}));
    CHECK(bench.entries<KnownGood>().size() == 1);
}
