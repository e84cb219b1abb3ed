// Why: the test of the tester. A scenario must fail when its expectation is wrong, say where and
// what happened instead, and give the same answer every time.
#include "policies/scenario.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

using namespace leverd;
using namespace std::chrono_literals;

namespace {

Scenario dead_tenant() {
    Scenario s;
    s.name = "a dead tenant";
    s.place = {"s.toml", 1, 1};
    ScenarioGreen tenants;
    tenants.subjects = {Subject{"tenant/acme"}, Subject{"tenant/globex"}};
    tenants.probe = "tenant_health";
    tenants.facts = {{"auth_read", 1}, {"requests_total", 500}};
    ScenarioGreen above;
    above.subjects = {Subject{"control-plane"}};
    above.probe = "control_plane";
    s.green = {tenants, above};
    ScenarioLook dead;
    dead.from = 5min;
    dead.subjects = {Subject{"tenant/acme"}};
    dead.probe = "tenant_health";
    dead.reason = Reason::connect_refused;
    dead.healed_by = "tenant-redeploy";
    dead.healed_after = 40s;
    s.looks = {dead};
    ScenarioLever lever;
    lever.lever = "tenant-redeploy";
    lever.then_facts = {{"requests_total", 1}};
    s.levers = {lever};
    s.lasts = 20min;
    return s;
}

ScenarioExpect fires(Millis by) {
    ScenarioExpect want;
    want.place = {"s.toml", 42, 1};
    want.subject = "tenant/acme";
    want.action = Action::fire;
    want.by = by;
    return want;
}

}  // namespace

TEST_CASE("scenario: a dead tenant is redeployed and proven") {
    auto s = dead_tenant();
    ScenarioExpect recovered;
    recovered.verdict = VerdictKind::recovered;
    s.expects = {fires(7min), recovered};
    s.fired = 1;
    s.incidents = 1;
    const auto result = run_scenario(s, test::small_rules());
    for (const auto& failure : result.failures) {
        INFO(failure.expected << " / " << (failure.instead.empty() ? "" : failure.instead[0]));
        CHECK(false);
    }
    CHECK(result.checked == 4);
}

TEST_CASE("scenario: a wrong expectation fails at its place and says what happened instead") {
    auto s = dead_tenant();
    s.expects = {fires(4min)};
    s.fired = 3;
    const auto result = run_scenario(s, test::small_rules());
    REQUIRE(result.failures.size() == 2);
    CHECK(result.failures[0].place.line == 42);
    CHECK(result.failures[0].expected == "by 4m00s: subject = tenant/acme, action = fire");
    REQUIRE_FALSE(result.failures[0].instead.empty());
    CHECK_THAT(result.failures[0].instead[0], Catch::Contains("tenant/acme"));
    CHECK(result.failures[1].expected == "fired = 3");
}

TEST_CASE("scenario: never fails when it happens, and only inside its time") {
    auto s = dead_tenant();
    auto never = fires(20min);
    never.never = true;
    s.expects = {never};
    CHECK_FALSE(run_scenario(s, test::small_rules()).ok());
    s.expects[0].by = Millis{4min};
    CHECK(run_scenario(s, test::small_rules()).ok());
}

TEST_CASE("scenario: the stop switch and a restart go through the engine") {
    auto s = dead_tenant();
    ScenarioSay stop;
    stop.at = 1min;
    stop.why = "test";
    ScenarioSay restart;
    restart.at = 8min;
    restart.what = ScenarioSay::What::restart;
    s.says = {restart, stop};
    ScenarioExpect held;
    held.at = Millis{12min};
    held.subject = "tenant/acme";
    held.reason = "stop_switch";
    s.expects = {held};
    s.fired = 0;
    const auto result = run_scenario(s, test::small_rules());
    CHECK(result.ok());
    const auto starts = std::ranges::count_if(result.ledger, [](const Entry& entry) {
        return std::holds_alternative<Started>(entry.body);
    });
    CHECK(starts == 2);
}

TEST_CASE("scenario: the same scenario gives the same ledger") {
    const auto s = dead_tenant();
    const auto once = run_scenario(s, test::small_rules());
    const auto again = run_scenario(s, test::small_rules());
    REQUIRE(once.ledger.size() == again.ledger.size());
    for (std::size_t i = 0; i < once.ledger.size(); ++i) {
        CHECK(once.ledger[i].now == again.ledger[i].now);
        CHECK(once.ledger[i].body.index() == again.ledger[i].body.index());
    }
}

TEST_CASE("scenario: names that the rules do not have are found") {
    auto s = dead_tenant();
    auto want = fires(5min);
    want.symptom = "tenant-unreachabel";
    want.guard = "cooldown";
    s.expects = {want};
    const auto unknown = unknown_names(s, test::small_rules());
    REQUIRE(unknown.size() == 2);
    CHECK(unknown[0].second.hint == "did you mean 'tenant-unreachable'?");
    CHECK(unknown[1].second.hint == "did you mean 'cool_down'?");
    ScenarioWhatIf what_if;
    what_if.modes = {{"p-x", Mode::automatic}};
    CHECK(apply_what_if(test::small_rules(), what_if).has_error());
}
