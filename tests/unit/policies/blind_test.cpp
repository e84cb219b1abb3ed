// Why: a watchdog that cannot see must say so before it says that all is well. Each case here once
// ended in silence, or in "nothing is wrong".
#include "policies/detect/blind.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

// A round of looks in which the control plane refuses our credential.
void refused(Bench& bench, Reason reason = Reason::unauthorized, const std::string& dead = {}) {
    for (int i = 0; i < 3; ++i) {
        bench.reference(i, true);
    }
    bench.look("control-plane", "control_plane", Health::unknown, reason);
    for (const auto* tenant : Bench::tenants) {
        if (tenant == dead) {
            bench.bad(tenant);
        } else {
            bench.good(tenant);
        }
    }
    bench.tick();
}

void refused_for(Bench& bench, Millis time, Reason reason = Reason::unauthorized) {
    for (Millis past{0}; past <= time; past += 30s) {
        refused(bench, reason);
        bench.advance(30s);
    }
}

bool is_blind(const Bench& bench, const std::string& what) {
    return bench.view().blind.contains(what);
}

}  // namespace

TEST_CASE("a rotated admin token is blindness after the grace, said once") {
    Bench bench;
    bench.settle();
    const auto begun = bench.now();
    refused_for(bench, 4min);
    CHECK_FALSE(is_blind(bench, "control-plane"));
    refused_for(bench, 2min);
    REQUIRE(is_blind(bench, "control-plane"));
    const auto& held = bench.view().blind.at("control-plane");
    CHECK(held.since.at == begun.at);
    CHECK(held.why ==
          "control-plane cannot be judged: our credential was not accepted. Next: put "
          "the current credential in place, then restart leverd (reload, when it is a "
          "file)");
    refused_for(bench, 10min);
    CHECK(bench.entries<BlindChanged>().size() == 1);
}

TEST_CASE("a tenant that dies while the control plane cannot be judged is named") {
    Bench bench;
    bench.settle();
    refused_for(bench, 6min);
    for (int i = 0; i < 4; ++i) {
        refused(bench, Reason::unauthorized, "acme");
        bench.advance(1s);
        bench.tick();
    }
    bench.advance(5s);
    bench.tick();
    const auto waiting = withheld(small_rules(), bench.view());
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].subject.text() == "tenant/acme");
    CHECK(waiting[0].unseen.text() == "control-plane");
    CHECK(waiting[0].reason == Reason::unauthorized);
    CHECK(bench.view().blind.at("control-plane").why.find("tenant/acme fails meanwhile") !=
          std::string::npos);
    CHECK(bench.entries<BlindChanged>().size() == 2);
}

TEST_CASE("a rate-limited control plane and an empty list are blindness too") {
    for (const auto reason : {Reason::rate_limited, Reason::inventory_empty}) {
        Bench bench;
        bench.settle();
        refused_for(bench, 6min, reason);
        CHECK(is_blind(bench, "control-plane"));
    }
}

TEST_CASE("one look that judges ends blindness, also a bad one") {
    for (const auto health : {Health::healthy, Health::failing}) {
        Bench bench;
        bench.settle();
        refused_for(bench, 6min);
        REQUIRE(is_blind(bench, "control-plane"));
        bench.look("control-plane", "control_plane", health);
        bench.advance(5s);
        bench.tick();
        CHECK_FALSE(is_blind(bench, "control-plane"));
        CHECK(bench.view().unseen.empty());
    }
}

TEST_CASE("blindness and its beginning outlive a restart") {
    Bench bench;
    bench.settle();
    const auto begun = bench.now();
    refused_for(bench, 6min);
    bench.restart();
    bench.tick();
    REQUIRE(is_blind(bench, "control-plane"));
    CHECK(bench.view().blind.at("control-plane").since.at == begun.at);
    refused_for(bench, 1min);
    CHECK(bench.entries<BlindChanged>().size() == 1);
}

