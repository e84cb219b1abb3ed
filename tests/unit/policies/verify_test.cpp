// Why: a lever has helped only when fresh looks after the propagation delay say so.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;

namespace {

void fire(Bench& bench, OutcomeKind kind = OutcomeKind::accepted) {
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", kind);
}

std::vector<Verdict> verdicts(const Bench& bench) {
    return bench.entries<Verdict>();
}

void wait(Bench& bench, Millis how_long) {
    for (Millis done{0}; done < how_long; done += std::chrono::seconds{30}) {
        bench.advance(std::chrono::seconds{30});
        bench.kill("acme", 1);
    }
}

}  // namespace

TEST_CASE("looks from before the propagation delay prove nothing") {
    Bench bench;
    fire(bench);
    for (int i = 0; i < 10; ++i) {
        bench.advance(std::chrono::seconds{5});
        bench.good("acme", 1);
    }
    CHECK(verdicts(bench).empty());
    bench.advance(std::chrono::seconds{11});
    bench.good("acme", 2);
    CHECK(verdicts(bench).empty());
    bench.good("acme", 3);
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::recovered);
}

TEST_CASE("a counter that never started anew is no proof of a restart") {
    Bench bench;
    fire(bench);
    bench.advance(std::chrono::seconds{61});
    for (int i = 0; i < 5; ++i) {
        bench.good("acme", 500 + i);
    }
    CHECK(verdicts(bench).empty());
    bench.good("acme", 1);
    CHECK(verdicts(bench).size() == 1);
}

TEST_CASE("a look without the authenticated read does not count") {
    Bench bench;
    fire(bench);
    bench.advance(std::chrono::seconds{61});
    for (int i = 0; i < 5; ++i) {
        bench.look("tenant/acme", "tenant_health", Health::healthy, Reason::ok,
                   {{"requests_total", 1}, {"auth_read", 0}});
    }
    CHECK(verdicts(bench).empty());
}

TEST_CASE("unknown looks are not recovery and absent data is not success") {
    Bench bench;
    fire(bench);
    bench.advance(std::chrono::seconds{61});
    for (int i = 0; i < 30; ++i) {
        bench.advance(std::chrono::seconds{30});
        bench.reference(0, true);
        bench.reference(1, true);
        bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::rate_limited);
        bench.tick();  // a look that changes nothing waits for it, as under the driver
    }
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::inconclusive);
    REQUIRE(bench.entries<IncidentEscalated>().size() == 1);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("a lever whose contract names no proof never helped") {
    auto rules = small_rules();
    rules.levers["tenant-redeploy"].proof.clear();
    Bench bench(rules);
    fire(bench);
    for (int i = 0; i < 30; ++i) {
        bench.advance(std::chrono::seconds{30});
        bench.good("acme", 1);
        bench.tick();
    }
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::inconclusive);
    CHECK(verdicts(bench)[0].why.find("names none") != std::string::npos);
}

TEST_CASE("executed fine but the symptom persists: a failure, no loop, a person is called") {
    Bench bench;
    fire(bench);
    wait(bench, std::chrono::hours{6});
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::not_recovered);
    CHECK(bench.asked<FireLever>().size() == 1);
    REQUIRE(bench.entries<IncidentEscalated>().size() == 1);
    const auto pages = bench.entries<Paged>();
    REQUIRE_FALSE(pages.empty());
    CHECK(pages.back().severity == Severity::critical);
}

