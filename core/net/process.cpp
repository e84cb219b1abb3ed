// Why: see process.hpp. A keeper (keeper.hpp) waits for the program and for whatever it leaves
// behind; here only descriptors are watched, so that no program can hold up the loop, whatever it
// does with its group, its session or its signals.
#include "core/net/process.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/exec_channel.hpp"
#include "core/net/keeper.hpp"
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
#include <optional>

#include <sys/wait.h>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

// After its end: how long what it left behind may keep its output open.
constexpr Millis drain_for{100};
// How long a keeper may need to end everything. What the kernel itself holds fast is left to the
// keeper, which goes when that goes.
constexpr Millis gone_within{500};

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
        : keeper(child.keeper),
          gone(executor, child.gone),
          ended(executor, child.ended),
          control(executor, child.control),
          out(stream_descriptor(executor, child.out)),
          err(stream_descriptor(executor, child.err)),
          changed(executor) {}
    pid_t keeper;
    stream_descriptor gone;
    stream_descriptor ended;
    stream_descriptor control;
    Output out;
    Output err;
    std::size_t limit = 0;
    bool exited = false;
    bool reaped = false;
    std::optional<ProgramEnd> end;  // nothing although it exited: the keeper was killed
    asio::steady_timer changed;     // cancelled whenever something ended
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
    auto on_end = [running](const boost::system::error_code& ec) {
        ProgramEnd end;
        const auto size = static_cast<ssize_t>(sizeof end);
        if (!ec && ::read(running->ended.native_handle(), &end, sizeof end) == size) {
            running->end = end;
        }
        running->exited = true;
        running->changed.cancel();
    };
    running->ended.async_wait(stream_descriptor::wait_read, std::move(on_end));
    // Goes on after the caller went on, so that a keeper that needs long is reaped all the same.
    auto on_gone = [running](const boost::system::error_code&) {
        running->reaped = ::waitpid(running->keeper, nullptr, WNOHANG) == running->keeper;
        boost::system::error_code ignored;
        running->gone.close(ignored);
        running->changed.cancel();
    };
    running->gone.async_wait(stream_descriptor::wait_read, std::move(on_gone));
    return running;
}

void ask_politely(Running& running) {
    [[maybe_unused]] const auto written =
        ::write(running.control.native_handle(), &ask_to_end, sizeof ask_to_end);
}

// Closing the pipe is the word to end everything at once.
void end_all(Running& running) {
    boost::system::error_code ignored;
    running.control.close(ignored);
}

void tell_end(const Running& running, ProcessResult& result) {
    if (!running.end) {
        result.code = SIGKILL;
        result.end = result.end == ProcessEnd::exited ? ProcessEnd::signalled : result.end;
        return;
    }
    result.code = running.end->status;
    if (result.end == ProcessEnd::exited && running.end->code != CLD_EXITED) {
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
    running.ended.close(ignored);
}

// Until it exited, the deadline came or the owner cancelled us.
asio::awaitable<ProcessEnd> wait_for_exit(RunningPtr running, Millis grace, Deadline deadline) {
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
        ask_politely(*running);
    }
    co_return asked ? ProcessEnd::timed_out : ProcessEnd::exited;
}

// Until nothing of it is left, or the time is over.
asio::awaitable<void> wait_until_gone(RunningPtr running) {
    const Deadline latest = deadline_in(gone_within);
    while (!running->reaped || !running->exited) {
        running->changed.expires_at(latest);
        const auto [ec] = co_await running->changed.async_wait(tuple_token);
        if (!ec || deadline_in(Millis{0}) >= latest) {
            co_return;
        }
    }
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
    result.end = co_await wait_for_exit(running, request.grace, deadline);
    end_all(*running);
    co_await wait_until_gone(running);
    tell_end(*running, result);
    co_await drain(running);
    take_output(*running, result);
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return result;
}

}  // namespace leverd::net
