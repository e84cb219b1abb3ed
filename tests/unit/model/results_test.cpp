// Why: results must never grow with time or with the number of subjects, and a failure must not be
// washed out by the healthy looks after it.
#include "core/model/results.hpp"

#include "tests/catch.hpp"

using namespace leverd;

namespace {

Observation look(const std::string& subject, Health health, int number) {
    Observation seen;
    seen.subject = Subject(subject);
    seen.probe = "tenant_health";
    seen.health = health;
    seen.evidence = std::to_string(number);
    return seen;
}

}  // namespace

TEST_CASE("the newest results are kept, and bad ones outlive the good ones after them") {
    Results results;
    results.add(look("tenant/a", Health::failing, 0));
    for (int i = 1; i <= 100; ++i) {
        results.add(look("tenant/a", Health::healthy, i));
    }
    const auto kept = results.of("tenant_health", Subject("tenant/a"), 100);
    REQUIRE(kept.size() == Results::healthy_kept + 1);
    CHECK(kept.front().seen.evidence == "100");
    CHECK(kept.back().seen.evidence == "0");
    CHECK(results.size() == kept.size());
    for (int i = 0; i < 100; ++i) {
        results.add(look("tenant/a", Health::unknown, i));
    }
    CHECK(results.size() == Results::healthy_kept + Results::others_kept);
}

TEST_CASE("results of one subject, of a probe, of nobody") {
    Results results;
    results.add(look("tenant/a", Health::healthy, 1));
    results.add(look("tenant/b", Health::failing, 2));
    results.add(look("tenant/a", Health::failing, 3));
    CHECK(results.of("tenant_health", Subject{}, 10).size() == 3);
    CHECK(results.of("tenant_health", Subject{}, 2).front().seen.evidence == "3");
    CHECK(results.of("tenant_health", Subject("tenant/b"), 10).size() == 1);
    CHECK(results.of("tenant_health", Subject("tenant/c"), 10).empty());
    CHECK(results.of("canvas", Subject{}, 10).empty());
    results.forget(Subject("tenant/a"));
    CHECK(results.size() == 1);
    CHECK(results.of("tenant_health", Subject{}, 10).front().seen.evidence == "2");
}

TEST_CASE("subjects that come and go do not fill the memory") {
    Results results;
    const int count = 3 * static_cast<int>(Results::all_kept);
    for (int i = 0; i < count; ++i) {
        results.add(look("workspace/a/" + std::to_string(i), Health::healthy, i));
    }
    CHECK(results.size() == Results::all_kept);
    CHECK(results.of("tenant_health", Subject("workspace/a/0"), 1).empty());
    CHECK(results.of("tenant_health", Subject{}, 1).front().seen.evidence ==
          std::to_string(count - 1));
}
