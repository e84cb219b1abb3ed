// Why: see notify.hpp.
#include "daemon/notify.hpp"

#include "core/net/clock.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace leverd::notify {

void ready(const std::string& text) {
    sd_notify(0, ("READY=1\nSTATUS=" + text).c_str());
}

void status(const std::string& text) {
    sd_notify(0, ("STATUS=" + text).c_str());
}

void reloading() {
    const auto usec = net::monotonic_microseconds();
    sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", usec).c_str());
}

void stopping() {
    sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void alive() {
    sd_notify(0, "WATCHDOG=1");
}

Millis watchdog_pace() {
    std::uint64_t usec = 0;
    return sd_watchdog_enabled(0, &usec) > 0 ? Millis{static_cast<std::int64_t>(usec / 2000)}
                                             : Millis{0};
}

}  // namespace leverd::notify