TEST_CASE("a lost reply is looked into, never repeated") {
    Bench bench;
    fire(bench, OutcomeKind::unknown);
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::ambiguous);
    CHECK(bench.asked<ObserveLever>().size() == 1);
    bench.send(Settled{"t-1", Took::unclear, "not yet"});
    wait(bench, std::chrono::minutes{1});
    CHECK(bench.asked<FireLever>().size() == 1);
    bench.send(Settled{"t-1", Took::yes, "restarted"});
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::verifying);
    bench.advance(std::chrono::seconds{61});
    bench.good("acme", 1);
    bench.good("acme", 2);
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::recovered);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE(
    "an outcome that stays unknown ends as inconclusive with a page, and still fires nothing "
    "again") {
    Bench bench;
    fire(bench, OutcomeKind::unknown);
    wait(bench, std::chrono::hours{3});
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::inconclusive);
    CHECK(bench.asked<FireLever>().size() == 1);
    CHECK(bench.entries<IncidentEscalated>().size() == 1);
}

TEST_CASE("a call that for certain did nothing uses its attempt and the cool-down") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.attempts = 2;
    Bench bench(rules);
    fire(bench, OutcomeKind::failed);
    bench.kill("acme", 2);
    CHECK(bench.newest("tenant/acme")->reason == "cool_down");
    CHECK(bench.asked<FireLever>().size() == 1);
    wait(bench, std::chrono::minutes{31});
    CHECK(bench.asked<FireLever>().size() == 2);
}

TEST_CASE("a second outcome for one intent is ignored") {
    Bench bench;
    fire(bench);
    bench.outcome("t-1", OutcomeKind::failed);
    CHECK(bench.entries<Outcome>().size() == 1);
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::verifying);
}

TEST_CASE("a lever's own looks must be good for long enough, and one bad look starts them over") {
    Bench bench;
    bench.settle();
    bench.look("image/x", "image_drift", Health::failing, Reason::drift, {}, "sha256:bad");
    bench.look("image/x", "image_drift", Health::failing, Reason::drift, {}, "sha256:bad");
    bench.settle();
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(std::chrono::seconds{31});
    const auto own = [&](Health health) {
        bench.look("image/x", "lever:template-rollback", health, Reason::ok);
        bench.advance(std::chrono::seconds{16});
    };
    own(Health::healthy);
    own(Health::healthy);
    own(Health::failing);
    own(Health::healthy);
    own(Health::healthy);
    CHECK(verdicts(bench).empty());
    own(Health::healthy);
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::recovered);
}

TEST_CASE("race: levers for one resource wait for each other, for different subjects they do not") {
    for (const bool shared : {true, false}) {
        INFO(shared);
        auto rules = small_rules();
        rules.policies.policies[0].limits.cool_down = Millis{0};
        rules.policies.policies[0].limits.blast_percent = 100;
        rules.policies.policies[0].limits.blast_count = 5;
        Bench bench(rules);
        bench.auto_plan = false;
        bench.settle();
        const auto plan = [&](const std::string& incident, const std::string& tenant) {
            PlanResult result;
            result.incident = incident;
            result.ok = true;
            result.plan.lever = "tenant-redeploy";
            result.plan.subject = Subject{"tenant/" + tenant};
            result.plan.resource = shared ? "instance/i-1" : "tenant/" + tenant;
            bench.send(result);
        };
        bench.kill("acme");
        plan("i-1", "acme");
        REQUIRE(bench.asked<FireLever>().size() == 1);
        bench.kill_all({"acme", "globex"});
        plan("i-2", "globex");
        CHECK(bench.asked<FireLever>().size() == (shared ? 1 : 2));
        const auto second = bench.newest("tenant/globex");
        REQUIRE(second);
        CHECK((second->reason == "in_flight") == shared);
    }
}

TEST_CASE("two levers never work on one subject or its parents at once") {
    Bench bench;
    fire(bench);
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "sha256:1");
    bench.advance(std::chrono::seconds{1});
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "sha256:2");
    bench.kill("globex");
    bench.kill("globex", 3);
    for (const auto& decision : bench.decisions()) {
        if (decision.subject.text() == "platform") {
            CHECK(decision.reason == "in_flight");
        }
    }
    CHECK(bench.asked<FireLever>().size() <= 2);
}

