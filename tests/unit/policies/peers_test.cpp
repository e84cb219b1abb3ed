// Why: how systems of this kind are known to have failed, each as a story that must end well here.
// The name of a test says where the failure was reported.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

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

std::string text_of(const Bench& bench, const std::string& subject, const std::string& guard) {
    const auto newest = bench.newest(subject);
    REQUIRE(newest.has_value());
    const auto found = std::ranges::find(newest->guards, guard, &GuardVerdict::guard);
    return found == newest->guards.end() ? std::string{} : found->text;
}

void stay_down(Bench& bench, Millis how_long) {
    for (Millis done{0}; done < how_long; done += 10s) {
        bench.advance(9s);
        bench.kill("acme", 1);
    }
}

// Proven to have helped: the counter began anew and the looks are good.
void recover(Bench& bench) {
    bench.advance(61s);
    for (int i = 1; i <= 3; ++i) {
        bench.good("acme", i);
        bench.tick();
    }
}

Rules auto_rules(int attempts, Millis cool_down) {
    auto rules = small_rules();
    auto& limits = rules.policies.policies[0].limits;
    limits.attempts = attempts;
    limits.cool_down = cool_down;
    limits.per_hour = 20;
    limits.per_day = 50;
    rules.policies.effect.least_verdicts = 50;
    return rules;
}

}  // namespace

TEST_CASE("kubernaut#214: a repair that ends well and does not last uses up its attempts") {
    Bench bench(auto_rules(3, 10min));
    bench.settle();
    for (int cycle = 0; cycle < 12; ++cycle) {
        bench.kill("acme");
        if (const auto fired = bench.asked<FireLever>(); !fired.empty()) {
            bench.outcome(fired.back().intent.id, OutcomeKind::accepted);
        }
        recover(bench);
        bench.advance(11min);
        bench.all_good();
    }
    for (const auto& verdict : bench.entries<Verdict>()) {
        CHECK(verdict.kind == VerdictKind::recovered);
    }
    CHECK(bench.asked<FireLever>().size() == 3);
    CHECK(bench.entries<IncidentEscalated>().size() >= 1);
}

TEST_CASE("kubernaut#616: the configured limit of attempts is one that decides") {
    for (const int attempts : {1, 2, 4}) {
        CAPTURE(attempts);
        Bench bench(auto_rules(attempts, 11min));
        bench.settle();
        bench.kill("acme");
        for (int i = 0; i < 12; ++i) {
            if (const auto fired = bench.asked<FireLever>(); !fired.empty()) {
                bench.outcome(fired.back().intent.id, OutcomeKind::accepted);
            }
            stay_down(bench, 12min);
        }
        CAPTURE(reason(bench), text_of(bench, "tenant/acme", reason(bench)));
        CHECK(bench.asked<FireLever>().size() == static_cast<std::size_t>(attempts));
        CHECK(bench.entries<IncidentEscalated>().size() == 1);
    }
}

TEST_CASE("kubernaut#722: nothing is repaired while its symptom is still there") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    stay_down(bench, 15min);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::not_recovered);
    CHECK(bench.entries<IncidentClosed>().empty());
}

TEST_CASE("kubernaut#722: no samples are no repair") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    for (int i = 0; i < 30; ++i) {
        bench.advance(30s);
        bench.tick();
    }
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::inconclusive);
    CHECK(bench.entries<IncidentClosed>().empty());
}

TEST_CASE("kubernaut#1090: outcomes that nobody can judge end with a person, not with a loop") {
    Bench bench(auto_rules(3, 1min));
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    for (int hour = 0; hour < 6; ++hour) {
        for (int i = 0; i < 60; ++i) {
            bench.advance(60s);
            bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::rate_limited);
            bench.tick();
        }
        stay_down(bench, 5min);
    }
    CHECK(bench.asked<FireLever>().size() == 1);
    CHECK(bench.entries<IncidentEscalated>().size() == 1);
    CHECK(reason(bench) == "attempts");
}

