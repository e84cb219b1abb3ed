// Why: whoever rotates a secret and reloads is told whether the new one is in force.
#include "tests/unit/daemon/app_bench.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

using namespace leverd;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

void write_secret(const fs::path& path, const std::string& value) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << value << "\n";
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

// What systemd delivered, at a moment that the test chooses.
void deliver(const fs::path& path, const std::string& value, fs::file_time_type::duration shift) {
    write_secret(path, value);
    fs::last_write_time(path, fs::file_time_type::clock::now() + shift);
}

bool metric(test::AppBench& bench, const std::string& line) {
    return bench.backend().metrics()().find("\n" + line + "\n") != std::string::npos;
}

asio::awaitable<void> rotate(test::AppBench& bench) {
    const auto copy = bench.directory / "delivered" / "pager-key";
    const auto untouched = co_await bench.backend().reload();
    REQUIRE(untouched.ok);
    CHECK(untouched.restart_needed.empty());
    CHECK(metric(bench, "leverd_config_restart_needed 0"));

    deliver(copy, "pager-key-0123456789", -1h);  // so the original is the newer one
    const auto rotated = co_await bench.backend().reload();
    REQUIRE(rotated.ok);
    REQUIRE(rotated.restart_needed.size() == 1);
    INFO(rotated.restart_needed.front());
    CHECK(rotated.restart_needed.front().starts_with("[secrets] key: "));
    CHECK(rotated.restart_needed.front().find("credentials/pager-key changed after") !=
          std::string::npos);
    CHECK(metric(bench, "leverd_config_restart_needed 1"));

    deliver(copy, "pager-key-9876543210", 1h);  // systemd delivered the new one
    const auto delivered = co_await bench.backend().reload();
    REQUIRE(delivered.ok);
    CHECK(delivered.restart_needed.empty());
    CHECK(std::ranges::any_of(delivered.notes, [](const std::string& note) {
        return note.find("in force now: key") != std::string::npos;
    }));
    CHECK(metric(bench, "leverd_config_restart_needed 0"));
}

asio::awaitable<void> rotate_chain_key(test::AppBench& bench) {
    write_secret(bench.directory / "chain-key", "chain-key-9876543210");
    const auto done = co_await bench.backend().reload();
    REQUIRE(done.ok);
    REQUIRE(done.restart_needed.size() == 1);
    CHECK(done.restart_needed.front() ==
          "[secrets] chain: the ledger is written with the key of the start");
}

}  // namespace

TEST_CASE("a credential rotated since the start is named by a reload, its log and its metric") {
    test::AppBench bench;
    write_secret(bench.directory / "credentials" / "pager-key", "pager-key-0123456789");
    deliver(bench.directory / "delivered" / "pager-key", "pager-key-0123456789", 1h);
    ::setenv("CREDENTIALS_DIRECTORY", (bench.directory / "delivered").c_str(), 1);
    bench.write("[secrets.key]\ncredential = \"pager-key\"\n");
    CHECK(bench.run(rotate) == Exit::ok);
    ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("another key for the ledger's chain is named as needing a restart") {
    test::AppBench bench;
    write_secret(bench.directory / "chain-key", "chain-key-0123456789");
    bench.write("[ledger]\nkey = \"chain\"\n[secrets.chain]\nfile = \"" +
                (bench.directory / "chain-key").string() + "\"\n");
    CHECK(bench.run(rotate_chain_key) == Exit::ok);
}
