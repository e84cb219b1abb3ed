// Why: what no other kind can ask, a program of the user can. Its exit code is the answer and its
// first line of output the evidence.
#include "core/base/text.hpp"
#include "core/net/process.hpp"
#include "probes/general.hpp"
#include "probes/programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace leverd::probes {
namespace {

constexpr std::size_t line_shown_max = 400;
// The kill comes this long before the look's deadline, so that its end is still told in time.
constexpr Millis spare{100};

std::string first_line(const std::string& text) {
    const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    return sanitize(text.substr(begin, text.find_first_of("\r\n", begin) - begin), line_shown_max);
}

std::string said(const net::ProcessResult& result) {
    const std::string line = first_line(result.out.empty() ? result.err : result.out);
    return line.empty() ? "no output" : line;
}

bool has(const std::vector<int>& codes, int code) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

Observation judge_code(const config::CommandCheck& check, const Task& task,
                       const net::ProcessResult& result) {
    const std::string evidence = fmt::format("exit code {}: {}", result.code, said(result));
    if (has(check.healthy, result.code)) {
        return general(task, Health::healthy, Reason::ok, evidence);
    }
    if (has(check.degraded, result.code)) {
        return general(task, Health::degraded, Reason::command_degraded, evidence);
    }
    if (has(check.failing, result.code)) {
        return general(task, Health::failing, Reason::command_failed, evidence);
    }
    return general(task, Health::unknown, Reason::command_unclear, evidence);
}

Observation judge(const config::CommandCheck& check, const Task& task,
                  const net::ProcessResult& result) {
    switch (result.end) {
        case net::ProcessEnd::exited:
            return judge_code(check, task, result);
        case net::ProcessEnd::signalled:
            return general(task, Health::unknown, Reason::command_unclear,
                           fmt::format("killed by signal {}: {}", result.code, said(result)));
        case net::ProcessEnd::timed_out:
            return general(task, Health::unknown, Reason::command_timeout,
                           fmt::format("killed after {}: {}",
                                       format_duration(task.settings.timeout), said(result)));
        case net::ProcessEnd::cancelled:
            return general(task, stack::local_problem(Reason::deadline_local, "cancelled"));
        case net::ProcessEnd::not_started:
            break;
    }
    return general(task,
                   stack::local_problem(Reason::command_not_started,
                                        fmt::format("{}: {}", check.argv.front(), result.detail)));
}

}  // namespace

boost::asio::awaitable<Observations> look_command(Context& context, Task task,
                                                  net::Deadline deadline) {
    const Now started = context.clock->now();
    const auto* check = check_of<config::CommandCheck>(task);
    if (check == nullptr || check->argv.empty()) {
        co_return Observations();
    }
    net::ProcessRequest request = command_program(*check);
    request.helper = context.config->daemon.exec_socket;
    request.called = {"probe", task.settings.called()};
    const net::ProcessResult result = co_await net::run_process(request, deadline - spare);
    Observation seen = judge(*check, task, result);
    if (result.end == net::ProcessEnd::exited) {
        seen.facts["exit_code"] = result.code;
    }
    co_return only(context, started, std::move(seen));
}

}  // namespace leverd::probes
