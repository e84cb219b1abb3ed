// Why: kill -9 at any moment loses nothing that was acknowledged and leaves a whole chain.
#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"

#include <csignal>
#include <cstring>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

using namespace leverd;
using namespace leverd::test;

namespace {

struct Told {
    std::int64_t entries = 0;
    char last_hash[64]{};
};

// The child: appends for ever and says what is durable.
[[noreturn]] void write_until_killed(const std::filesystem::path& directory, int pipe) {
    const auto ledger = open_ledger(directory);
    for (int i = 0;; ++i) {
        std::vector<Entry> batch;
        for (int k = 0; k <= i % 3; ++k) {
            batch.push_back(entry(i, std::string(2'000, 'x')));
        }
        const auto report = append(*ledger, std::move(batch));
        Told said;
        if (!report) {
            ::_exit(1);
        }
        said.entries = report->entries;
        std::memcpy(said.last_hash, report->last_hash.data(), sizeof said.last_hash);
        if (::write(pipe, &said, sizeof said) != sizeof said) {
            ::_exit(2);
        }
    }
}

// Kills the child after `count` acknowledgements; the last one that it gave.
Told run_and_kill(const std::filesystem::path& directory, int count) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        write_until_killed(directory, ends[1]);
    }
    ::close(ends[1]);
    Told last;
    Told said;
    int heard = 0;
    while (heard < count && ::read(ends[0], &said, sizeof said) == sizeof said) {
        last = said;
        ++heard;
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &said, sizeof said) == sizeof said) {
        last = said;
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(heard == count);
    return last;
}

}  // namespace

TEST_CASE("kill -9 at any moment") {
    const TempDirectory temp;
    std::mt19937 random(20'260'506);
    std::int64_t before = 0;
    for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        const int count = static_cast<int>(random() % 60) + (round == 0 ? 1 : 0);
        const Told last = run_and_kill(temp.state(), count);
        const auto verified = verify_ledger(temp.state());
        REQUIRE(verified.has_value());
        CHECK(verified->end.entries >= last.entries);
        CHECK(verified->end.entries >= before);
        before = verified->end.entries;

        const auto ledger = open_ledger(temp.state());
        if (last.entries > 0) {
            const auto stored = read(*ledger, last.entries - 1, 1);
            REQUIRE(stored.has_value());
            REQUIRE(stored->size() == 1);
            CHECK(stored->front().hash == std::string(last.last_hash, sizeof last.last_hash));
        }
        const auto more = append(*ledger, entries(1));
        REQUIRE(more.has_value());
        CHECK(more->entries == before + 1);
        ++before;
    }
}
