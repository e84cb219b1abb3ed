// Why: the process as it is shipped, through hours of trouble in seconds. Every seed runs twice and
// must leave the same ledger. A failing seed names itself: SIM_SEED=<n> runs it alone,
// SIM_SEEDS=<n> runs so many, SIM_FIRST=<n> begins there, SIM_HOURS=<n> makes the trouble last that
// long.
#include "tests/catch.hpp"
#include "tests/sim/app/world.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include <unistd.h>

using namespace leverd;

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::unique_ptr<sim::AppWorld> simulated(std::uint64_t seed, std::uint64_t hours) {
    const auto directory = fmt::format("/tmp/leverd-sim-app-{}", getpid());
    auto world = std::make_unique<sim::AppWorld>(seed, directory);
    world->run(std::chrono::hours{static_cast<std::int64_t>(hours)});
    return world;
}

}  // namespace

TEST_CASE("the whole process under seeds: one effect for one intent, over kills and restarts") {
    spdlog::set_level(spdlog::level::from_str(
        std::getenv("SIM_LOG") == nullptr ? "off" : std::getenv("SIM_LOG")));
    const auto only = from_environment("SIM_SEED", 0);
    const auto first = only != 0 ? only : from_environment("SIM_FIRST", 1);
    const auto seeds = only != 0 ? 1 : from_environment("SIM_SEEDS", 3);
    const auto hours = from_environment("SIM_HOURS", 1);
    sim::AppTally all;
    for (auto seed = first; seed < first + seeds; ++seed) {
        const auto world = simulated(seed, hours);
        INFO("replay with SIM_HOURS=" << hours << " SIM_SEED=" << seed << " sim_app");
        for (const auto& violation : world->violations()) {
            FAIL_CHECK(violation);
        }
        CHECK(world->ledger_hash() == simulated(seed, hours)->ledger_hash());
        all.add(world->tally());
    }
    fmt::print(
        "simulated {} whole processes twice: {} lives, {} kills, {} incidents, {} intents, {} "
        "effects, {} replies lost, {} reloads, {} clock steps, {} network losses, {} "
        "full disks, {} approvals\n",
        seeds, all.lives, all.kills, all.incidents, all.intents, all.effects, all.lost_replies,
        all.reloads, all.clock_steps, all.network_losses, all.full_disks, all.approvals);
    for (const auto& [kind, count] : all.verdicts) {
        fmt::print("  verdict {}: {}\n", kind, count);
    }
    for (const auto& [reason, count] : all.decisions) {
        fmt::print("  decided {}: {}\n", reason, count);
    }
    // A world in which nothing happens would prove nothing.
    CHECK((only != 0 || all.effects > 0));
    CHECK((only != 0 || all.kills > 0));
    CHECK((seeds < 10 || all.verdicts["recovered"] > 0));
    CHECK((seeds < 10 || all.approvals > 0));
}
