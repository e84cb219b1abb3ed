// Why: see exec_helper.hpp. The caller names a program and nothing else: what is run, with which
// arguments and environment, stands in files that only root can write.
#include "daemon/exec_helper.hpp"

#include "config/checks.hpp"
#include "config/load.hpp"
#include "core/base/trusted_file.hpp"
#include "core/net/exec_channel.hpp"
#include "daemon/rules.hpp"
#include "policies/levers/general.hpp"
#include "probes/programs.hpp"

#include <fmt/format.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>

#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace leverd {
namespace {

constexpr int caller_fd = 0;
constexpr std::size_t request_bytes_max = 64U << 10;

int complain(const std::string& what) {
    fmt::print(stderr, "leverd exec-helper: {}\n", what);
    return 1;
}

std::optional<uid_t> user_id(const std::string& user) {
    uid_t number = 0;
    const auto [stop, bad] = std::from_chars(user.data(), user.data() + user.size(), number);
    if (bad == std::errc{} && stop == user.data() + user.size()) {
        return number;
    }
    const passwd* entry = ::getpwnam(user.c_str());
    return entry == nullptr ? std::nullopt : std::optional(entry->pw_uid);
}

Result<void> check_caller(const std::string& user) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(caller_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return Error{"standard input is not a unix socket", "systemd starts this, not a person"};
    }
    const auto allowed = user_id(user);
    if (peer.uid != 0 && (!allowed || peer.uid != *allowed)) {
        return Error{fmt::format("user {} may not ask, only {} may", peer.uid, user), ""};
    }
    return {};
}

bool read_all(char* to, std::size_t bytes) {
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t n = ::read(caller_fd, to + done, bytes - done);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        done += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    return true;
}

std::optional<net::ExecAsked> read_request() {
    const timeval patience{5, 0};
    ::setsockopt(caller_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    unsigned char head[4] = {};
    if (!read_all(reinterpret_cast<char*>(head), sizeof head)) {
        return std::nullopt;
    }
    std::size_t length = 0;
    for (const unsigned char byte : head) {
        length = length * 256 + byte;
    }
    std::string text(std::min(length, request_bytes_max), '\0');
    if (length > request_bytes_max || !read_all(text.data(), length)) {
        return std::nullopt;
    }
    return net::exec_asked(text);
}

void answer(const net::ProcessResult& result) {
    const std::string frames = net::to_frames(result);
    std::size_t done = 0;
    while (done < frames.size()) {
        const ssize_t n =
            ::send(caller_fd, frames.data() + done, frames.size() - done, MSG_NOSIGNAL);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return;
        }
        done += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
}

net::ProcessResult refused(const Error& error) {
    net::ProcessResult result;
    result.code = EACCES;
    result.detail = "the helper refused: " + error.what;
    result.detail += error.hint.empty() ? "" : " (" + error.hint + ")";
    return result;
}

Result<config::Config> believed_config(const std::string& path) {
    auto loaded = config::load(path, vocabulary());
    for (const auto& problem : loaded.problems) {
        if (!problem.warning) {
            return Error{problem.file + ": " + problem.message, "leverd check --config " + path};
        }
    }
    // Root's alone: leverd itself must not be able to have another program run.
    for (const auto& file : loaded.config.files) {
        if (auto believed = check_believed_path(file, FileUser{}); !believed) {
            return believed.error();
        }
    }
    return Result<config::Config>(boost::system::in_place_value, std::move(loaded.config));
}

// Ends the run when the caller hangs up.
net::ProcessResult run_for_caller(net::ProcessRequest request, Millis time) {
    asio::io_context io{1};
    asio::posix::stream_descriptor caller(io, ::dup(caller_fd));
    asio::cancellation_signal stop;
    std::optional<net::ProcessResult> result;
    caller.async_wait(asio::posix::stream_descriptor::wait_read,
                      [&stop](const boost::system::error_code& ec) {
                          if (!ec) {
                              stop.emit(asio::cancellation_type::all);
                          }
                      });
    auto ended = [&](std::exception_ptr thrown, net::ProcessResult told) {
        result = thrown ? net::ProcessResult{} : std::move(told);
        boost::system::error_code ignored;
        caller.close(ignored);
    };
    asio::co_spawn(io, net::run_process(std::move(request), net::deadline_in(time)),
                   asio::bind_cancellation_slot(stop.slot(), std::move(ended)));
    io.run();
    return result.value_or(net::ProcessResult{});
}

// What changed its group and lost its parent is ours now. Under systemd the unit's end ends it,
// too; without it nobody else would.
void end_descendants() {
    do {
        std::ifstream children(fmt::format("/proc/self/task/{}/children", ::getpid()));
        for (pid_t child = 0; children >> child;) {
            ::kill(child, SIGKILL);
        }
    } while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR);
}

}  // namespace

Result<HelperProgram> program_called(const config::Config& config,
                                     const std::vector<std::string>& called) {
    HelperProgram program;
    const std::string what = called.empty() ? "" : called.front();
    if (what == "browser" && called.size() == 1 && config.canvas.browser) {
        auto browser = probes::browser_program(config.canvas);
        program.request = std::move(browser.request);
        program.holds = std::move(browser.profile);
        return program;
    }
    if (what == "probe" && called.size() == 2) {
        for (const auto& probe : config.probes) {
            const auto* check =
                probe.check ? std::get_if<config::CommandCheck>(&probe.check->what) : nullptr;
            if (check != nullptr && probe.called() == called[1]) {
                program.request = probes::command_program(*check);
                return program;
            }
        }
    }
    if ((what == "lever" || what == "observe") && called.size() == 3) {
        for (const auto& lever : config.levers) {
            if (lever.id != called[1]) {
                continue;
            }
            auto request = levers::lever_program(lever, what == "observe", Subject(called[2]));
            if (!request) {
                return request.error();
            }
            program.request = std::move(*request);
            return program;
        }
    }
    return Error{"no such program stands in the configuration", "reload it after a change"};
}

int run_exec_helper(const HelperOptions& options) {
    if (auto allowed = check_caller(options.caller); !allowed) {
        return complain(allowed.error().what);
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const auto asked = read_request();
    if (!asked) {
        return complain("the caller asked for nothing that can be understood");
    }
    const auto config = believed_config(options.config);
    auto program =
        config ? program_called(*config, asked->called) : Result<HelperProgram>(config.error());
    if (!program) {
        complain(program.error().what);
        answer(refused(program.error()));
        return 1;
    }
    program->request.grace = asked->grace;
    const auto result = run_for_caller(std::move(program->request), asked->time);
    end_descendants();
    answer(result);
    return 0;
}

}  // namespace leverd
