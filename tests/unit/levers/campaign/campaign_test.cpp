// Why: each lever's life under a thousand seeds of broken calls, dying processes, lying disks and
// meddling people. A failing seed names itself: LEVER_SEED=<n> runs it alone, LEVER_RUNS=<n> runs
// more of them.
#include "policies/levers/workspace_recreate.hpp"
#include "policies/losses.hpp"
#include "tests/catch.hpp"
#include "tests/unit/levers/campaign/rig.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace leverd::test {
namespace {

struct Receipt {
    std::string path;
    Receipt() {
        std::string pattern = "/tmp/leverd-campaign-XXXXXX";
        const int file = mkstemp(pattern.data());
        REQUIRE(file >= 0);
        close(file);
        path = pattern;
        const Now now{};
        const Production known(&now);
        std::ofstream(path) << "hermes: " << known.good << "\n";
    }
    ~Receipt() { unlink(path.c_str()); }
    Receipt(const Receipt&) = delete;
    Receipt& operator=(const Receipt&) = delete;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string words(const std::map<std::string, int>& counts) {
    std::string all;
    for (const auto& [name, count] : counts) {
        all += fmt::format("{}{} {}", all.empty() ? "" : ", ", count, name);
    }
    return all;
}

void print(const std::string& lever, const Tally& all) {
    fmt::print("{}: {} runs, {} intents, {} effects, {} restarts\n", lever, all.runs, all.intents,
               all.effects, all.restarts);
    fmt::print("  faults met: {}\n  outcomes: {}; unknown ones settled: {}; verdicts: {}\n",
               words(all.faults), words(all.outcomes), words(all.settled), words(all.verdicts));
}

void campaign(const std::string& lever, const std::string& subject, bool newest = false) {
    const Receipt receipt;
    const auto only = from_environment("LEVER_SEED", 0);
    const auto runs = only != 0 ? 1 : from_environment("LEVER_RUNS", 1'000);
    const auto first = only != 0 ? only : 1;
    Tally all;
    for (auto seed = first; seed < first + runs; ++seed) {
        std::mt19937_64 random(seed);
        const int mutations = lever == "workspace-reprovision" ? 4 : 2;
        Rig rig(lever, subject, receipt.path, draw_faults(random, mutations), newest);
        rig.go();
        INFO(lever << ": replay with LEVER_SEED=" << seed);
        for (const auto& violation : rig.violations()) {
            FAIL_CHECK(violation);
        }
        rig.add_to(all);
    }
    print(newest ? lever + " on the newest build" : lever, all);
    // A campaign in which nothing happens would prove nothing.
    if (only == 0 && runs >= 1'000) {
        CHECK(all.intents >= 900);
        CHECK(all.outcomes["accepted"] > 200);
        CHECK(all.outcomes["unknown"] > 150);
        CHECK(all.outcomes["failed"] > 10);
        CHECK(all.restarts > 200);
        CHECK(all.verdicts["recovered"] > 100);
        CHECK(all.faults.size() >= 18);
    }
}

TEST_CASE("fault campaign: platform rollback") {
    campaign("platform-rollback", "platform");
}

TEST_CASE("fault campaign: template rollback") {
    campaign("template-rollback", std::string("image/") + template_repo);
}

TEST_CASE("fault campaign: control plane rollback") {
    campaign("control-plane-rollback", "control-plane");
}

TEST_CASE("fault campaign: canvas rollback") {
    campaign("canvas-rollback", "canvas");
}

TEST_CASE("fault campaign: tenant redeploy") {
    campaign("tenant-redeploy", "tenant/acme");
}

TEST_CASE("fault campaign: fleet redeploy") {
    campaign("fleet-redeploy", "platform");
}

TEST_CASE("fault campaign: tenant restart") {
    campaign("tenant-restart", "tenant/acme");
}

TEST_CASE("fault campaign: workspace restart") {
    campaign("workspace-restart", std::string("workspace/acme/") + bad_workspace);
}

TEST_CASE("fault campaign: workspace reprovision") {
    campaign("workspace-reprovision", std::string("workspace/acme/") + bad_workspace);
}

TEST_CASE("fault campaign: workspace reprovision on the newest build") {
    campaign("workspace-reprovision", std::string("workspace/acme/") + bad_workspace, true);
}

TEST_CASE("fault campaign: http") {
    campaign("http", "tenant/acme");
}

TEST_CASE("fault campaign: command") {
    campaign("command", "tenant/acme");
}

}  // namespace
}  // namespace leverd::test
