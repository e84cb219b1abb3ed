// Why: approvals, recommendations and pages: what a person sees and may do.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;

namespace {

Rules approving() {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::approve;
    return rules;
}

}  // namespace

TEST_CASE("an approval fires exactly what was shown, once") {
    Bench bench(approving());
    bench.settle();
    bench.kill("acme");
    const auto asked = bench.newest("tenant/acme");
    REQUIRE(asked);
    REQUIRE(asked->action == Action::ask);
    CHECK(bench.asked<FireLever>().empty());
    bench.approve(asked->id);
    CHECK(bench.asked<FireLever>().size() == 1);
    bench.approve(asked->id);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("an approval of another plan is not taken") {
    Bench bench(approving());
    bench.settle();
    bench.kill("acme");
    const auto asked = bench.newest("tenant/acme");
    REQUIRE(asked);
    bench.send(ApprovalGiven{asked->id, "another hash", true, "someone", "why"});
    CHECK(bench.asked<FireLever>().empty());
    const auto incident = bench.view().incidents.begin()->first;
    bench.answer_plan(incident, "v2");
    CHECK(bench.newest("tenant/acme")->id != asked->id);
    bench.approve(asked->id);
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("a rejection holds the lever for this plan") {
    Bench bench(approving());
    bench.settle();
    bench.kill("acme");
    bench.approve(bench.newest("tenant/acme")->id, false);
    CHECK(bench.newest("tenant/acme")->reason == "rejected");
    bench.kill("acme", 1);
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("an approval nobody gave expires and is asked for again") {
    Bench bench(approving());
    bench.settle();
    bench.kill("acme");
    const auto first = bench.newest("tenant/acme");
    bench.advance(std::chrono::minutes{16});
    bench.kill("acme", 1);
    bench.advance(std::chrono::seconds{1});
    bench.kill("acme", 1);
    const auto second = bench.newest("tenant/acme");
    CHECK(second->id != first->id);
    CHECK(second->action == Action::ask);
    bench.approve(first->id);
    CHECK(bench.asked<FireLever>().empty());
    bench.approve(second->id);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("an approval is withdrawn when the symptom clears by itself") {
    Bench bench(approving());
    bench.settle();
    bench.kill("acme");
    const auto asked = bench.newest("tenant/acme");
    bench.good("acme");
    bench.good("acme");
    const auto closed = bench.entries<IncidentClosed>();
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].end == "self_healed");
    bench.approve(asked->id);
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE(
    "a recommendation pages once with the runbook's words and is taken back when it is over") {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::recommend;
    rules.runbook.symptoms[0].first_lever = "Lever C (redeploy)";
    Bench bench(rules);
    bench.settle();
    bench.kill("acme", 20);
    auto pages = bench.entries<Paged>();
    REQUIRE(pages.size() == 1);
    CHECK(pages[0].text.find("Lever C (redeploy)") != std::string::npos);
    bench.good("acme");
    bench.good("acme");
    pages = bench.entries<Paged>();
    REQUIRE(pages.size() == 2);
    CHECK(pages[1].status == PageStatus::recovered);
}

TEST_CASE("an outage with a working lever pages nobody") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(std::chrono::seconds{61});
    for (int i = 0; i < 4; ++i) {
        bench.good("acme", 1);
        bench.advance(std::chrono::seconds{1});
    }
    REQUIRE(bench.entries<IncidentClosed>().size() == 1);
    CHECK(bench.entries<IncidentClosed>()[0].end == "recovered");
    CHECK(bench.entries<Paged>().empty());
}

TEST_CASE("a row without a lever goes to a person at once") {
    auto rules = small_rules();
    rules.runbook.symptoms[0].levers = {{"**", "none", {}}};
    Bench bench(rules);
    bench.settle();
    bench.kill("acme", 6);
    REQUIRE(bench.newest("tenant/acme"));
    CHECK(bench.newest("tenant/acme")->reason == "no_lever");
    CHECK(bench.decisions().size() == 1);
    CHECK(bench.entries<IncidentEscalated>().size() == 1);
}

TEST_CASE("the first matching lever of a row is taken") {
    auto rules = small_rules();
    rules.runbook.symptoms[3].levers = {{"image/platform*", "platform-rollback", {}},
                                        {"**", "template-rollback", {}}};
    Bench bench(rules);
    bench.auto_plan = false;
    bench.settle();
    for (int i = 0; i < 2; ++i) {
        bench.look("image/platform", "image_drift", Health::failing, Reason::drift, {}, "sha256:1");
        bench.look("image/hermes", "image_drift", Health::failing, Reason::drift, {}, "sha256:2");
    }
    bench.settle();
    const auto plans = bench.asked<MakePlan>();
    REQUIRE(plans.size() >= 1);
    std::map<std::string, std::string> by_subject;
    for (const auto& plan : plans) {
        by_subject[plan.subject.text()] = plan.lever;
    }
    CHECK(by_subject["image/hermes"] == "template-rollback");
}
