// Why: remote rows carry calendar times as text from several writers; one strict reader turns them
// into WallTime without locale, time zone database or exceptions.
#include "core/stack/control_plane.hpp"

#include <cctype>
#include <chrono>

namespace leverd {
namespace {

// Reads exactly `digits` digits and advances; -1 when they are not there.
int take_number(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) {
        return -1;
    }
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take_char(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

// ".123456" -> 123; digits beyond milliseconds are cut. -1: a dot without digits.
int take_fraction(std::string_view& text) {
    if (!take_char(text, ".")) {
        return 0;
    }
    int ms = 0;
    int digits = 0;
    while (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0) {
        if (digits < 3) {
            ms = ms * 10 + (text.front() - '0');
        }
        ++digits;
        text.remove_prefix(1);
    }
    for (int i = digits; i < 3; ++i) {
        ms *= 10;
    }
    return digits == 0 ? -1 : ms;
}

// "Z", "+02:00": minutes east of UTC.
std::optional<int> take_offset(std::string_view& text) {
    if (take_char(text, "Zz")) {
        return 0;
    }
    if (text.empty() || (text.front() != '+' && text.front() != '-')) {
        return std::nullopt;
    }
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const int hours = take_number(text, 2);
    if (!take_char(text, ":")) {
        return std::nullopt;
    }
    const int minutes = take_number(text, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return std::nullopt;
    }
    return sign * (hours * 60 + minutes);
}

}  // namespace

std::optional<WallTime> stack::parse_rfc3339(std::string_view text) {
    const int year = take_number(text, 4);
    const bool dash1 = take_char(text, "-");
    const int month = take_number(text, 2);
    const bool dash2 = take_char(text, "-");
    const int day = take_number(text, 2);
    const bool gap = take_char(text, "Tt ");
    const int hour = take_number(text, 2);
    const bool colon1 = take_char(text, ":");
    const int minute = take_number(text, 2);
    const bool colon2 = take_char(text, ":");
    const int second = take_number(text, 2);
    if (!dash1 || !dash2 || !gap || !colon1 || !colon2 || year < 0 || month < 0 || day < 0 ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return std::nullopt;
    }
    const int ms = take_fraction(text);
    const auto offset = take_offset(text);
    if (ms < 0 || !offset || !text.empty()) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) {
        return std::nullopt;
    }
    const auto days = std::chrono::sys_days{date}.time_since_epoch();
    const auto clock = std::chrono::hours{hour} + std::chrono::minutes{minute - *offset} +
                       std::chrono::seconds{second} + Millis{ms};
    return WallTime{std::chrono::duration_cast<Millis>(days) + clock};
}

}  // namespace leverd
