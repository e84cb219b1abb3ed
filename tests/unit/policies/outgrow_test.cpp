// Why: what was proposed, asked or approved holds only as long as what it was made for: a wider
// cause, another plan, a jump of the clock or a restart each must be answered the safe way.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>
#include <functional>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

std::string reason(const Bench& bench, const std::string& subject = "tenant/acme") {
    const auto newest = bench.newest(subject);
    return newest ? newest->reason : "no decision";
}

void stay_down(Bench& bench, Millis how_long) {
    for (Millis done{0}; done < how_long; done += 10s) {
        bench.advance(9s);
        bench.kill("acme", 1);
    }
}

Rules asking() {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::approve;
    return rules;
}

PlanResult planned(const std::string& incident) {
    PlanResult made;
    made.incident = incident;
    made.ok = true;
    made.plan.lever = "tenant-redeploy";
    made.plan.subject = Subject{"tenant/acme"};
    made.plan.resource = "tenant/acme";
    made.plan.target_version = "v1";
    made.plan.params = {{"slug", "acme"}};
    made.plan.calls = {{"POST", "https://cp.example/redeploy", "{}", "redeploys"}};
    return made;
}

}  // namespace

TEST_CASE("one tenant, then all: the case moves up and takes its question back") {
    auto rules = asking();
    rules.runbook.symptoms[0].needs_working_sibling = false;
    Bench bench(rules);
    bench.settle();
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "sha256:1");
    bench.advance(10s);
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "sha256:2");
    bench.kill("acme");
    REQUIRE(reason(bench) == "approval");
    const auto lower = bench.view().incidents.begin()->first;
    const auto asked = bench.newest("tenant/acme")->id;
    bench.kill("acme", 12);
    REQUIRE(bench.view().pages.contains(lower));
    bench.kill_all({"acme", "globex", "initech", "umbrella", "hooli"});
    const auto& below = bench.view().incidents.at(lower);
    CHECK(below.phase == IncidentPhase::closed);
    CHECK(below.end == "absorbed");
    CHECK(bench.view().pages.at(lower).status == PageStatus::firing);
    CHECK(bench.view().pages.at(lower).incident == below.absorbed_into);
    CHECK(reason(bench) == "explained");
    int open = 0;
    for (const auto& [id, incident] : bench.view().incidents) {
        if (incident.phase != IncidentPhase::closed) {
            open += 1;
            CHECK(incident.subject.text() == "platform");
            CHECK(incident.linked.size() == 6);
            CHECK(id == below.absorbed_into);
        }
    }
    CHECK(open == 1);
    bench.approve(asked);  // a yes to the question that was taken back
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("an approval is refused once lever, parameters, calls or target version are others") {
    const std::pair<const char*, std::function<void(Plan&)>> changes[] = {
        {"target version", [](Plan& p) { p.target_version = "v2"; }},
        {"parameters", [](Plan& p) { p.params["slug"] = "acme-2"; }},
        {"another parameter", [](Plan& p) { p.params["force"] = "yes"; }},
        {"calls", [](Plan& p) { p.calls[0].url = "https://cp.example/delete"; }},
        {"body", [](Plan& p) { p.calls[0].body = R"({"wipe":true})"; }},
        {"what it moves", [](Plan& p) { p.moves["image/a"] = "sha256:2"; }},
        {"resource", [](Plan& p) { p.resource = "image/a"; }},
    };
    for (const auto& [name, change] : changes) {
        CAPTURE(name);
        Bench bench(asking());
        bench.auto_plan = false;
        bench.settle();
        bench.kill("acme");
        const auto incident = bench.view().incidents.begin()->first;
        bench.send(planned(incident));
        const auto asked = bench.newest("tenant/acme")->id;
        REQUIRE(bench.newest("tenant/acme")->action == Action::ask);
        auto other = planned(incident);
        change(other.plan);
        bench.send(other);
        bench.approve(asked);
        CHECK(bench.asked<FireLever>().empty());
        CHECK(bench.entries<Approval>().empty());
        CHECK(bench.newest("tenant/acme")->action == Action::ask);
        bench.approve(bench.newest("tenant/acme")->id);
        REQUIRE(bench.asked<FireLever>().size() == 1);
        CHECK(bench.asked<FireLever>()[0].intent.plan == other.plan);
    }
}

