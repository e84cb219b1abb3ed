// Why: the two spellings of time that people and the configuration read.
#include "core/base/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace leverd {

namespace {

// The first and the last millisecond that RFC 3339's four-digit year can spell.
constexpr std::int64_t year_0_ms = -62'167'219'200'000;
constexpr std::int64_t year_9999_ms = 253'402'300'799'999;

constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> units{{
    {86'400'000, "d"},
    {3'600'000, "h"},
    {60'000, "m"},
    {1'000, "s"},
}};

}  // namespace

std::string format_rfc3339(WallTime t) {
    namespace chr = std::chrono;
    const Millis since_epoch{std::clamp(to_millis(t), year_0_ms, year_9999_ms)};
    const auto day = chr::floor<chr::days>(since_epoch);
    const chr::year_month_day date{chr::sys_days{day}};
    const chr::hh_mm_ss<Millis> clock{since_epoch - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::string format_duration(Millis d) {
    const std::int64_t ms = d.count();
    if (ms == 0) {
        return "0s";
    }
    // The largest unit that divides it without a rest is also the shortest spelling.
    for (const auto& [size, suffix] : units) {
        if (ms % size == 0) {
            return fmt::format("{}{}", ms / size, suffix);
        }
    }
    return fmt::format("{}ms", ms);
}

std::string shown_duration(Millis d) {
    const auto seconds = d.count() / 1000;
    if (seconds < 10) {
        return format_duration(d);
    }
    if (seconds < 120) {
        return fmt::format("{}s", seconds);
    }
    if (seconds < 3600) {
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    }
    if (seconds < 86'400) {
        return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
    }
    return fmt::format("{}d{}h", seconds / 86'400, seconds % 86'400 / 3600);
}

}  // namespace leverd
