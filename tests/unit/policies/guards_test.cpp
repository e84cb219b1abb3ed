// Why: every guard can veto, says why with value and limit, and blocks when it cannot read what it
// needs.
#include "policies/guards.hpp"
#include "policies/state/touch.hpp"

#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;

namespace {

std::string reason(Bench& bench) {
    const auto newest = bench.newest("tenant/acme");
    return newest ? newest->reason : "no decision";
}

const GuardVerdict& verdict(const Decision& decision, const std::string& guard) {
    return *std::ranges::find_if(decision.guards, [&](const auto& g) { return g.guard == guard; });
}

std::string reason_with(Rules rules) {
    Bench bench(std::move(rules));
    bench.settle();
    bench.kill("acme");
    return reason(bench);
}

}  // namespace

TEST_CASE("with everything in order the lever fires once, after its intent") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    CHECK(reason(bench) == "permitted");
    const auto fired = bench.asked<FireLever>();
    REQUIRE(fired.size() == 1);
    CHECK(fired[0].intent.subject.text() == "tenant/acme");
    CHECK(bench.entries<Intent>().size() == 1);
}

TEST_CASE(
    "modes: observe does nothing, recommend shows, approve asks, the least of all ceilings wins") {
    auto rules = small_rules();
    SECTION("policy recommend") {
        rules.policies.policies[0].mode = Mode::recommend;
        CHECK(reason_with(rules) == "mode");
    }
    SECTION("box recommend") {
        rules.policies.ceiling = Mode::recommend;
        CHECK(reason_with(rules) == "mode");
    }
    SECTION("policy approve") {
        rules.policies.policies[0].mode = Mode::approve;
        CHECK(reason_with(rules) == "approval");
    }
    SECTION("irreversible without the word accepted needs a person") {
        rules.levers["tenant-redeploy"].reversibility = Reversibility::irreversible;
        rules.policies.policies[0].subjects = {"tenant/acme"};
        CHECK(reason_with(rules) == "approval");
    }
    SECTION("irreversible accepted for everything still needs a person") {
        rules.levers["tenant-redeploy"].reversibility = Reversibility::irreversible;
        rules.policies.policies[0].irreversible_accepted = true;
        CHECK(reason_with(rules) == "approval");
    }
    SECTION("irreversible accepted for spelled subjects fires") {
        rules.levers["tenant-redeploy"].reversibility = Reversibility::irreversible;
        rules.policies.policies[0].subjects = {"tenant/acme"};
        rules.policies.policies[0].irreversible_accepted = true;
        CHECK(reason_with(rules) == "permitted");
    }
    SECTION("a manual lever is only ever recommended") {
        rules.levers["tenant-redeploy"].manual = true;
        CHECK(reason_with(rules) == "mode");
    }
}

TEST_CASE("a subject that no policy names is not touched") {
    auto rules = small_rules();
    rules.policies.policies[0].subjects = {"tenant/demo"};
    CHECK(reason_with(rules) == "subject_allowed");
    rules.policies.policies.clear();
    CHECK(reason_with(rules) == "subject_allowed");
}

TEST_CASE("an unknown lever is blocked, not guessed") {
    auto rules = small_rules();
    rules.levers.erase("tenant-redeploy");
    CHECK(reason_with(rules) == "subject_allowed");
}

TEST_CASE("a freeze holds a lever that leaves the receipt, not the one that restores it") {
    auto rules = small_rules();
    rules.policies.freeze_active = true;
    CHECK(reason_with(rules) == "permitted");
    rules.levers["tenant-redeploy"].moves_image = true;
    CHECK(reason_with(rules) == "freeze");
    rules.levers["tenant-redeploy"].restores_receipt = true;
    CHECK(reason_with(rules) == "permitted");
}