TEST_CASE("the same plan made again asks nobody anew, whatever its words") {
    Bench bench(asking());
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    const auto incident = bench.view().incidents.begin()->first;
    bench.send(planned(incident));
    const auto asked = bench.newest("tenant/acme")->id;
    auto again = planned(incident);
    again.plan.warnings = {"made a minute later"};
    again.plan.calls[0].why = "in other words";
    bench.send(again);
    CHECK(bench.newest("tenant/acme")->id == asked);
    bench.approve(asked);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("an approval of another case's evidence is no approval of this one") {
    Bench bench(asking());
    bench.settle();
    bench.kill("acme");
    const auto first = bench.newest("tenant/acme")->id;
    for (int i = 0; i < 3; ++i) {
        bench.advance(1s);
        bench.good("acme");
    }
    bench.kill("acme");
    REQUIRE(bench.newest("tenant/acme")->id != first);
    bench.approve(first);
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("a policy that was taken away takes its open question with it") {
    Bench bench(asking());
    bench.settle();
    bench.kill("acme");
    const auto asked = bench.newest("tenant/acme")->id;
    auto rules = asking();
    rules.policies.policies.erase(rules.policies.policies.begin());
    bench.reload(rules);
    bench.approve(asked);
    CHECK(bench.asked<FireLever>().empty());
    CHECK(reason(bench) == "subject_allowed");
}

TEST_CASE("no jump of the wall clock shortens a cool-down, over a restart too") {
    for (const Millis jump : {Millis{1h}, Millis{-1h}, Millis{24h * 365}, Millis{-24h * 365}}) {
        CAPTURE(jump.count());
        auto rules = small_rules();
        rules.policies.policies[0].limits.attempts = 5;
        Bench bench(rules);
        bench.settle();
        bench.kill("acme");
        bench.outcome("t-1", OutcomeKind::failed);
        stay_down(bench, 10min);
        bench.jump_wall(jump);
        bench.restart();
        stay_down(bench, 18min);
        CHECK(bench.asked<FireLever>().empty());
        CHECK(reason(bench) == "cool_down");
        stay_down(bench, 3min);
        CHECK(bench.asked<FireLever>().size() == 1);
    }
}

TEST_CASE("killed every five seconds for ten minutes: no lever more than without") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.attempts = 5;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", OutcomeKind::failed);
    std::size_t fired = 0;
    for (int i = 0; i < 120; ++i) {
        bench.advance(4s);
        bench.kill("acme", 1);
        bench.restart();
        fired += bench.asked<FireLever>().size();
    }
    CHECK(fired == 0);
    CHECK(bench.entries<Intent>().size() == 1);
    CHECK(bench.view().firings.size() == 1);
}

TEST_CASE("after a storm nothing fires on what was seen before it") {
    auto rules = small_rules();
    rules.policies.storm = StormRules{3, 5min, 5min, 2};
    rules.policies.policies[0].limits.blast_percent = 100;
    rules.policies.policies[0].limits.blast_count = 10;
    rules.policies.policies[0].limits.per_hour = 10;
    rules.runbook.symptoms[2].group->min_members = 50;
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 4; ++i) {
        bench.kill(Bench::tenants[i]);
        bench.advance(5s);
    }
    REQUIRE(bench.view().breaker.phase == BreakerPhase::open);
    const auto before = bench.asked<FireLever>().size();
    for (std::size_t i = 1; i <= before; ++i) {
        bench.outcome("t-" + std::to_string(i), OutcomeKind::failed);
    }
    for (int i = 0; i < 40; ++i) {  // nobody looks at the dead any more
        bench.advance(10s);
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
        bench.look("control-plane", "control_plane", Health::healthy);
        bench.tick();
    }
    CHECK(bench.view().breaker.phase == BreakerPhase::half_open);
    CHECK(bench.asked<FireLever>().size() == before);
    CHECK(reason(bench, "tenant/initech") == "evidence");
}
