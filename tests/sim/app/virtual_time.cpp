// Why: see virtual_time.hpp. The linker takes these functions instead of the C library's, also for
// std::chrono and for Asio.
#include "tests/sim/app/virtual_time.hpp"

#include <atomic>
#include <cerrno>
#include <ctime>

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace leverd::sim::virtual_time {
namespace {

constexpr std::int64_t booted_for = 10'000'000;
constexpr std::int64_t calendar = 1'800'000'000'000;

// The ledger's thread reads them too.
std::atomic<std::int64_t> up{booted_for};
std::atomic<std::int64_t> calendar_ahead{calendar - booted_for};

timespec to_timespec(std::int64_t ms) {
    timespec t{};
    t.tv_sec = ms / 1000;
    t.tv_nsec = ms % 1000 * 1'000'000;
    return t;
}

}  // namespace

void reset() {
    up = booted_for;
    calendar_ahead = calendar - booted_for;
}

std::int64_t uptime() {
    return up;
}

void pass(Millis gap) {
    up += gap.count();
}

void step_calendar(Millis by) {
    calendar_ahead += by.count();
}

}  // namespace leverd::sim::virtual_time

namespace virtual_time = leverd::sim::virtual_time;

extern "C" int clock_gettime(clockid_t which, timespec* out) noexcept {
    if (which == CLOCK_PROCESS_CPUTIME_ID || which == CLOCK_THREAD_CPUTIME_ID) {
        return static_cast<int>(syscall(SYS_clock_gettime, which, out));
    }
    const auto now = virtual_time::up.load();
    *out = virtual_time::to_timespec(
        which == CLOCK_REALTIME ? now + virtual_time::calendar_ahead.load() : now);
    return 0;
}

// Without one Asio hands its waits to epoll_wait, which is where time passes.
extern "C" int timerfd_create(clockid_t, int) noexcept {
    errno = ENOSYS;
    return -1;
}

extern "C" int epoll_wait(int loop, epoll_event* events, int room, int timeout) {
    const int wait = timeout < 0 ? -1 : 0;
    const auto ready = syscall(SYS_epoll_pwait, loop, events, room, wait, nullptr, 0);
    if (ready == 0 && timeout > 0) {
        virtual_time::pass(leverd::Millis{timeout});
    }
    return static_cast<int>(ready);
}
