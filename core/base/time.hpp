// Why: leverd reckons in two times that must never be mixed up, and only the composition root may
// read a clock.
//
// Instant  - leverd's own timeline in milliseconds. It never runs backwards, goes on across
// restarts (it is
//            carried over in the ledger) and does not follow steps of the wall clock. All rules
//            about time use it.
// WallTime - what the calendar says, milliseconds since 1970 UTC. For people and for remote
// interfaces only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace leverd {

using Millis = std::chrono::milliseconds;

struct LeverdTimeline {
    using rep = std::int64_t;
    using period = std::milli;
    using duration = Millis;
    using time_point = std::chrono::time_point<LeverdTimeline, Millis>;
    static constexpr bool is_steady = true;
};
using Instant = LeverdTimeline::time_point;

struct CalendarTimeline {
    using rep = std::int64_t;
    using period = std::milli;
    using duration = Millis;
    using time_point = std::chrono::time_point<CalendarTimeline, Millis>;
    static constexpr bool is_steady = false;
};
using WallTime = CalendarTimeline::time_point;

// The pair that every event carries: rules read `at`, people read `wall`.
struct Now {
    Instant at{};
    WallTime wall{};

    friend bool operator==(const Now&, const Now&) = default;
};

// The one seam over the machine's clocks. Implementations: SystemClock (core/net), ManualClock
// (tests).
class Clock {
  public:
    virtual ~Clock() = default;
    virtual Now now() const = 0;
};

constexpr Instant at_millis(std::int64_t ms) {
    return Instant{Millis{ms}};
}
constexpr std::int64_t to_millis(Instant t) {
    return t.time_since_epoch().count();
}
constexpr std::int64_t to_millis(WallTime t) {
    return t.time_since_epoch().count();
}

// "2026-05-06T18:00:00.250Z". Years outside 0..9999 are clamped.
std::string format_rfc3339(WallTime t);

// "250ms", "90s", "15m", "2h", "3d": the shortest exact form that the configuration also reads.
std::string format_duration(Millis d);

// The same for a measured time: whole seconds from 10 s on, "2m17s", "3h05m", "2d4h".
std::string shown_duration(Millis d);

}  // namespace leverd
