// Why: every guard can veto, says why with value and limit, and blocks when it cannot read what it
// needs.
#include "policies/guards.hpp"

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
    bench.answer_plan(incident);
    CHECK(reason(bench) == "evidence");
    CHECK(bench.asked<FireLever>().empty());
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
    CHECK(names == std::vector<std::string>{
                       "stop_switch", "daemon_ready", "observer", "evidence",     "subject_allowed",
                       "window",      "freeze",       "veto",     "explained",    "flapping",
                       "dwell",       "mode",         "attempts", "in_flight",    "cool_down",
                       "budget",      "blast_radius", "storm",    "precondition", "approval"});
}