TEST_CASE(
    "whether a freeze holds a lever is asked of the planned digests, not of the lever's kind") {
    const auto reason_of = [](bool usually_restores, const char* target) {
        auto rules = small_rules();
        rules.policies.freeze_active = true;
        rules.levers["tenant-redeploy"].moves_image = true;
        rules.levers["tenant-redeploy"].restores_receipt = usually_restores;
        Bench bench(rules);
        bench.auto_plan = false;
        bench.settle();
        bench.kill("acme");
        REQUIRE(bench.asked<MakePlan>().size() == 1);
        PlanResult result;
        result.incident = bench.view().incidents.begin()->first;
        result.ok = true;
        result.plan.lever = "tenant-redeploy";
        result.plan.subject = Subject{"tenant/acme"};
        result.plan.params["target_from"] = target;
        bench.send(result);
        return reason(bench);
    };
    CHECK(reason_of(false, "receipt") == "permitted");
    CHECK(reason_of(true, "elsewhere") == "freeze");
    CHECK(reason_of(true, "receipt") == "permitted");
    CHECK(reason_of(false, "elsewhere") == "freeze");
}

TEST_CASE("the stop switch holds every lever until it is lifted, and says who set it") {
    Bench bench;
    bench.settle();
    bench.send(StopCommand{true, "ada", "demo is running"});
    bench.kill("acme");
    const auto held = bench.newest("tenant/acme");
    REQUIRE(held);
    CHECK(held->reason == "stop_switch");
    CHECK(verdict(*held, "stop_switch").text.find("ada") != std::string::npos);
    CHECK(bench.asked<FireLever>().empty());
    bench.restart();
    bench.advance(std::chrono::seconds{61});
    bench.kill("acme", 1);
    CHECK(bench.asked<FireLever>().empty());
    bench.send(StopCommand{false, "ada", "over"});
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("no lever while the ledger cannot be written") {
    Bench bench;
    bench.settle();
    bench.send(LedgerHealth{false});
    bench.kill("acme");
    CHECK(reason(bench) == "daemon_ready");
    CHECK(bench.asked<FireLever>().empty());
    bench.send(LedgerHealth{true});
    bench.bad("acme");
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("trust must be old enough: after a start and after a doubt the dwell runs anew") {
    Bench bench;
    bench.all_good();
    bench.kill("acme");
    CHECK(reason(bench) == "observer");
    bench.advance(std::chrono::seconds{60});
    bench.kill("acme", 1);
    CHECK(reason(bench) == "permitted");
}

TEST_CASE("old evidence is no evidence") {
    Bench bench;
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    const auto incident = bench.view().incidents.begin()->first;
    bench.advance(std::chrono::minutes{5});
    for (int i = 0; i < 3; ++i) {
        bench.reference(i, true);
    }
    bench.answer_plan(incident);
    CHECK(reason(bench) == "evidence");
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("reference points that nobody heard of lately vouch for nothing") {
    Bench bench;
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    const auto incident = bench.view().incidents.begin()->first;
    bench.advance(std::chrono::minutes{5});
    bench.bad("acme");
    bench.answer_plan(incident);
    CHECK(reason(bench) == "observer");
    REQUIRE(bench.view().pages.contains(incident));
    CHECK(bench.view().pages.at(incident).text.find("reference points") != std::string::npos);
    bench.reference(0, true);
    bench.bad("acme");
    bench.tick();
    CHECK(reason(bench) == "observer");
    bench.reference(1, true);
    bench.tick();
    CHECK(reason(bench) == "permitted");
}

TEST_CASE("something above that begins to look bad holds the lever") {
    Bench bench;
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    const auto incident = bench.view().incidents.begin()->first;
    bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
    bench.answer_plan(incident);
    CHECK(reason(bench) == "explained");
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("the row's dwell runs before its first lever") {
    auto rules = small_rules();
    rules.runbook.symptoms[0].dwell = std::chrono::seconds{60};
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    CHECK(reason(bench) == "dwell");
    bench.advance(std::chrono::seconds{60});
    bench.kill("acme", 1);
    CHECK(reason(bench) == "permitted");
}

TEST_CASE("no lever without a plan, and a plan that cannot be made is a reason") {
    Bench bench;
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    CHECK(bench.decisions().empty());
    bench.fail_plan(bench.view().incidents.begin()->first, "the control plane knows no such slug");
    CHECK(reason(bench) == "precondition");
    CHECK(verdict(*bench.newest("tenant/acme"), "precondition").text ==
          "the control plane knows no such slug");
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE(
    "blast radius: the least of count and percent, at least one, with the denominator in words") {
    struct Row {
        int percent;
        int count;
        bool second_allowed;
    };
    for (const auto& row :
         {Row{50, 4, true}, Row{10, 4, false}, Row{100, 1, false}, Row{40, 2, true}}) {
        auto rules = small_rules();
        rules.policies.policies[0].limits.blast_percent = row.percent;
        rules.policies.policies[0].limits.blast_count = row.count;
        Bench bench(rules);
        bench.settle();
        bench.kill("acme");
        REQUIRE(reason(bench) == "permitted");
        bench.kill("globex");
        const auto second = bench.newest("tenant/globex");
        REQUIRE(second);
        CHECK((second->reason == "permitted") == row.second_allowed);
        if (!row.second_allowed) {
            CHECK(second->reason == "blast_radius");
            CHECK(verdict(*second, "blast_radius").text.find("of 5 tenants") != std::string::npos);
        }
    }
}

// Fleet, percent, count and the most that may be touched, with how the text names the rounding.
struct Golden {
    int fleet;
    int percent;
    int count;
    int limit;
    std::string_view words;
};
constexpr Golden golden[] = {
    {1, 10, 1, 1,
     "1 of 1 tenants that we see and may touch within an hour, this one included; "
     "limit 1 = least of 1 and 10 % = 1 rounded down, at least 1"},
    {1, 100, 5, 1, "limit 1 = least of 5 and 100 % = 1 rounded"},
    {2, 50, 5, 1, "limit 1 = least of 5 and 50 % = 1 rounded"},
    {2, 49, 5, 1, "limit 1 = least of 5 and 49 % = 1 rounded"},
    {3, 34, 5, 1, "limit 1 = least of 5 and 34 % = 1 rounded"},
    {3, 67, 5, 2, "limit 2 = least of 5 and 67 % = 2 rounded"},
    {4, 50, 5, 2, "limit 2 = least of 5 and 50 % = 2 rounded"},
    {5, 50, 5, 2, "limit 2 = least of 5 and 50 % = 2 rounded"},
    {6, 50, 2, 2, "limit 2 = least of 2 and 50 % = 3 rounded"},
    {7, 30, 5, 2, "limit 2 = least of 5 and 30 % = 2 rounded"},
    {8, 25, 5, 2, "limit 2 = least of 5 and 25 % = 2 rounded"},
    {9, 33, 5, 2, "limit 2 = least of 5 and 33 % = 2 rounded"},
    {10, 10, 5, 1, "limit 1 = least of 5 and 10 % = 1 rounded"},
    {10, 39, 5, 3, "limit 3 = least of 5 and 39 % = 3 rounded"},
    {1000, 1, 5, 5, "limit 5 = least of 5 and 1 % = 10 rounded"},
    {1000, 0, 5, 1, "limit 1 = least of 5 and 0 % = 1 rounded"},
    {1000, 100, 0, 0, "limit 0 = least of 0 and 100 % = 1000 rounded"},
};

TEST_CASE("blast radius: the golden table of small fleets and a large one") {
    const auto guard = std::ranges::find(guard_table(), "blast_radius", &Guard::name);
    REQUIRE(guard != guard_table().end());
    for (const auto& row : golden) {
        CAPTURE(row.fleet, row.percent, row.count);
        auto rules = small_rules();
        auto& policy = rules.policies.policies[0];
        policy.subjects = {"tenant/f*"};
        policy.limits.blast_percent = row.percent;
        policy.limits.blast_count = row.count;
        const Now now{at_millis(10'000'000), WallTime{Millis{1'800'000'000'000}}};
        State state;
        const auto add = [&](const std::string& name, Health health) {
            Observation look;
            look.probe = "tenant_health";
            look.health = health;
            look.seen = now;
            state.subjects[Subject{"tenant/" + name}].looks.keep(state.shapes, look);
        };
        for (int i = 0; i < row.fleet; ++i) {
            add("f" + std::to_string(i), Health::healthy);
        }
        add("f-unseen", Health::unknown);  // neither of these may be counted
        add("other", Health::healthy);
        rebuild(rules, state);
        Incident incident;
        incident.subject = Subject{"tenant/f0"};
        for (int touched = 1; touched <= std::min(row.fleet, 7); ++touched) {
            const GuardInput input{rules,
                                   state,
                                   {},
                                   incident,
                                   rules.runbook.symptoms[0],
                                   &rules.levers.at("tenant-redeploy"),
                                   &policy,
                                   {},
                                   nullptr,
                                   {},
                                   {},
                                   now};
            const auto verdict = guard->check(input);
            CHECK(verdict.pass == (touched <= row.limit));
            CHECK(verdict.limit == std::to_string(row.limit));
            if (touched == 1) {
                CHECK(verdict.text.find(row.words) != std::string::npos);
            }
            state.firings.push_back(Firing{now.at,
                                           "t",
                                           "i",
                                           "s",
                                           "tenant-redeploy",
                                           Subject{"tenant/f" + std::to_string(touched)},
                                           {}});
        }
    }
}

TEST_CASE("the hourly budget counts every firing of the lever") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.per_hour = 1;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.kill("globex");
    CHECK(bench.newest("tenant/globex")->reason == "budget");
    bench.advance(std::chrono::minutes{61});
    bench.all_good();
    bench.kill("globex");
    CHECK(bench.newest("tenant/globex")->reason == "permitted");
}

TEST_CASE("a refusal repeated is recorded once, and the count equals what the metric is fed from") {
    Bench bench;
    bench.settle();
    bench.send(StopCommand{true, "ada", "no"});
    bench.kill("acme");
    for (int i = 0; i < 50; ++i) {
        bench.advance(std::chrono::seconds{1});
        bench.kill("acme", 1);
    }
    CHECK(bench.decisions().size() == 1);
    std::int64_t counted = 0;
    for (const auto& [key, count] : bench.view().decision_counts) {
        counted += count;
    }
    CHECK(counted == static_cast<std::int64_t>(bench.decisions().size()));
}

TEST_CASE("the guard table is the agreed order") {
    std::vector<std::string> names;
    for (const auto& guard : guard_table()) {
        names.emplace_back(guard.name);
    }
    CHECK(names == std::vector<std::string>{"stop_switch", "daemon_ready", "history",
                                            "observer",    "evidence",     "subject_allowed",
                                            "window",      "freeze",       "veto",
                                            "explained",   "flapping",     "dwell",
                                            "mode",        "attempts",     "in_flight",
                                            "cool_down",   "budget",       "blast_radius",
                                            "storm",       "precondition", "approval"});
}

TEST_CASE("what is meant to be off is no part of the fleet that a blast radius is a share of") {
    auto rules = small_rules();
    Signal off;
    off.id = "tenant-not-running";
    off.subject_kind = "tenant";
    off.probe = "control_plane";
    off.bad_health = {Health::degraded};
    off.reasons = {Reason::stopped};
    off.looks = 1;
    off.clear_looks = 1;
    rules.runbook.signals.push_back(off);
    rules.runbook.symptoms[0].unless = {"tenant-not-running"};
    Bench bench(rules);
    bench.settle();
    const auto fleet = [&] { return bench.view().index.reach.at({"p-c", "tenant"}); };
    REQUIRE(fleet() == 5);
    bench.look("tenant/hooli", "control_plane", Health::degraded, Reason::stopped);
    bench.look("tenant/initech", "control_plane", Health::degraded, Reason::stopped);
    CHECK(fleet() == 3);
    bench.kill("acme");
    const auto radius = verdict(*bench.newest("tenant/acme"), "blast_radius");
    CHECK(radius.text.starts_with("1 of 3 tenants"));
    bench.look("tenant/hooli", "control_plane", Health::healthy);
    CHECK(fleet() == 4);
    bench.look("tenant/initech", "control_plane", Health::unknown, Reason::removed);
    CHECK(fleet() == 4);
    bench.restart();
    CHECK(fleet() == 4);
}
