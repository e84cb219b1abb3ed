// Why: days of trouble in seconds. The invariants are checked after every turn, some seeds run
// twice and must give the same ledger, and a failing seed names itself: SIM_SEED=<n> runs it alone,
// SIM_SEEDS=<n> runs more of them, SIM_INCIDENTS=<n> runs until that many were simulated,
// SIM_FIRST=<n> begins at that seed, SIM_HOURS=<n> makes each world's trouble last that long,
// SIM_TRACE=1 prints every entry, SIM_DISTRUST=<n> compares that many worlds with the slow engine.
#include "core/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/sim/world.hpp"

#include <fmt/format.h>
#include <cstdlib>
#include <memory>
#include <string>

using namespace leverd;

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::unique_ptr<sim::World> simulated(std::uint64_t seed, std::uint64_t hours) {
    auto world = std::make_unique<sim::World>(seed, sim::make_memory_machine());
    world->run(std::chrono::hours{static_cast<std::int64_t>(hours)});
    return world;
}

}  // namespace

TEST_CASE("seeded worlds: the invariants hold and the same seed gives the same ledger") {
    const auto only = from_environment("SIM_SEED", 0);
    const auto first = only != 0 ? only : from_environment("SIM_FIRST", 1);
    const auto hours = from_environment("SIM_HOURS", 1);
    const auto seeds = only != 0 ? 1 : from_environment("SIM_SEEDS", 3);
    const auto wanted = only != 0 ? 0 : from_environment("SIM_INCIDENTS", 0);
    sim::Tally all;
    std::string ledgers;
    std::uint64_t seed = first;
    for (; seed < first + seeds || static_cast<std::uint64_t>(all.incidents) < wanted; ++seed) {
        const auto world = simulated(seed, hours);
        INFO("replay with SIM_HOURS=" << hours << " SIM_SEED=" << seed << " sim_engine");
        for (const auto& violation : world->violations()) {
            FAIL_CHECK(violation);
        }
        CHECK(world->ledger_hash() == simulated(seed, hours)->ledger_hash());
        ledgers = sha256_hex(ledgers + world->ledger_hash());
        all.add(world->tally());
    }
    fmt::print(
        "simulated {} seeds twice: {} incidents, {} levers fired, {} undone, {} replies "
        "lost, {} restarts, {} reloads, {} network losses, {} vetoes, {} approvals, {} "
        "storms\n",
        seed - first, all.incidents, all.fired, all.undone, all.lost_replies, all.restarts,
        all.reloads, all.doubts, all.vetoes, all.approvals, all.storms);
    // Two builds that print the same here decided the same in every world.
    fmt::print("  all ledgers {}\n", ledgers.substr(0, 16));
    for (const auto& [kind, count] : all.verdicts) {
        fmt::print("  verdict {}: {}\n", kind, count);
    }
    // A world in which nothing happens would prove nothing.
    CHECK(all.incidents > 0);
    CHECK((only != 0 || all.fired > 0));
    CHECK(all.restarts > 0);
    CHECK((seeds < 10 || all.lost_replies > 0));
    CHECK((seeds < 10 || all.verdicts["recovered"] > 0));
    CHECK((seeds < 10 || all.verdicts["not_recovered"] > 0));
    CHECK((seeds < 10 || all.storms > 0));
    CHECK((wanted < 1000 || all.undone > 0));
}

// Neither what the agenda left out nor what the index remembers may ever have made a difference.
TEST_CASE("an engine that looks at everything in every turn decides the same") {
    const auto only = from_environment("SIM_SEED", 0);
    const auto first = only != 0 ? only : from_environment("SIM_FIRST", 1);
    const auto seeds = only != 0 ? 1 : from_environment("SIM_DISTRUST", 1);
    const auto minutes = std::chrono::minutes{20};
    int incidents = 0;
    for (auto seed = first; seed < first + seeds; ++seed) {
        INFO("replay with SIM_SEED=" << seed << " sim_engine");
        sim::World quick(seed, sim::make_memory_machine());
        sim::World thorough(seed, sim::make_memory_machine(true));
        quick.run(minutes, minutes);
        thorough.run(minutes, minutes);
        CHECK(quick.ledger_hash() == thorough.ledger_hash());
        incidents += quick.tally().incidents;
    }
    CHECK((only != 0 || incidents > 0));
}
