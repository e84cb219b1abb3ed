// Why: see windows.hpp.
#include "policies/windows.hpp"

#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {

bool is_open(const Window& window, WallTime now) {
    if (window.expires && now >= *window.expires) {
        return false;
    }
    const auto local = window.zone.local(now);
    const auto today = static_cast<std::size_t>(local.weekday);
    const auto yesterday = (today + 6) % 7;
    const int minute = local.minute_of_day;
    if (window.start == window.end) {
        return window.days[today];
    }
    if (window.start < window.end) {
        return window.days[today] && minute >= window.start && minute < window.end;
    }
    return (window.days[today] && minute >= window.start) ||
           (window.days[yesterday] && minute < window.end);
}

bool applies(const Window& window, const Subject& subject, const std::string& lever) {
    const bool about = std::ranges::any_of(
        window.subjects, [&](const auto& pattern) { return subject_matches(pattern, subject); });
    return about && (window.levers.empty() ||
                     std::ranges::find(window.levers, lever) != window.levers.end());
}

std::string describe(const Window& window) {
    static constexpr const char* names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    std::string days;
    for (std::size_t i = 0; i < window.days.size(); ++i) {
        if (window.days[i]) {
            days += fmt::format("{} ", names[i]);
        }
    }
    const auto hours = window.start == window.end
                           ? std::string{"all day"}
                           : fmt::format("{:02}:{:02}-{:02}:{:02}", window.start / 60,
                                         window.start % 60, window.end / 60, window.end % 60);
    return fmt::format("{}{} {}", window.days.all() ? "" : days, hours, window.zone.name());
}

}  // namespace leverd