TEST_CASE("an accepted call that a look of the lever's own finds undone calls a person at once") {
    auto rules = small_rules();
    auto& contract = rules.levers.at("tenant-redeploy");
    ProofStep own;
    own.who = ProofStep::Who::lever;
    own.looks = 1;
    contract.proof.push_back(own);
    Bench bench(rules);
    fire(bench);
    bench.advance(std::chrono::seconds{61});
    const auto pages = [&] {
        std::vector<Paged> found;
        for (const auto& page : bench.entries<Paged>()) {
            if (page.key == "i-1") {
                found.push_back(page);
            }
        }
        return found;
    };
    // Not there yet is no reason to call anybody.
    bench.look("tenant/acme", "lever:tenant-redeploy", Health::degraded, Reason::proof_missing);
    CHECK(pages().empty());
    bench.look("tenant/acme", "lever:tenant-redeploy", Health::failing,
               Reason::credential_rolled_back);
    REQUIRE(pages().size() == 1);
    CHECK(pages()[0].severity == Severity::critical);
    CHECK(pages()[0].text.find("set the current one on the service again") != std::string::npos);
    CHECK(pages()[0].text.find("leverd why tenant/acme") != std::string::npos);
    // Everything else is fine, and still this is no recovery.
    bench.good("acme", 1);
    bench.good("acme", 2);
    CHECK(verdicts(bench).empty());
    CHECK(pages().back().status == PageStatus::firing);
    bench.look("tenant/acme", "lever:tenant-redeploy", Health::healthy);
    CHECK(pages().back().status == PageStatus::recovered);
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::recovered);
}

TEST_CASE("a verdict without recovery repeats what the lever's own look found") {
    auto rules = small_rules();
    ProofStep own;
    own.who = ProofStep::Who::lever;
    own.looks = 1;
    rules.levers.at("tenant-redeploy").proof.push_back(own);
    Bench bench(rules);
    fire(bench);
    bench.advance(std::chrono::seconds{61});
    bench.look("tenant/acme", "lever:tenant-redeploy", Health::failing,
               Reason::credential_rolled_back);
    wait(bench, std::chrono::minutes{30});
    REQUIRE_FALSE(verdicts(bench).empty());
    CHECK(verdicts(bench)[0].kind == VerdictKind::not_recovered);
    CHECK(verdicts(bench)[0].why.find("older CP_ADMIN_API_TOKEN") != std::string::npos);
}

TEST_CASE("what the lever's own look found before the effect can show is no verdict") {
    auto rules = small_rules();
    ProofStep own;
    own.who = ProofStep::Who::lever;
    own.looks = 1;
    rules.levers.at("tenant-redeploy").proof.push_back(own);
    Bench bench(rules);
    fire(bench);
    bench.advance(std::chrono::seconds{10});
    bench.look("tenant/acme", "lever:tenant-redeploy", Health::failing, Reason::workspace_failed);
    for (int i = 0; i < 60 && verdicts(bench).empty(); ++i) {
        bench.advance(std::chrono::seconds{30});
        bench.reference(0, true);
        bench.tick();
    }
    REQUIRE(verdicts(bench).size() == 1);
    CHECK(verdicts(bench)[0].kind == VerdictKind::inconclusive);
}

TEST_CASE("a policy that is removed while its lever is proven does not move the end of the proof") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.verify_timeout = std::chrono::minutes{20};
    Bench bench(rules);
    fire(bench);
    std::erase_if(rules.policies.policies, [](const auto& one) { return one.id == "p-c"; });
    bench.reload(rules);
    // After the propagation, which is a minute; the default would have been ten minutes.
    bench.advance(std::chrono::minutes{20} + std::chrono::seconds{50});
    bench.all_good();
    bench.tick();
    CHECK(bench.entries<Verdict>().empty());
    bench.advance(std::chrono::seconds{20});
    bench.tick();
    CHECK(bench.entries<Verdict>().size() == 1);
}
