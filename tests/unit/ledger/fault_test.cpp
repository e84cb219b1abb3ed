// Why: whatever the disk does, an append that was refused is not in the ledger, one that was
// accepted is, and the ledger goes on by itself when the disk works again.
#include "tests/catch.hpp"
#include "tests/unit/ledger/fault_disk.hpp"
#include "tests/unit/ledger/support.hpp"

#include <csignal>

#include <sys/mount.h>
#include <sys/resource.h>

using namespace leverd;
using namespace leverd::test;
namespace fs = std::filesystem;

namespace {

// Text large enough that an append takes several pages.
std::string large(int number) {
    return "text " + std::to_string(number) + std::string(3'000, 'x');
}

struct World {
    World() { install_fault_disk(); }

    bool append(int number) {
        const auto report = test::append(*ledger, {entry(number, large(number))});
        if (report) {
            acknowledged.push_back(large(number));
        } else {
            CHECK_FALSE(report.error().what.empty());
            CHECK_FALSE(report.error().hint.empty());
        }
        return report.has_value();
    }
    void check_exactly_the_acknowledged() {
        CHECK(texts(*ledger) == acknowledged);
        const auto verified = verify_ledger(temp.state());
        REQUIRE(verified.has_value());
        CHECK(verified->end.entries == static_cast<std::int64_t>(acknowledged.size()));
    }

    TempDirectory temp;
    std::unique_ptr<SqliteLedger> ledger = open_ledger(temp.state());
    std::vector<std::string> acknowledged;
};

// One fault at the nth operation, then all is well again. Returns whether an append was refused.
bool fail_once(DiskFault fault, int nth, bool& tripped) {
    World world;
    REQUIRE(world.append(1));
    arm_fault_disk(fault, nth, false);
    const bool second = world.append(2);
    const bool third = world.append(3);
    tripped = disarm_fault_disk();
    REQUIRE(world.append(4));
    world.check_exactly_the_acknowledged();
    world.ledger.reset();
    world.ledger = open_ledger(world.temp.state());
    world.check_exactly_the_acknowledged();
    REQUIRE(world.append(5));
    world.check_exactly_the_acknowledged();
    return !second || !third;
}

// From the nth operation on everything fails, until the disk is mended.
bool fail_for_long(DiskFault fault, int nth, bool& tripped) {
    World world;
    REQUIRE(world.append(1));
    arm_fault_disk(fault, nth, true);
    bool refused = false;
    for (int number = 2; number <= 5; ++number) {
        refused = !world.append(number) || refused;
    }
    tripped = disarm_fault_disk();
    REQUIRE(world.append(6));
    world.check_exactly_the_acknowledged();
    world.ledger.reset();
    world.ledger = open_ledger(world.temp.state());
    world.check_exactly_the_acknowledged();
    return refused;
}

void at_every_step(bool (*scene)(DiskFault, int, bool&), DiskFault fault) {
    int refused = 0;
    int steps = 0;
    bool tripped = true;
    for (int nth = 1; tripped; ++nth) {
        CAPTURE(nth);
        refused += scene(fault, nth, tripped) ? 1 : 0;
        ++steps;
        REQUIRE(steps < 100);
    }
    // The loop must have met steps at which the fault mattered.
    CHECK(refused > 0);
    CHECK(steps > 1);
}

}  // namespace

TEST_CASE("a fault at any single write") {
    at_every_step(fail_once, DiskFault::write_error);
}
TEST_CASE("a full disk at any single write") {
    at_every_step(fail_once, DiskFault::write_full);
}
TEST_CASE("a fault at any single flush") {
    at_every_step(fail_once, DiskFault::sync_error);
}
TEST_CASE("a disk whose writes fail from any step on, until it is mended") {
    at_every_step(fail_for_long, DiskFault::write_error);
}
TEST_CASE("a disk that is full from any step on, until space returns") {
    at_every_step(fail_for_long, DiskFault::write_full);
}
TEST_CASE("a disk whose flushes fail from any step on, until it is mended") {
    at_every_step(fail_for_long, DiskFault::sync_error);
}

TEST_CASE("a group that fails is refused whole") {
    World world;
    REQUIRE(world.append(1));
    arm_fault_disk(DiskFault::write_error, 3, false);
    const auto report = test::append(*world.ledger, entries(500));
    REQUIRE(disarm_fault_disk());
    REQUIRE(report.has_error());
    world.check_exactly_the_acknowledged();
}

TEST_CASE("reading goes on while the disk is full") {
    World world;
    REQUIRE(world.append(1));
    arm_fault_disk(DiskFault::write_full, 1, true);
    CHECK_FALSE(world.append(2));
    const auto stored = read(*world.ledger, 0, 10);
    disarm_fault_disk();
    REQUIRE(stored.has_value());
    CHECK(stored->size() == 1);
}

TEST_CASE("a real limit on the file's size, and its end") {
    World world;
    REQUIRE(world.append(1));
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit small = before;
    small.rlim_cur = 256 * 1024;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    // The first refusal only makes the ledger empty its log; two in a row mean that the file itself
    // is at the limit.
    int number = 2;
    for (int refused = 0; refused < 2 && number < 1'000; ++number) {
        refused = world.append(number) ? 0 : refused + 1;
    }
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(number < 1'000);
    REQUIRE(world.append(number));
    world.check_exactly_the_acknowledged();
}

TEST_CASE("a really full file system, and space that returns") {
    const TempDirectory temp;
    const fs::path disk = temp.root() / "disk";
    fs::create_directories(disk);
    if (::mount("none", disk.c_str(), "tmpfs", 0, "size=512k") != 0) {
        WARN("no permission to mount: skipped");
        return;
    }
    {
        const auto ledger = open_ledger(disk / "state");
        REQUIRE(append(*ledger, entries(1)).has_value());
        write_bytes(disk / "filler", std::string(512 * 1024, 'x'));
        Result<LedgerReport> report = append(*ledger, entries(1));
        std::int64_t acknowledged = 1;
        for (int i = 0; i < 500 && report; ++i) {
            acknowledged = report->entries;
            report = append(*ledger, entries(10));
        }
        CHECK(report.has_error());
        CHECK((report.has_error() && report.error().hint.find("free space under") == 0));
        fs::remove(disk / "filler");
        const auto again = append(*ledger, entries(1));
        CHECK((again && again->entries == acknowledged + 1));
        const auto verified = verify_ledger(disk / "state");
        CHECK((verified && verified->end.entries == acknowledged + 1));
    }
    CHECK(::umount(disk.c_str()) == 0);
}

TEST_CASE("a ledger file that was moved away is noticed before anything is lost in it") {
    World world;
    REQUIRE(world.append(1));
    fs::rename(world.temp.file(), world.temp.root() / "elsewhere");
    CHECK_FALSE(world.append(2));
    CHECK_FALSE(world.append(3));
    fs::rename(world.temp.root() / "elsewhere", world.temp.file());
    REQUIRE(world.append(4));
    world.check_exactly_the_acknowledged();
}
