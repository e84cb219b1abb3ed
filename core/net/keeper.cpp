// Why: see keeper.hpp. Runs between fork and _exit in the image of a process with threads: nothing
// here may allocate, lock or throw.
#include "core/net/keeper.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace leverd::net {
namespace {

constexpr const char* own_children = "/proc/thread-self/children";

void ignore_requests() {
    // Who stops the whole service tells the daemon; the keeper goes when the daemon does.
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) {
        ::signal(number, SIG_IGN);
    }
    ::signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Calls for each child of this process that is still there, zombies included. False: nobody can
// tell.
bool kill_children() {
    const int file = ::open(own_children, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    std::array<char, 4096> room{};
    pid_t number = 0;
    ssize_t got = 0;
    while ((got = ::read(file, room.data(), room.size())) > 0) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
            if (room[i] >= '0' && room[i] <= '9') {
                number = number * 10 + (room[i] - '0');
            } else if (number > 0) {
                ::kill(number, SIGKILL);
                number = 0;
            }
        }
    }
    if (number > 0) {
        ::kill(number, SIGKILL);
    }
    ::close(file);
    return true;
}

// Until no descendant is left: whoever loses its parent becomes a child of the keeper.
void end_everything(pid_t program) {
    ::kill(-program, SIGKILL);
    for (;;) {
        const bool told = kill_children();
        const pid_t reaped = ::waitpid(-1, nullptr, told ? 0 : WNOHANG);
        if ((reaped < 0 && errno == ECHILD) || (!told && reaped <= 0)) {
            return;
        }
    }
}

// Until the program ended (true) or all is to end now (false).
bool watch(const Keeper& keeper, pid_t program, int ended) {
    for (;;) {
        std::array<pollfd, 2> both{{{keeper.control, POLLIN, 0}, {ended, POLLIN, 0}}};
        if (::poll(both.data(), both.size(), -1) < 0 && errno != EINTR) {
            return false;
        }
        if (both[1].revents != 0) {
            return true;
        }
        if (both[0].revents == 0) {
            continue;
        }
        char word = 0;
        const auto got = ::read(keeper.control, &word, 1);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        if (got == 1 && word == ask_to_end) {
            ::kill(-program, SIGTERM);
            ::kill(program, SIGTERM);
        }
    }
}

// Locks, sockets and secrets of the daemon are none of the keeper's.
void close_all_but(const Keeper& keeper) {
    const auto low = static_cast<unsigned>(std::min(keeper.control, keeper.status));
    const auto high = static_cast<unsigned>(std::max(keeper.control, keeper.status));
    if (low > 0) {
        ::syscall(SYS_close_range, 0U, low - 1, 0U);
    }
    if (high > low + 1) {
        ::syscall(SYS_close_range, low + 1, high - 1, 0U);
    }
    ::syscall(SYS_close_range, high + 1, ~0U, 0U);
}

}  // namespace

[[noreturn]] void keep(const Keeper& keeper, void (*begin)(const void*), const void* argument) {
    ignore_requests();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    ::prctl(PR_SET_NAME, "leverd-keeper", 0, 0, 0);
    ::setsid();
    const pid_t program = ::_Fork();
    if (program == 0) {
        begin(argument);
        ::_exit(127);
    }
    close_all_but(keeper);
    ProgramEnd end{0, errno};
    if (program > 0) {
        ::setpgid(program, program);  // whichever of the two comes first
        const auto ended = static_cast<int>(::syscall(SYS_pidfd_open, program, 0U));
        if (ended < 0 || !watch(keeper, program, ended)) {
            ::kill(program, SIGKILL);
        }
        siginfo_t info{};
        while (::waitid(P_PID, static_cast<id_t>(program), &info, WEXITED | WNOWAIT) != 0 &&
               errno == EINTR) {
        }
        end = ProgramEnd{info.si_code, info.si_status};
    }
    [[maybe_unused]] const auto written = ::write(keeper.status, &end, sizeof end);
    if (program > 0) {
        end_everything(program);
    }
    ::_exit(0);
}

}  // namespace leverd::net