TEST_CASE("karpenter#2833: a failure that changes its reason is one failure") {
    Bench bench;
    bench.settle();
    for (const auto why : {Reason::connect_refused, Reason::connect_timeout, Reason::http_5xx}) {
        bench.advance(1s);
        bench.all_good();
        bench.bad("acme", why);
    }
    // all_good() looked at acme between; the run below has no good look in it.
    CHECK_FALSE(bench.view().symptoms.contains({"tenant-unreachable", Subject{"tenant/acme"}}));
    for (const auto why : {Reason::connect_timeout, Reason::http_5xx}) {
        bench.advance(1s);
        bench.bad("acme", why);
    }
    CHECK(bench.view().tripped.contains({"tenant-health", Subject{"tenant/acme"}}));
}

TEST_CASE("karpenter#3193: a zone that fails is named, and its members are left alone") {
    auto rules = small_rules();
    rules.runbook.topology[0].parents.push_back("zone/{zone}");
    Symptom zone;
    zone.id = "zone-down";
    zone.title = "a zone is down";
    zone.subject_kind = "zone";
    zone.any = {"tenant-health"};
    zone.group = GroupRule{"tenant", 3, {}, 60, 10min, false, {}, Millis{0}};
    zone.levers.push_back({"**", "none", {}});
    rules.runbook.symptoms.push_back(zone);
    rules.runbook.symptoms[0].dwell = 5s;
    Bench bench(rules);
    bench.settle();
    for (int round = 0; round < 30; ++round) {
        bench.advance(1s);
        bench.all_good();
        for (int i = 0; i < 4; ++i) {
            Observation seen;
            seen.subject = Subject{"tenant/z" + std::to_string(i)};
            seen.probe = "tenant_health";
            seen.health = round == 0 ? Health::healthy : Health::failing;
            seen.reason = round == 0 ? Reason::ok : Reason::connect_timeout;
            seen.attributes = {{"zone", "b"}};
            seen.seen = bench.now();
            bench.send(seen);
        }
        bench.tick();
    }
    CHECK(bench.asked<FireLever>().empty());
    CHECK(reason(bench, "tenant/z1") == "explained");
    CHECK(text_of(bench, "tenant/z1", "explained").find("zone/b") != std::string::npos);
}

TEST_CASE("kured#847: a subject that vanished does not hold its lever for ever") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.blast_percent = 100;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::removed);
    for (int i = 0; i < 30; ++i) {
        bench.advance(30s);
        bench.tick();
    }
    CHECK(bench.view().intents_open == 0);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::inconclusive);
}

TEST_CASE("kured#847: an owner that never answers does not hold its lever for ever") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    REQUIRE(bench.asked<FireLever>().size() == 1);
    stay_down(bench, 29min);
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::in_flight);
    CHECK(bench.asked<ObserveLever>().empty());
    stay_down(bench, 2min);
    CHECK(bench.view().intents.at("t-1").phase == IntentPhase::ambiguous);
    CHECK_FALSE(bench.asked<ObserveLever>().empty());
    stay_down(bench, 15min);
    CHECK(bench.view().intents.at("t-1").verdict->kind == VerdictKind::inconclusive);
    CHECK(bench.asked<FireLever>().size() == 1);
}

TEST_CASE("terraform-hcloud-kube-hetzner#1182: no second lever on a target nobody verified") {
    auto rules = auto_rules(5, 0ms);
    rules.policies.policies[0].limits.verify_timeout = 60min;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::unknown);
    stay_down(bench, 50min);
    CHECK(bench.asked<FireLever>().size() == 1);
    stay_down(bench, 20min);
    REQUIRE(bench.entries<Verdict>().size() == 1);
    CHECK(bench.entries<Verdict>()[0].kind == VerdictKind::inconclusive);
    stay_down(bench, 2h);
    CHECK(bench.asked<FireLever>().size() == 1);
}
