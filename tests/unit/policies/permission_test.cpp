// Why: what holds a lever, for how long, and what must go on all the same.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include "policies/windows.hpp"

#include <algorithm>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

std::string reason(const Bench& bench, const std::string& subject = "tenant/acme") {
    const auto newest = bench.newest(subject);
    return newest ? newest->reason : "no decision";
}

std::string text_of(const Bench& bench, const std::string& guard) {
    const auto newest = bench.newest("tenant/acme");
    REQUIRE(newest.has_value());
    const auto found = std::ranges::find(newest->guards, guard, &GuardVerdict::guard);
    REQUIRE(found != newest->guards.end());
    return found->text;
}

void stay_down(Bench& bench, Millis how_long) {
    for (Millis done{0}; done < how_long; done += 10s) {
        bench.advance(9s);
        bench.kill("acme", 1);
    }
}

WallTime utc(const std::string& text) {
    return *Zone{}.parse_local(text);
}

Window nightly(const std::string& zone, int start, int end) {
    Window window;
    window.id = "w";
    window.start = start;
    window.end = end;
    window.zone = *Zone::find(zone);
    window.owner = "ops";
    window.reason = "nightly import";
    return window;
}

void recover(Bench& bench, const std::string& tenant) {
    bench.advance(61s);
    bench.good(tenant, 1);
    bench.good(tenant, 2);
    bench.good(tenant, 3);
}

}  // namespace

TEST_CASE("a window past midnight belongs to the day on which it starts") {
    auto window = nightly("UTC", 22 * 60, 6 * 60);
    window.days.reset();
    window.days.set(0);  // Monday
    CHECK(is_open(window, utc("2026-05-04T22:00")));
    CHECK(is_open(window, utc("2026-05-05T05:59")));
    CHECK_FALSE(is_open(window, utc("2026-05-05T06:00")));
    CHECK_FALSE(is_open(window, utc("2026-05-04T05:00")));
    CHECK_FALSE(is_open(window, utc("2026-05-05T22:00")));
}

TEST_CASE("daylight saving: a skipped hour opens no window, a double hour opens it twice") {
    const auto window = nightly("Europe/Berlin", 2 * 60, 3 * 60);
    CHECK(is_open(window, utc("2026-03-28T01:30")));
    CHECK_FALSE(is_open(window, utc("2026-03-29T01:30")));
    CHECK_FALSE(is_open(window, utc("2026-03-29T00:59")));
    CHECK(is_open(window, utc("2026-10-25T00:30")));
    CHECK(is_open(window, utc("2026-10-25T01:30")));
    CHECK_FALSE(is_open(window, utc("2026-10-25T02:00")));
}

TEST_CASE("an expired window is as if it were not there") {
    auto window = nightly("UTC", 0, 0);
    window.expires = utc("2026-05-04T12:00");
    CHECK(is_open(window, utc("2026-05-04T11:59")));
    CHECK_FALSE(is_open(window, utc("2026-05-04T12:00")));
}

