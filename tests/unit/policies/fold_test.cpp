// Why: runs of looks are where false alarms are born; the rules of counting are pinned here.
#include "policies/fold.hpp"

#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

using namespace leverd;
using leverd::test::Bench;

namespace {

bool raised(const Bench& bench, const std::string& tenant) {
    return bench.view().symptoms.contains({"tenant-unreachable", Subject{"tenant/" + tenant}});
}

}  // namespace

TEST_CASE("a symptom needs its count of bad looks with no good look between them") {
    Bench bench;
    bench.settle();
    bench.kill("acme", 2);
    CHECK_FALSE(raised(bench, "acme"));
    bench.good("acme");
    bench.kill("acme", 2);
    CHECK_FALSE(raised(bench, "acme"));
    bench.kill("acme", 1);
    CHECK(raised(bench, "acme"));
}

TEST_CASE("a change of the failure's reason does not reset a run") {
    Bench bench;
    bench.settle();
    bench.bad("acme", Reason::connect_refused);
    bench.bad("acme", Reason::http_5xx);
    bench.kill("acme", 1);
    CHECK(raised(bench, "acme"));
}

TEST_CASE("unknown looks count neither for nor against") {
    Bench bench;
    bench.settle();
    bench.kill("acme", 2);
    for (int i = 0; i < 20; ++i) {
        bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::rate_limited);
    }
    CHECK_FALSE(raised(bench, "acme"));
    bench.kill("acme", 1);
    CHECK(raised(bench, "acme"));
    for (int i = 0; i < 20; ++i) {
        bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::unauthorized);
    }
    CHECK(raised(bench, "acme"));
}

TEST_CASE("clearing needs two good looks in a row") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    REQUIRE(raised(bench, "acme"));
    bench.good("acme");
    CHECK(raised(bench, "acme"));
    bench.bad("acme");
    bench.good("acme");
    CHECK(raised(bench, "acme"));
    bench.good("acme");
    CHECK_FALSE(raised(bench, "acme"));
}

TEST_CASE("a signal's reasons, exceptions and fact conditions decide what is bad") {
    Signal signal;
    signal.reasons = {Reason::agent_errors};
    signal.except_reasons = {Reason::tls_expired};
    signal.where = {{"requests", Compare::greater_equal, 3}};
    Observation look;
    look.health = Health::failing;
    look.reason = Reason::agent_errors;
    look.facts = {{"requests", 3}};
    CHECK(judge(signal, look, {}) == LookValue::bad);
    look.facts = {{"requests", 2}};
    CHECK(judge(signal, look, {}) == LookValue::nothing);
    look.facts = {};
    CHECK(judge(signal, look, {}) == LookValue::nothing);
    look.facts = {{"requests", 3}};
    look.reason = Reason::http_5xx;
    CHECK(judge(signal, look, {}) == LookValue::nothing);
    look.health = Health::degraded;
    CHECK(judge(signal, look, {}) == LookValue::good);
    look.health = Health::unknown;
    CHECK(judge(signal, look, {}) == LookValue::nothing);
}

TEST_CASE("drift that a lever of ours made is no bad look, any other drift is") {
    Signal signal;
    signal.looks = 1;
    Observation look;
    look.health = Health::failing;
    look.reason = Reason::drift;
    look.version = "sha256:ours";
    CHECK(judge(signal, look, "sha256:ours") == LookValue::nothing);
    CHECK(judge(signal, look, "sha256:other") == LookValue::bad);
    CHECK(judge(signal, look, "") == LookValue::bad);
}

TEST_CASE("a spread demands time between the first and the last bad look") {
    auto rules = leverd::test::small_rules();
    rules.runbook.signals[2].spread = std::chrono::seconds{30};
    Bench bench(rules);
    bench.settle();
    const auto drift = [&] {
        bench.look("image/x", "image_drift", Health::failing, Reason::drift, {}, "sha256:bad");
    };
    drift();
    drift();
    bench.advance(std::chrono::seconds{29});
    drift();
    CHECK(bench.view().symptoms.empty());
    bench.advance(std::chrono::seconds{1});
    drift();
    bench.settle();
    CHECK(bench.view().symptoms.size() == 1);
}

TEST_CASE("a subject's own claim can lengthen the spread and never shorten it") {
    Signal signal;
    signal.spread = Millis{60'000};
    signal.spread_attribute = "runtime";
    signal.spread_by = {{"hermes", Millis{120'000}}};
    signal.spread_fact = "provision_seconds";
    SmallMap<std::string> hermes;
    hermes["runtime"] = "hermes";
    const auto spread = [&](const Facts& facts) { return spread_of(signal, hermes, facts); };
    CHECK(spread({}) == Millis{120'000});
    CHECK(spread({{"other", 900}}) == Millis{120'000});
    CHECK(spread({{"provision_seconds", 30}}) == Millis{120'000});
    CHECK(spread({{"provision_seconds", -900}}) == Millis{120'000});
    CHECK(spread({{"provision_seconds", 900}}) == Millis{900'000});
    CHECK(spread({{"provision_seconds", 1e18}}) == Millis{6 * 3'600'000});
    signal.spread_fact.clear();
    CHECK(spread({{"provision_seconds", 900}}) == Millis{120'000});
}

TEST_CASE("a quiet stack writes nothing to the ledger") {
    Bench bench;
    bench.settle();
    const auto before = bench.ledger().size();
    for (int i = 0; i < 100; ++i) {
        bench.advance(std::chrono::seconds{30});
        bench.all_good();
    }
    CHECK(bench.ledger().size() == before);
}

TEST_CASE("a removed subject is forgotten with its symptom") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    REQUIRE(raised(bench, "acme"));
    bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::removed);
    CHECK_FALSE(raised(bench, "acme"));
    CHECK_FALSE(bench.view().subjects.contains(Subject{"tenant/acme"}));
}
