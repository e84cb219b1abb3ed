// Why: see process.hpp. The exit is seen through a pidfd, so no signal handler is needed and other
// children of this process are nobody's concern here. The zombie is kept until its group is killed:
// as long as it is there, the number of the group cannot belong to anybody else.
#include "core/net/process.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/exec_channel.hpp"
#include "core/net/spawn.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include <sys/wait.h>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

// After its end: how long what it left behind in another session may keep its output open.
constexpr Millis drain_for{100};

struct Output {
    explicit Output(stream_descriptor d) : from(std::move(d)) {}
    stream_descriptor from;
    std::array<char, 4096> room{};
    std::string text;
    bool cut = false;
    bool ended = false;
};

// Shared with the handlers, which may run once more after the coroutine went on.
struct Running {
    explicit Running(const asio::any_io_executor& executor, const Child& child)
        : exit(executor, child.exited),
          out(stream_descriptor(executor, child.out)),
          err(stream_descriptor(executor, child.err)),
          changed(executor) {}
    stream_descriptor exit;
    Output out;
    Output err;
    std::size_t limit = 0;
    bool exited = false;
    asio::steady_timer changed;  // cancelled whenever something ended
};
using RunningPtr = std::shared_ptr<Running>;

void read_on(const RunningPtr& running, Output Running::* which) {
    Output& output = (*running).*which;
    auto on_read = [running, which](const boost::system::error_code& ec, std::size_t n) {
        Output& to = (*running).*which;
        const std::size_t free = running->limit - std::min(running->limit, to.text.size());
        to.text.append(to.room.data(), std::min(n, free));
        to.cut = to.cut || n > free;
        if (ec) {
            to.ended = true;
            running->changed.cancel();
            return;
        }
        read_on(running, which);
    };
    output.from.async_read_some(asio::buffer(output.room), std::move(on_read));
}

RunningPtr watch(const asio::any_io_executor& executor, const Child& child, std::size_t limit) {
    auto running = std::make_shared<Running>(executor, child);
    running->limit = limit;
    read_on(running, &Running::out);
    read_on(running, &Running::err);
    auto on_exit = [running](const boost::system::error_code& ec) {
        if (!ec) {
            running->exited = true;
            running->changed.cancel();
        }
    };
    running->exit.async_wait(stream_descriptor::wait_read, std::move(on_exit));
    return running;
}

// Ends the rest of the group and takes the exit status.
void collect(pid_t pid, ProcessResult& result) {
    ::kill(-pid, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0) {
        if (errno != EINTR) {
            return;
        }
    }
    result.code = info.si_status;
    if (result.end == ProcessEnd::exited && info.si_code != CLD_EXITED) {
        result.end = ProcessEnd::signalled;
    }
}

void take_output(Running& running, ProcessResult& result) {
    result.out = std::move(running.out.text);
    result.err = std::move(running.err.text);
    result.out_cut = running.out.cut;
    result.err_cut = running.err.cut;
    boost::system::error_code ignored;
    running.out.from.close(ignored);
    running.err.from.close(ignored);
    running.exit.close(ignored);
}

// Until it exited, the deadline came or the owner cancelled us.
asio::awaitable<ProcessEnd> wait_for_exit(RunningPtr running, pid_t pid, Millis grace,
                                          Deadline deadline) {
    // At most a quarter of the time is given to a gentle end.
    const auto left = std::chrono::duration_cast<Millis>(deadline - deadline_in(Millis{0}));
    const Deadline ask = deadline - std::clamp(grace, Millis{0}, std::max(left / 4, Millis{0}));
    bool asked = false;
    while (!running->exited) {
        const bool cancelled = co_await is_cancelled();
        if (cancelled) {
            co_return ProcessEnd::cancelled;
        }
        running->changed.expires_at(asked ? deadline : ask);
        const auto [ec] = co_await running->changed.async_wait(tuple_token);
        if (ec || running->exited) {
            continue;
        }
        if (asked) {
            co_return ProcessEnd::timed_out;
        }
        asked = true;
        ::kill(-pid, SIGTERM);
    }
    co_return asked ? ProcessEnd::timed_out : ProcessEnd::exited;
}

asio::awaitable<void> drain(RunningPtr running) {
    const Deadline latest = deadline_in(drain_for);
    while (!running->out.ended || !running->err.ended) {
        running->changed.expires_at(latest);
        const auto [ec] = co_await running->changed.async_wait(tuple_token);
        const bool cancelled = co_await is_cancelled();
        if (!ec || cancelled) {
            co_return;
        }
    }
}

}  // namespace

asio::awaitable<ProcessResult> run_process(ProcessRequest request, Deadline deadline) {
    if (!request.helper.empty()) {
        ProcessResult told = co_await run_by_helper(std::move(request), deadline);
        co_return told;
    }
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto executor = co_await asio::this_coro::executor;
    ProcessResult result;
    Child child;
    SpawnFault fault;
    if (!spawn_child(request, child, fault)) {
        result.code = fault.code;
        result.detail = fmt::format("{}: {}", fault.step, std::strerror(fault.code));
        co_await asio::this_coro::throw_if_cancelled(threw);
        co_return result;
    }
    const RunningPtr running = watch(executor, child, request.output_limit);
    result.end = co_await wait_for_exit(running, child.pid, request.grace, deadline);
    collect(child.pid, result);
    co_await drain(running);
    take_output(*running, result);
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return result;
}

}  // namespace leverd::net