TEST_CASE("inside a window levers are held and the recommendation is still recorded") {
    auto rules = small_rules();
    rules.policies.windows = {nightly("UTC", 0, 0)};
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    CHECK(reason(bench) == "window");
    CHECK(text_of(bench, "window") == "window w of ops holds levers (all day UTC): nightly import");
    CHECK(bench.newest("tenant/acme")->lever == "tenant-redeploy");
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("outside the only window levers are held; a window for another lever says nothing") {
    auto rules = small_rules();
    auto window = nightly("UTC", 0, 1);
    window.effect = Window::Effect::only;
    SECTION("closed") {
        rules.policies.windows = {window};
        Bench bench(rules);
        bench.settle();
        bench.kill("acme");
        CHECK(reason(bench) == "window");
    }
    SECTION("one of two is open") {
        auto open = window;
        open.end = 0;
        open.start = 0;
        rules.policies.windows = {window, open};
        Bench bench(rules);
        bench.settle();
        bench.kill("acme");
        CHECK(reason(bench) == "permitted");
    }
    SECTION("about another lever") {
        window.levers = {"platform-rollback"};
        rules.policies.windows = {window};
        Bench bench(rules);
        bench.settle();
        bench.kill("acme");
        CHECK(reason(bench) == "permitted");
    }
}

TEST_CASE("a veto holds levers only, survives a restart, and ends by itself") {
    Bench bench;
    bench.settle();
    bench.send(VetoCommand{"tenant/acme", {}, 1h, "ana", "demo is running"});
    bench.kill("acme");
    CHECK(reason(bench) == "veto");
    CHECK(text_of(bench, "veto").starts_with("ana holds levers on tenant/acme (59m"));
    CHECK(bench.view().symptoms.size() == 1);
    bench.restart();
    CHECK(bench.view().vetoes.size() == 1);
    stay_down(bench, 50min);
    CHECK(bench.asked<FireLever>().empty());
    stay_down(bench, 12min);
    CHECK(bench.view().vetoes.empty());
    REQUIRE(bench.entries<VetoLifted>().size() == 1);
    CHECK(bench.entries<VetoLifted>()[0].who == own_name);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("a veto names subjects and levers, an empty selector is no veto at all") {
    Bench bench;
    bench.send(VetoCommand{{}, {}, 1h, "ana", "oops"});
    CHECK(bench.view().vetoes.empty());
    bench.send(VetoCommand{"tenant/globex", {}, 1h, "ana", "other"});
    bench.send(VetoCommand{"tenant/*", "platform-rollback", 1h, "ana", "other lever"});
    bench.settle();
    bench.kill("acme");
    CHECK(reason(bench) == "permitted");
    bench.send(LiftVeto{"v-1", "ana", "done"});
    CHECK(bench.view().vetoes.size() == 1);
}

TEST_CASE("a stop for an hour ends after an hour, whatever the wall clock says; a renewal lasts") {
    Bench bench;
    bench.settle();
    bench.send(StopCommand{true, "ana", "deploying", 1h});
    bench.send(StopCommand{true, "ana", "still deploying", 2h});
    bench.kill("acme");
    CHECK(reason(bench) == "stop_switch");
    bench.restart();
    stay_down(bench, 110min);
    CHECK(bench.view().stop.stopped);
    stay_down(bench, 15min);
    CHECK_FALSE(bench.view().stop.stopped);
    CHECK(bench.view().stop.who == own_name);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("a cool-down survives kill -9 and states the time that is left") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", OutcomeKind::accepted);
    recover(bench, "acme");
    REQUIRE(bench.view().symptoms.empty());
    bench.advance(5min);
    bench.restart();
    bench.settle();
    bench.kill("acme");
    stay_down(bench, 70s);
    const auto held = bench.newest("tenant/acme");
    REQUIRE(held.has_value());
    const auto guard =
        std::ranges::find(held->guards, std::string{"cool_down"}, &GuardVerdict::guard);
    REQUIRE(guard != held->guards.end());
    CHECK_FALSE(guard->pass);
    CHECK(guard->limit == "30m");
    CHECK(guard->text.find("to wait") != std::string::npos);
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("a cool-down counts for what the lever moves, not only for the subject") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.attempts = 9;
    Bench bench(rules);
    bench.auto_plan = false;
    bench.settle();
    const auto plan = [&](const std::string& incident, const std::string& tenant) {
        PlanResult result;
        result.incident = incident;
        result.ok = true;
        result.plan.lever = "tenant-redeploy";
        result.plan.subject = Subject{"tenant/" + tenant};
        result.plan.resource = "instance/i-1";
        bench.send(result);
    };
    bench.kill("acme");
    plan("i-1", "acme");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", OutcomeKind::accepted);
    recover(bench, "acme");
    bench.kill("globex");
    plan("i-2", "globex");
    CHECK(reason(bench, "tenant/globex") == "cool_down");
}

TEST_CASE("an ineffective repair does not reset the counter of attempts") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.cool_down = 1min;
    rules.policies.policies[0].limits.attempts = 2;
    rules.runbook.flap.start = 100;
    Bench bench(rules);
    bench.settle();
    for (int round = 0; round < 4; ++round) {
        bench.kill("acme");
        const auto fired = bench.asked<FireLever>().size();
        if (fired == static_cast<std::size_t>(round) + 1) {
            bench.outcome("t-" + std::to_string(round + 1), OutcomeKind::accepted);
        }
        recover(bench, "acme");
        bench.advance(5min);
        bench.all_good();
    }
    CHECK(bench.asked<FireLever>().size() == 2);
    CHECK(bench.entries<IncidentEscalated>().size() >= 1);
}

TEST_CASE("after recurs_within the case is a new one") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.recurs_within = 10min;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    recover(bench, "acme");
    bench.advance(31min);
    bench.settle();
    bench.kill("acme");
    CHECK(bench.asked<FireLever>().size() == 2);
}

