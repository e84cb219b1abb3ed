// Why: one cause, one case, also in time: an effect that clears after its cause is not a case of
// its own, and one cause that comes back is not many.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>
#include <string>

using namespace leverd;
using namespace std::chrono_literals;

namespace {

const SymptomKey workspace_symptom{"workspace-always-errors", Subject{"workspace/acme/1"}};

Rules rules_with_workspaces() {
    auto rules = test::small_rules();
    Signal agent;
    agent.id = "agent-errors";
    agent.subject_kind = "workspace";
    agent.probe = "workspace_activity";
    agent.looks = 2;
    rules.runbook.signals.push_back(agent);
    Symptom row;
    row.id = "workspace-always-errors";
    row.title = row.id;
    row.subject_kind = "workspace";
    row.any = {"agent-errors"};
    row.levers = {{"**", "none", {}}};
    rules.runbook.symptoms.push_back(row);
    rules.runbook.topology.push_back({"workspace", {"tenant/acme"}});
    for (auto& policy : rules.policies.policies) {
        policy.mode = Mode::recommend;
    }
    return rules;
}

void look_at_workspace(test::Bench& bench, bool works) {
    bench.look("workspace/acme/1", "workspace_activity", works ? Health::healthy : Health::failing,
               works ? Reason::ok : Reason::agent_errors);
}

// The tenant is down, its workspace fails because of it, and then the tenant is back.
struct CauseHealsFirst {
    test::Bench bench{rules_with_workspaces()};

    CauseHealsFirst() {
        bench.settle();
        look_at_workspace(bench, true);
        bench.kill("acme");
        look_at_workspace(bench, false);
        bench.advance(1s);
        look_at_workspace(bench, false);
        for (int i = 0; i < 3; ++i) {
            bench.reference(i, true);
        }
        bench.tick();
        REQUIRE(bench.view().incidents_open == 1);
        REQUIRE(bench.view().symptoms.contains(workspace_symptom));
        heal();
        REQUIRE_FALSE(
            bench.view().symptoms.contains({"tenant-unreachable", Subject{"tenant/acme"}}));
    }
    void heal() {
        for (int i = 0; i < 2; ++i) {
            bench.advance(1s);
            bench.all_good();
            bench.tick();
        }
    }
    void wait(Millis time) {
        for (Millis waited{0}; waited < time; waited += 5s) {
            bench.advance(5s);
            bench.all_good();
            look_at_workspace(bench, false);
            bench.tick();
        }
    }
    std::size_t opened() const { return bench.entries<IncidentOpened>().size(); }
};

}  // namespace

TEST_CASE("an effect keeps its cause for one clearing time after the cause cleared") {
    CauseHealsFirst story;
    story.wait(20s);
    CHECK(story.opened() == 1);
    CHECK(story.bench.view().incidents_open == 1);
    SECTION("the effect clears too: the case is over at once") {
        for (int i = 0; i < 2; ++i) {
            story.bench.advance(1s);
            look_at_workspace(story.bench, true);
        }
        story.bench.tick();
        CHECK(story.opened() == 1);
        CHECK(story.bench.view().incidents_open == 0);
        CHECK(story.bench.view().symptoms.empty());
    }
    SECTION("it does not: then it is a case of its own") {
        story.wait(140s);
        REQUIRE(story.opened() == 2);
        CHECK(story.bench.entries<IncidentOpened>().back().subject == workspace_symptom.second);
        CHECK(story.bench.view().incidents_open == 1);
    }
    SECTION("the cause comes back: the same case goes on") {
        story.bench.kill("acme");
        story.wait(140s);
        CHECK(std::ranges::count(story.bench.entries<IncidentOpened>(), Subject{"tenant/acme"},
                                 &IncidentOpened::subject) == 1);
    }
    SECTION("a restart knows how long it was") {
        story.bench.restart();
        story.wait(20s);
        CHECK(story.opened() == 1);
    }
}

TEST_CASE("while a cause above has its case, what fails below is raised and linked to it") {
    auto rules = rules_with_workspaces();
    test::Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 3; ++i) {
        bench.advance(1s);
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
    }
    REQUIRE(bench.view().incidents_open == 1);
    for (int i = 0; i < 3; ++i) {
        bench.advance(1s);
        for (const auto* tenant : test::Bench::tenants) {
            bench.bad(tenant);
        }
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
        bench.tick();
    }
    CHECK(bench.view().incidents_open == 1);
    for (const std::string tenant : test::Bench::tenants) {
        const SymptomKey key{"tenant-unreachable", Subject{"tenant/" + tenant}};
        REQUIRE(bench.view().symptoms.contains(key));
        CHECK(bench.view().symptoms.at(key).incident == "i-1");
    }
}

TEST_CASE("the storm breaker counts different causes, not one that comes back") {
    auto rules = rules_with_workspaces();
    rules.policies.storm = StormRules{3, 10min, 3min, 4};
    test::Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 4; ++i) {
        bench.kill("acme");
        for (int look = 0; look < 2; ++look) {
            bench.advance(1s);
            bench.all_good();
            bench.tick();
        }
    }
    CHECK(bench.entries<IncidentOpened>().size() == 4);
    CHECK(bench.view().breaker.phase == BreakerPhase::closed);
    bench.kill("globex");
    bench.kill("initech");
    CHECK(bench.view().breaker.phase == BreakerPhase::open);
}