TEST_CASE("what is at rest was seen well enough") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 30; ++i) {
        bench.all_good();
        bench.look("workspace/acme/w1", "workspace_status", Health::unknown, Reason::paused);
        bench.look("workspace/acme/w2", "workspace_activity", Health::unknown, Reason::no_traffic);
        bench.tick();
        bench.advance(30s);
    }
    CHECK(bench.view().blind.empty());
    CHECK(bench.view().unseen.empty());
}

TEST_CASE("what cannot be judged because what it stands on fails is no blindness") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 20; ++i) {
        bench.all_good();
        bench.look("platform", "platform_look", Health::failing, Reason::connect_refused);
        bench.look("tenant/acme", "tenant_look", Health::unknown, Reason::parent_unreadable);
        bench.advance(30s);
        bench.tick();
    }
    CHECK(bench.view().unseen.size() == 1);
    CHECK(bench.view().blind.empty());
    // When that is well again, and this still cannot be judged, it is.
    for (int i = 0; i < 3; ++i) {
        bench.all_good();
        bench.look("platform", "platform_look", Health::healthy);
        bench.look("tenant/acme", "tenant_look", Health::unknown, Reason::parent_unreadable);
        bench.advance(30s);
        bench.tick();
    }
    CHECK(is_blind(bench, "tenant"));
}

TEST_CASE("a box in doubt of itself is not blind on its targets as well") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 3; ++i) {
        bench.reference(i, false);
    }
    bench.tick();
    REQUIRE_FALSE(bench.view().observer.trusted);
    for (int i = 0; i < 20; ++i) {
        bench.look("control-plane", "control_plane", Health::unknown, Reason::dns_timeout);
        bench.advance(30s);
        bench.tick();
    }
    CHECK(bench.view().blind.empty());
    // And the time of the doubt does not count afterwards.
    refused_for(bench, 3min);
    CHECK(bench.view().blind.empty());
    refused_for(bench, 3min);
    CHECK(is_blind(bench, "control-plane"));
}

TEST_CASE("what cannot be seen is not forgotten, and what no probe asks about any more is") {
    Bench bench;
    bench.settle();
    // The list is refused, and the tenants' own looks stop with it.
    for (int i = 0; i < 60; ++i) {
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
        bench.look("control-plane", "control_plane", Health::unknown, Reason::unauthorized);
        bench.tick();
        bench.advance(30s);
    }
    CHECK(bench.view().subjects.contains(Subject{"tenant/acme"}));
    // Now nobody looks at the control plane either: its probe was taken out of the configuration.
    for (int i = 0; i < 60; ++i) {
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
        bench.tick();
        bench.advance(30s);
    }
    CHECK(bench.view().blind.empty());
    CHECK_FALSE(bench.view().subjects.contains(Subject{"tenant/acme"}));
}

TEST_CASE("a row about not seeing is raised by unknown looks and cleared by any other") {
    auto rules = small_rules();
    Signal unseen;
    unseen.id = "control-plane-unseen";
    unseen.subject_kind = "control-plane";
    unseen.probe = "control_plane";
    unseen.bad_health = {Health::unknown};
    unseen.spread = 5min;
    rules.runbook.signals.push_back(unseen);
    Symptom row;
    row.id = "control-plane-unseen";
    row.title = "The control plane cannot be seen";
    row.subject_kind = "control-plane";
    row.any = {unseen.id};
    row.levers.push_back({"**", "none", {}});
    rules.runbook.symptoms.push_back(row);
    Bench bench(rules);
    bench.settle();
    refused_for(bench, 6min);
    CHECK(bench.view().symptoms.contains({row.id, Subject{"control-plane"}}));
    CHECK(blindness_has_case(rules, bench.view(), "control-plane"));
    for (int i = 0; i < 3; ++i) {
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        bench.advance(1s);
        bench.tick();
    }
    CHECK_FALSE(bench.view().symptoms.contains({row.id, Subject{"control-plane"}}));
    CHECK_FALSE(blindness_has_case(rules, bench.view(), "control-plane"));
}
