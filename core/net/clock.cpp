// Why: the machine's clocks are read here and in the deadlines of this folder, and nowhere else.
#include "core/net/clock.hpp"

#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/http.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>

namespace leverd::net {
namespace {

// CLOCK_BOOTTIME goes on while the machine sleeps, unlike the steady clock of the library: a
// cool-down that was slept through is over.
std::int64_t boottime_millis() {
    timespec t{};
    if (clock_gettime(CLOCK_BOOTTIME, &t) != 0) {
        return 0;
    }
    return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

class SystemClock final : public Clock {
  public:
    SystemClock(Instant origin, std::int64_t origin_boottime_ms)
        : origin_(origin), origin_boottime_ms_(origin_boottime_ms) {}

    Now now() const override {
        const auto since = std::max<std::int64_t>(0, boottime_millis() - origin_boottime_ms_);
        Now result;
        result.at = origin_ + Millis{since};
        result.wall = wall_clock_now();
        return result;
    }

  private:
    Instant origin_;
    std::int64_t origin_boottime_ms_;
};

}  // namespace

Deadline deadline_in(Millis d) {
    return std::chrono::steady_clock::now() + d;
}

BootStamp read_boot_stamp() {
    BootStamp stamp;
    // A sandbox may hide the file. Then the name stays empty, which equals no other boot, and the
    // timeline goes on by the calendar.
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    if (file && std::getline(file, text) && is_uuid(text)) {
        stamp.boot_id = text;
    }
    stamp.boottime_ms = boottime_millis();
    return stamp;
}

std::unique_ptr<Clock> make_system_clock(Instant origin, std::int64_t origin_boottime_ms) {
    return std::make_unique<SystemClock>(origin, origin_boottime_ms);
}

ResumedTimeline resume_timeline(const TimelineAnchor& anchor, const Now& last,
                                const BootStamp& boot, WallTime wall) {
    ResumedTimeline out;
    if (last == Now{}) {
        out.at = Instant{wall.time_since_epoch()};  // a new ledger's time begins anywhere
        return out;
    }
    const bool same_boot = !anchor.boot_id.empty() && anchor.boot_id == boot.boot_id &&
                           boot.boottime_ms >= anchor.boottime_ms;
    if (same_boot) {
        const Instant at = anchor.at + Millis{boot.boottime_ms - anchor.boottime_ms};
        out.away = std::max(Millis{0}, at - last.at);
        out.proven = out.away;
    } else {
        out.rebooted = true;
        out.away = std::max(Millis{0}, Millis{wall - last.wall});
        // A state directory may come from another machine, whose boots say nothing about this one.
        out.proven = std::min(out.away, Millis{std::max<std::int64_t>(0, boot.boottime_ms)});
    }
    out.at = last.at + out.proven;
    return out;
}

WallTime wall_clock_now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return WallTime{std::chrono::duration_cast<Millis>(since)};
}

std::uint64_t monotonic_microseconds() {
    timespec t{};
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) {
        return 0;
    }
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000U +
           static_cast<std::uint64_t>(t.tv_nsec) / 1'000U;
}

boost::asio::awaitable<bool> pause(Millis d) {
    const bool threw = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    bool whole = false;
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (!is_cancelled(state)) {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        timer.expires_after(d);
        const auto [ec] = co_await timer.async_wait(tuple_token);
        whole = !ec;
    }
    co_await boost::asio::this_coro::throw_if_cancelled(threw);
    co_return whole;
}

}  // namespace leverd::net
