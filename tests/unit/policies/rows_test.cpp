// Why: a row that rests on several signals must mean the same whatever arrived first, and a row
// about a shared cause must win over the rows it explains.
#include "core/model/codec.hpp"

#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

// A tenant that is down while its boot log fails and its image drifts: probe, event log, digest.
Rules three_signals(Millis within) {
    auto rules = small_rules();
    Signal boots;
    boots.id = "boot-log";
    boots.subject_kind = "tenant";
    boots.probe = "boot_events";
    boots.looks = 1;
    rules.runbook.signals.push_back(boots);
    rules.runbook.signals[0].looks = 1;
    rules.runbook.signals[2].looks = 1;
    Symptom row;
    row.id = "bad-release";
    row.title = "bad release";
    row.subject_kind = "tenant";
    row.all = {"tenant-health", "boot-log", "image-drift"};
    row.within = within;
    row.levers.push_back({"**", "tenant-redeploy", {}});
    rules.runbook.symptoms = {row};
    return rules;
}

void arrive(Bench& bench, char what) {
    if (what == 'h') {
        bench.bad("acme");
    } else if (what == 'b') {
        bench.look("tenant/acme", "boot_events", Health::failing, Reason::boot_failed);
    } else {
        bench.look("image/platform", "image_drift", Health::failing, Reason::drift);
    }
}

void run_others(Bench& bench) {
    for (int i = 0; i < 3; ++i) {
        bench.reference(i, true);
    }
    bench.look("control-plane", "control_plane", Health::healthy);
}

std::string decided(const Rules& rules, const std::string& order) {
    Bench bench(rules);
    bench.settle();
    for (const char what : order) {
        arrive(bench, what);
        run_others(bench);
    }
    nlohmann::json all = nlohmann::json::array();
    for (const auto& decision : bench.decisions()) {
        all.push_back(to_json(EntryBody{decision}));
    }
    return dump(all);
}

}  // namespace

TEST_CASE("all of three signals, in any order, give the same decision") {
    std::string order = "bdh";
    const auto rules = three_signals(15min);
    const auto first = decided(rules, order);
    CHECK(first.find("bad-release") != std::string::npos);
    while (std::ranges::next_permutation(order).found) {
        CAPTURE(order);
        CHECK(decided(rules, order) == first);
    }
}

TEST_CASE("two of three are not all, and signals too far apart are not one cause") {
    CHECK(decided(three_signals(15min), "hd") == "[]");
    Bench bench(three_signals(1min));
    bench.settle();
    arrive(bench, 'h');
    arrive(bench, 'd');
    bench.advance(2min);
    run_others(bench);
    bench.bad("acme");
    arrive(bench, 'b');
    CHECK(bench.entries<SymptomRaised>().empty());
}

TEST_CASE("not_all forbids only while every one of them is raised") {
    auto rules = small_rules();
    rules.runbook.symptoms[0].not_all = {"control-plane-broken", "image-drift"};
    rules.runbook.symptoms[0].requires_healthy.clear();
    rules.runbook.signals[1].looks = 1;
    rules.runbook.signals[2].looks = 1;
    rules.policies.policies[2].mode = Mode::recommend;
    const auto raised = [&](bool both) {
        Bench bench(rules);
        bench.settle();
        arrive(bench, 'd');
        if (both) {
            bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        }
        for (int i = 0; i < 3; ++i) {
            bench.advance(1s);
            bench.bad("acme");
            bench.good("globex");
            for (int r = 0; r < 3; ++r) {
                bench.reference(r, true);
            }
        }
        return std::ranges::any_of(bench.entries<SymptomRaised>(), [](const auto& one) {
            return one.symptom == "tenant-unreachable";
        });
    };
    CHECK(raised(false));
    CHECK_FALSE(raised(true));
}

TEST_CASE("thirty tenants of one region are one incident of that region") {
    auto rules = small_rules();
    rules.runbook.topology[0].parents.push_back("region/{region}");
    Symptom region;
    region.id = "region-down";
    region.title = "a region is down";
    region.subject_kind = "region";
    region.any = {"tenant-health"};
    region.group = GroupRule{"tenant", 3, {}, 60, 10min, false, {}, Millis{0}};
    region.levers.push_back({"**", "none", {}});
    rules.runbook.symptoms.push_back(region);
    rules.runbook.symptoms[0].dwell = 60s;
    Bench bench(rules);
    bench.settle();
    const auto look = [&](const std::string& tenant, const std::string& where, bool works) {
        Observation seen;
        seen.subject = Subject{"tenant/" + tenant};
        seen.probe = "tenant_health";
        seen.health = works ? Health::healthy : Health::failing;
        seen.reason = works ? Reason::ok : Reason::connect_timeout;
        seen.attributes = {{"region", where}};
        seen.seen = bench.now();
        bench.send(seen);
    };
    for (int round = 0; round < 4; ++round) {
        bench.advance(1s);
        for (int i = 0; i < 30; ++i) {
            look("east-" + std::to_string(i), "east", round == 0);
            look("west-" + std::to_string(i), "west", true);
        }
        bench.all_good();
    }
    int open = 0;
    for (const auto& [id, incident] : bench.view().incidents) {
        if (incident.phase != IncidentPhase::closed) {
            open += 1;
            CHECK(incident.subject.text() == "region/east");
            CHECK(incident.linked.size() == 31);
        }
    }
    CHECK(open == 1);
    CHECK(bench.asked<FireLever>().empty());
    bool named = false;
    for (const auto& decision : bench.decisions()) {
        if (decision.subject.text() == "tenant/east-7" && decision.action == Action::hold) {
            named = named || decision.guards.front().text.find("region/east") != std::string::npos;
        }
    }
    CHECK(named);
}

TEST_CASE("an attribute that is no word makes no subject of its own") {
    auto rules = small_rules();
    rules.runbook.topology[0].parents.push_back("region/{region}");
    Bench bench(rules);
    Observation seen;
    seen.subject = Subject{"tenant/acme"};
    seen.probe = "tenant_health";
    seen.health = Health::healthy;
    seen.attributes = {{"region", "east\n<script>"}};
    seen.seen = bench.now();
    bench.send(seen);
    CHECK(bench.view().subjects.size() == 1);
}
