// Why: the real clock behind the seam, and the only way for a coroutine to wait. Real clocks are
// read nowhere else.
#pragma once

#include "core/base/time.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace leverd::net {

struct BootStamp {
    std::string boot_id;           // of the running kernel
    std::int64_t boottime_ms = 0;  // CLOCK_BOOTTIME, counts suspends too
};
BootStamp read_boot_stamp();

// Maps the machine's clocks to the timeline: `origin` is the Instant at which CLOCK_BOOTTIME was
// `origin_boottime_ms`.
std::unique_ptr<Clock> make_system_clock(Instant origin, std::int64_t origin_boottime_ms);

// Where a new process takes up the timeline that an earlier one wrote, never backwards: by the boot
// clock when the machine did not reboot in between. Over a reboot only the calendar knows how long
// nobody was there, and it may be wrong; what is certain is the time since this boot. No more than
// that counts, so that a wrong clock ends no cool-down and no veto. `last` is the ledger's newest
// entry.
struct TimelineAnchor {
    std::string boot_id;
    std::int64_t boottime_ms = 0;
    Instant at{};  // the Instant that belongs to boottime_ms
};
struct ResumedTimeline {
    Instant at{};
    bool rebooted = false;
    Millis away{0};    // as the boot clock or, over a reboot, the calendar says
    Millis proven{0};  // how far the timeline went on
};
ResumedTimeline resume_timeline(const TimelineAnchor& anchor, const Now& last,
                                const BootStamp& boot, WallTime wall);

WallTime wall_clock_now();

// CLOCK_MONOTONIC as systemd wants it with RELOADING=1.
std::uint64_t monotonic_microseconds();

// Completes after `d`; returns false when it was cancelled.
boost::asio::awaitable<bool> pause(Millis d);

}  // namespace leverd::net