TEST_CASE("a refused attempt costs nothing but makes the next one wait") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", OutcomeKind::refused);
    CHECK(bench.view().firings.empty());
    CHECK(reason(bench) == "precondition");
    stay_down(bench, 40s);
    CHECK(bench.asked<FireLever>().size() == 1);
    stay_down(bench, 2min);
    CHECK(bench.asked<FireLever>().size() == 2);
}

TEST_CASE("the budget of a day counts over incidents and restarts") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.per_day = 1;
    rules.policies.policies[0].limits.per_hour = 9;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    recover(bench, "acme");
    bench.restart();
    bench.advance(5h);
    bench.settle();
    bench.kill("globex");
    CHECK(reason(bench, "tenant/globex") == "budget");
}

namespace {

// One cause after the other, each with a tenant of its own.
void storm(Bench& bench, int tenants) {
    for (int i = 0; i < tenants; ++i) {
        bench.kill(Bench::tenants[i]);
        bench.advance(5s);
    }
}

Rules stormy() {
    auto rules = small_rules();
    rules.policies.storm = StormRules{3, 5min, 5min, 2};
    rules.policies.policies[0].limits.blast_percent = 100;
    rules.policies.policies[0].limits.blast_count = 10;
    rules.policies.policies[0].limits.per_hour = 10;
    rules.runbook.symptoms[2].group->min_members = 50;
    return rules;
}

}  // namespace

TEST_CASE("a storm of separate incidents opens the breaker; it never holds recovery") {
    Bench bench(stormy());
    bench.settle();
    storm(bench, 4);
    CHECK(bench.view().breaker.phase == BreakerPhase::open);
    CHECK(bench.asked<FireLever>().size() == 2);
    CHECK(reason(bench, "tenant/initech") == "storm");
    bench.outcome("t-1", OutcomeKind::accepted);
    recover(bench, "acme");
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::recovered);
    CHECK(bench.entries<IncidentClosed>().size() >= 1);
    bench.restart();
    CHECK(bench.view().breaker.phase == BreakerPhase::open);
}

TEST_CASE("after a storm one lever goes, is proven, and only then the next") {
    Bench bench(stormy());
    bench.settle();
    storm(bench, 5);
    REQUIRE(bench.view().breaker.phase == BreakerPhase::open);
    const auto before = bench.asked<FireLever>().size();
    for (std::size_t i = 1; i <= before; ++i) {
        bench.outcome("t-" + std::to_string(i), OutcomeKind::failed);
    }
    for (int i = 0; i < 40; ++i) {
        bench.advance(10s);
        bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 1);
    }
    CHECK(bench.view().breaker.phase == BreakerPhase::half_open);
    const auto fired = bench.asked<FireLever>();
    REQUIRE(fired.size() == before + 1);
    bench.outcome(fired.back().intent.id, OutcomeKind::accepted);
    recover(bench, std::string(fired.back().intent.subject.name()));
    CHECK(bench.view().breaker.allowed == 2);
    bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"}, 1);
    CHECK(bench.asked<FireLever>().size() > before + 1);
    CHECK(bench.asked<FireLever>().size() <= before + 3);
}

TEST_CASE("thirty symptoms of one cause are no storm") {
    auto rules = small_rules();
    rules.policies.storm = StormRules{3, 5min, 5min, 2};
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 3; ++i) {
        bench.advance(1s);
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
        for (const auto* tenant : Bench::tenants) {
            bench.bad(tenant);
        }
    }
    CHECK(bench.view().breaker.phase == BreakerPhase::closed);
}

TEST_CASE("an approval that waited too long is asked for again, and a stale one is refused") {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::approve;
    rules.policies.policies[0].limits.approval_ttl = 10min;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    REQUIRE(reason(bench) == "approval");
    const auto asked = bench.newest("tenant/acme")->id;
    bench.send(VetoCommand{"tenant/acme", {}, 15min, "ana", "wait"});
    bench.approve(asked);
    stay_down(bench, 16min);
    CHECK(bench.asked<FireLever>().empty());
    CHECK(reason(bench) == "approval");
    CHECK(bench.newest("tenant/acme")->action == Action::ask);
    bench.approve(asked);
    CHECK(bench.asked<FireLever>().empty());
    bench.approve(bench.newest("tenant/acme")->id);
    CHECK(bench.asked<FireLever>().size() == 1);
}
