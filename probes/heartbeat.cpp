// Why: see heartbeat.hpp. The deadline counts on leverd's own timeline, so a step of the wall clock
// neither fails nor saves anybody.
#include "probes/heartbeat.hpp"

#include "core/base/text.hpp"
#include "probes/general.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace leverd::probes {
namespace {

constexpr std::string_view attribute_prefix = "heartbeat.";

constexpr int coarse = 20;  // a twentieth of the deadline

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

}  // namespace

// "called <timeline ms> <wall ms> <slack ms>", or "awaited ..." before the first call. Without the
// last number it was exact.
void Heartbeats::restore(const Attributes& attributes) {
    for (const auto& [key, value] : attributes) {
        if (!key.starts_with(attribute_prefix)) {
            continue;
        }
        const auto parts = split(value, ' ');
        if (parts.size() != 3 && parts.size() != 4) {
            continue;
        }
        const auto at = number(parts[1]);
        const auto wall = number(parts[2]);
        const auto slack = parts.size() == 4 ? number(parts[3]) : std::int64_t{0};
        if (at && wall && slack) {
            Beat& beat = beats_[key.substr(attribute_prefix.size())];
            beat.last = Now{at_millis(*at), WallTime{Millis{*wall}}};
            beat.carried = beat.last;
            beat.called = parts[0] == "called";
            beat.slack = beat.called ? Millis{*slack} : Millis{0};
        }
    }
}

std::string Heartbeats::carried_text(const Beat& beat, Millis slack) {
    return fmt::format("{} {} {} {}", beat.called ? "called" : "awaited",
                       to_millis(beat.carried.at), to_millis(beat.carried.wall), slack.count());
}

std::optional<Observation> Heartbeats::heard(const config::Config& config, const std::string& name,
                                             const Now& now) {
    const auto probe = std::find_if(config.probes.begin(), config.probes.end(),
                                    [&name](const config::ProbeSettings& p) {
                                        return p.check && p.kind == "heartbeat" && p.name == name;
                                    });
    if (probe == config.probes.end()) {
        return std::nullopt;
    }
    Beat& beat = beats_[name];
    if (!beat.called) {
        beat.carried = now;
    }
    beat.last = now;
    beat.called = true;
    beat.slack = Millis{0};
    Task task;
    task.kind = name;
    task.settings = *probe;
    return look(task, now);
}

Observation Heartbeats::look(const Task& task, const Now& now) {
    const auto* check = check_of<config::HeartbeatCheck>(task);
    Beat first;
    first.last = now;
    first.carried = now;
    Beat& beat = beats_.emplace(task.kind, first).first->second;
    const Millis silent = now.at - beat.last.at;
    const Millis away = away_since_ ? away_since_(beat.last.at) : Millis{0};
    const Millis deadline = check == nullptr ? Millis{0} : check->deadline;
    const Millis slack = deadline / coarse;
    const bool missed = silent - away > deadline + beat.slack;
    // A miss is an entry anyway, so it carries the exact time.
    if (missed || beat.last.at - beat.carried.at > slack) {
        beat.carried = beat.last;
    }
    const auto uncounted =
        away > Millis{0} ? fmt::format("; the {} in which leverd was not running do not count",
                                       shown_duration(away))
                         : std::string{};
    Observation seen;
    if (missed) {
        seen = general(
            task, Health::failing, Reason::heartbeat_missed,
            fmt::format("{} {}, the deadline is {}{}",
                        beat.called ? "no call since" : "never called; awaited since",
                        format_rfc3339(beat.last.wall), format_duration(deadline), uncounted));
    } else if (beat.called) {
        seen = general(task, Health::healthy, Reason::ok,
                       "last call " + format_rfc3339(beat.last.wall));
    } else {
        seen = general(task, Health::unknown, Reason::heartbeat_awaited,
                       "no call yet, awaited since " + format_rfc3339(beat.last.wall));
    }
    seen.facts["silent_seconds"] = std::chrono::duration<double>(silent).count();
    seen.attributes[std::string(attribute_prefix) + task.kind] = carried_text(beat, slack);
    seen.seen = now;
    return seen;
}

boost::asio::awaitable<Observations> look_heartbeat(Context& context, Task task, net::Deadline) {
    const Now now = context.clock->now();
    if (context.heartbeats == nullptr) {
        co_return Observations();
    }
    co_return only(context, now, context.heartbeats->look(task, now));
}

}  // namespace leverd::probes
