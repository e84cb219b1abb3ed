// Why: see zone.hpp. Qualified names throughout: date:: and std::chrono:: define the same words.
#include "core/base/zone.hpp"

#include "core/base/text.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <exception>
#include <sstream>
#include <vector>

namespace leverd {
namespace {

const date::time_zone* rules_of(const void* rules) {
    return static_cast<const date::time_zone*>(rules);
}

date::sys_time<Millis> sys(WallTime at) {
    return date::sys_time<Millis>{Millis{to_millis(at)}};
}

std::vector<std::string> zone_names() {
    std::vector<std::string> names{"UTC"};
    for (const auto& zone : date::get_tzdb().zones) {
        names.emplace_back(zone.name());
    }
    return names;
}

std::string hint_for(const std::string& name) {
    const auto near = suggest(name, zone_names());
    return near ? fmt::format("did you mean \"{}\"?", *near)
                : "names are like \"Europe/Berlin\" or \"UTC\"";
}

}  // namespace

Result<Zone> Zone::find(const std::string& name) {
    Zone zone;
    if (name == "UTC") {
        return zone;
    }
    try {
        const auto* rules = date::locate_zone(name);
        (void)rules->get_info(date::sys_seconds{});
        zone.name_ = name;
        zone.rules_ = rules;
        return zone;
    } catch (const std::exception&) {
        // Falls through: also the suggestions need the data that may be missing.
    }
    try {
        return Error{fmt::format("no time zone \"{}\"", sanitize(name, 64)), hint_for(name)};
    } catch (const std::exception&) {
        return Error{"the time zone data cannot be read", "install tzdata, or use \"UTC\""};
    }
}

LocalTime Zone::local(WallTime at) const {
    auto shifted = sys(at);
    if (rules_ != nullptr) {
        shifted += rules_of(rules_)->get_info(date::floor<std::chrono::seconds>(sys(at))).offset;
    }
    const auto day = date::floor<date::days>(shifted);
    LocalTime local;
    local.weekday = static_cast<int>(date::weekday{day}.iso_encoding()) - 1;
    local.minute_of_day =
        static_cast<int>(std::chrono::duration_cast<std::chrono::minutes>(shifted - day).count());
    return local;
}

Result<WallTime> Zone::parse_local(const std::string& text) const {
    std::istringstream in(text);
    date::local_seconds local;
    in >> date::parse("%Y-%m-%dT%H:%M", local);
    if (in.fail() || in.peek() != std::istringstream::traits_type::eof()) {
        return Error{fmt::format("\"{}\" is no date and time", sanitize(text, 40)),
                     "write it like \"2026-05-06T18:00\""};
    }
    const auto since = [](date::sys_seconds at) {
        return WallTime{std::chrono::duration_cast<Millis>(at.time_since_epoch())};
    };
    if (rules_ == nullptr) {
        return since(date::sys_seconds{local.time_since_epoch()});
    }
    const auto info = rules_of(rules_)->get_info(local);
    if (info.result == date::local_info::nonexistent) {
        return Error{fmt::format("{} does not exist in {}: the clock skips it", text, name_),
                     "choose a time before or after the change to daylight saving"};
    }
    return since(date::sys_seconds{local.time_since_epoch() - info.first.offset});
}

}  // namespace leverd
