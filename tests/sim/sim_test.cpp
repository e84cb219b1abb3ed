// Why: hours of trouble in seconds. The invariants are checked after every turn, each seed runs
// twice and must give the same ledger, and a failing seed names itself: SIM_SEED=<n> runs it alone,
// SIM_SEEDS=<n> runs more of them.
#include "tests/catch.hpp"
#include "tests/sim/world.hpp"

#include <fmt/format.h>
#include <cstdlib>
#include <string>

using namespace leverd;

namespace {

constexpr auto trouble = std::chrono::hours{2};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("seeded worlds: the invariants hold and the same seed gives the same ledger") {
    const auto only = from_environment("SIM_SEED", 0);
    const auto first = only != 0 ? only : 1;
    const auto count = only != 0 ? 1 : from_environment("SIM_SEEDS", 6);
    sim::Tally all;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        sim::World world(seed);
        world.run(trouble);
        sim::World again(seed);
        again.run(trouble);
        INFO("replay with SIM_SEED=" << seed);
        for (const auto& violation : world.violations()) {
            FAIL_CHECK(violation);
        }
        CHECK(world.ledger_hash() == again.ledger_hash());
        all.incidents += world.tally().incidents;
        all.fired += world.tally().fired;
        all.lost_replies += world.tally().lost_replies;
        all.restarts += world.tally().restarts;
        all.recovered += world.tally().recovered;
        all.doubts += world.tally().doubts;
    }
    fmt::print(
        "simulated {} seeds: {} incidents, {} levers fired, {} replies lost, {} restarts, {} "
        "proven, {} network losses\n",
        count, all.incidents, all.fired, all.lost_replies, all.restarts, all.recovered, all.doubts);
    // A world in which nothing happens would prove nothing.
    CHECK(all.incidents > 0);
    CHECK(all.fired > 0);
    CHECK(all.lost_replies > 0);
    CHECK(all.restarts > 0);
    CHECK((only != 0 || all.recovered > 0));
}
