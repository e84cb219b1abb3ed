// Why: cool-downs and budgets stand on the timeline; a restart, a reboot or a stepped calendar must
// not move it backwards.
#include "core/net/clock.hpp"

#include "tests/catch.hpp"

namespace leverd::net {
namespace {

struct Case {
    const char* name;
    std::string boot_id;       // of the running kernel
    std::int64_t boottime_ms;  // of the running kernel
    std::int64_t wall_ms;
    std::int64_t expected_ms;
};

TEST_CASE("the timeline is taken up where the earlier process left it") {
    // The earlier process anchored instant 1000 at boot time 50000 and last wrote at instant 5000,
    // when the calendar said 900000.
    const TimelineAnchor anchor{"boot-a", 50'000, at_millis(1'000)};
    const Now last{at_millis(5'000), WallTime{Millis{900'000}}};
    const std::vector<Case> cases{
        {"same boot: the boot clock counts", "boot-a", 57'000, 903'000, 8'000},
        {"same boot, calendar stepped back: no matter", "boot-a", 57'000, 100, 8'000},
        {"same boot, calendar stepped ahead: no matter", "boot-a", 57'000, 99'000'000, 8'000},
        {"same boot, newest entry is ahead of the clock: never backwards", "boot-a", 51'000,
         900'000, 5'000},
        {"same name but the boot clock went back: that is a reboot", "boot-a", 10, 902'000, 5'010},
        {"reboot: what passed since is certain", "boot-b", 20'000, 960'000, 25'000},
        {"reboot, calendar 45 min ahead: not a moment more", "boot-b", 20'000, 3'600'000, 25'000},
        {"reboot on a machine that runs for long: no more than the calendar says", "boot-b",
         99'000'000, 902'000, 7'000},
        {"reboot and the calendar went back: no time passed", "boot-b", 20'000, 100, 5'000},
        {"unknown boot: the shorter of both", "", 57'000, 901'000, 6'000},
    };
    for (const auto& c : cases) {
        INFO(c.name);
        const BootStamp boot{c.boot_id, c.boottime_ms};
        const auto on = resume_timeline(anchor, last, boot, WallTime{Millis{c.wall_ms}});
        CHECK(to_millis(on.at) == c.expected_ms);
        CHECK(on.at - last.at == on.proven);
        CHECK(on.proven <= on.away);
    }
}

TEST_CASE("two boots without a name are not the same boot") {
    const TimelineAnchor anchor{"", 50'000, at_millis(1'000)};
    const Now last{at_millis(5'000), WallTime{Millis{900'000}}};
    const BootStamp boot{"", 90'000};
    CHECK(to_millis(resume_timeline(anchor, last, boot, WallTime{Millis{900'001}}).at) == 5'001);
}

TEST_CASE("a reboot with a calendar that is ahead says what it did not believe") {
    const TimelineAnchor anchor{"boot-a", 50'000, at_millis(1'000)};
    const Now last{at_millis(5'000), WallTime{Millis{900'000}}};
    const auto on =
        resume_timeline(anchor, last, BootStamp{"boot-b", 20'000}, WallTime{Millis{3'600'000}});
    CHECK(on.rebooted);
    CHECK(on.away == Millis{2'700'000});
    CHECK(on.proven == Millis{20'000});
}

TEST_CASE("a new ledger's timeline begins with the calendar") {
    const auto on = resume_timeline({}, Now{}, BootStamp{"boot-a", 1}, WallTime{Millis{77}});
    CHECK(to_millis(on.at) == 77);
    CHECK_FALSE(on.rebooted);
    CHECK(on.away == Millis{0});
}

TEST_CASE("the system clock starts at its origin and never runs backwards") {
    const BootStamp boot = read_boot_stamp();
    const auto clock = make_system_clock(at_millis(7'000), boot.boottime_ms);
    Now before = clock->now();
    CHECK(to_millis(before.at) >= 7'000);
    CHECK(to_millis(before.at) < 67'000);
    CHECK(to_millis(before.wall) > 1'600'000'000'000);
    for (int i = 0; i < 1000; ++i) {
        const Now now = clock->now();
        REQUIRE(now.at >= before.at);
        before = now;
    }
    // An origin in the future of the boot clock holds still instead of going back.
    const auto ahead = make_system_clock(at_millis(7'000), boot.boottime_ms + 1'000'000'000);
    CHECK(to_millis(ahead->now().at) == 7'000);
}

}  // namespace
}  // namespace leverd::net
