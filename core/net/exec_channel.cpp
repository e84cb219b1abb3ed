// Why: see exec_channel.hpp.
#include "core/net/exec_channel.hpp"

#include "core/model/codec.hpp"
#include "core/net/asio_use.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;
using boost::system::error_code;

constexpr std::array<std::pair<ProcessEnd, std::string_view>, 5> ends{
    {{ProcessEnd::exited, "exited"},
     {ProcessEnd::signalled, "signalled"},
     {ProcessEnd::timed_out, "timed_out"},
     {ProcessEnd::cancelled, "cancelled"},
     {ProcessEnd::not_started, "not_started"}}};

// The socket, and the clock that closes it.
struct Line {
    explicit Line(const asio::any_io_executor& executor) : socket(executor), limit(executor) {}
    Socket socket;
    asio::steady_timer limit;
    bool expired = false;
};
using LinePtr = std::shared_ptr<Line>;

void close_at(const LinePtr& line, Deadline deadline) {
    line->limit.expires_at(deadline);
    line->limit.async_wait([line](const error_code& ec) {
        if (!ec) {
            line->expired = true;
            error_code ignored;
            line->socket.close(ignored);
        }
    });
}

asio::awaitable<std::optional<std::string>> read_frame(LinePtr line) {
    std::array<unsigned char, 4> head{};
    auto [cut, n] = co_await asio::async_read(line->socket, asio::buffer(head), tuple_token);
    if (cut) {
        co_return std::nullopt;
    }
    std::size_t length = 0;
    for (const unsigned char byte : head) {
        length = length * 256 + byte;
    }
    if (length > exec_frame_max) {
        co_return std::nullopt;
    }
    std::string bytes(length, '\0');
    auto [lost, m] = co_await asio::async_read(line->socket, asio::buffer(bytes), tuple_token);
    if (lost) {
        co_return std::nullopt;
    }
    co_return std::move(bytes);
}

asio::awaitable<std::optional<ProcessResult>> read_answer(LinePtr line) {
    // Not one read more after the end: it would wait for an event that has passed.
    std::vector<std::string> frames;
    while (frames.size() < 3) {
        auto next = co_await read_frame(line);
        if (!next) {
            co_return std::nullopt;
        }
        frames.push_back(std::move(*next));
    }
    auto result = exec_told(frames[0]);
    if (result) {
        result->out = std::move(frames[1]);
        result->err = std::move(frames[2]);
    }
    co_return result;
}

ProcessResult not_reached(const std::string& helper, const error_code& why) {
    ProcessResult result;
    result.code = why.value();
    result.detail =
        fmt::format("{}: {}; systemctl status leverd-exec.socket", helper, why.message());
    return result;
}

// The helper must have answered by our deadline, so the program gets less.
Millis time_for(Deadline deadline) {
    constexpr Millis spare{250};
    const auto left = std::chrono::duration_cast<Millis>(deadline - deadline_in(Millis{0}));
    return std::max(left - std::min(spare, left / 4), Millis{1});
}

asio::awaitable<ProcessResult> ask(LinePtr line, ProcessRequest request, Deadline deadline) {
    const asio::local::stream_protocol::endpoint helper(request.helper);
    auto [refused] = co_await line->socket.async_connect(helper, tuple_token);
    if (refused) {
        co_return not_reached(request.helper, refused);
    }
    const std::string asked = to_frame({request.called, time_for(deadline), request.grace});
    auto [unsent, n] = co_await asio::async_write(line->socket, asio::buffer(asked), tuple_token);
    if (unsent) {
        co_return not_reached(request.helper, unsent);
    }
    auto answer = co_await read_answer(line);
    if (answer) {
        co_return std::move(*answer);
    }
    // It may have run, and how it ended is lost.
    ProcessResult result;
    const bool cancelled = co_await is_cancelled();
    result.end = cancelled       ? ProcessEnd::cancelled
                 : line->expired ? ProcessEnd::timed_out
                                 : ProcessEnd::signalled;
    result.err = "the helper gave no answer; journalctl -u 'leverd-exec@*'";
    co_return result;
}

}  // namespace

std::string frame(std::string_view bytes) {
    std::string out;
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        out.push_back(static_cast<char>((bytes.size() >> shift) & 0xFFU));
    }
    return out.append(bytes);
}

std::string to_frame(const ExecAsked& asked) {
    return frame(dump({{"called", asked.called},
                       {"time_ms", asked.time.count()},
                       {"grace_ms", asked.grace.count()}}));
}

std::string to_frames(const ProcessResult& result) {
    nlohmann::json told;
    for (const auto& [end, name] : ends) {
        if (end == result.end) {
            told["end"] = name;
        }
    }
    told["code"] = result.code;
    told["detail"] = result.detail;
    told["out_cut"] = result.out_cut;
    told["err_cut"] = result.err_cut;
    return frame(dump(told)) + frame(result.out) + frame(result.err);
}

std::optional<ExecAsked> exec_asked(std::string_view json) {
    const auto parsed = nlohmann::json::parse(json, nullptr, false);
    const auto called = parsed.is_object() ? parsed.find("called") : parsed.end();
    if (called == parsed.end() || !called->is_array()) {
        return std::nullopt;
    }
    ExecAsked asked;
    for (const auto& word : *called) {
        if (!word.is_string()) {
            return std::nullopt;
        }
        asked.called.push_back(word.get<std::string>());
    }
    for (const auto& [name, value] :
         {std::pair{"time_ms", &asked.time}, {"grace_ms", &asked.grace}}) {
        const auto found = parsed.find(name);
        if (found == parsed.end() || !found->is_number_integer()) {
            return std::nullopt;
        }
        *value = Millis{std::clamp<std::int64_t>(found->get<std::int64_t>(), 0, 3'600'000)};
    }
    return asked.called.empty() ? std::nullopt : std::optional(std::move(asked));
}

std::optional<ProcessResult> exec_told(std::string_view json) {
    const auto parsed = nlohmann::json::parse(json, nullptr, false);
    if (!parsed.is_object()) {
        return std::nullopt;
    }
    const auto end = parsed.find("end");
    const auto code = parsed.find("code");
    const auto detail = parsed.find("detail");
    if (end == parsed.end() || code == parsed.end() || detail == parsed.end() ||
        !code->is_number_integer() || !detail->is_string()) {
        return std::nullopt;
    }
    const auto known =
        std::find_if(ends.begin(), ends.end(), [&](const auto& one) { return *end == one.second; });
    if (known == ends.end()) {
        return std::nullopt;
    }
    ProcessResult result;
    result.end = known->first;
    result.code = code->get<int>();
    result.detail = detail->get<std::string>();
    result.out_cut = parsed.value("out_cut", nlohmann::json(false)) == true;
    result.err_cut = parsed.value("err_cut", nlohmann::json(false)) == true;
    return result;
}

asio::awaitable<ProcessResult> run_by_helper(ProcessRequest request, Deadline deadline) {
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto executor = co_await asio::this_coro::executor;
    const auto line = std::make_shared<Line>(executor);
    close_at(line, deadline);
    ProcessResult result = co_await ask(line, std::move(request), deadline);
    line->limit.cancel();
    error_code ignored;
    line->socket.close(ignored);
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return result;
}

}  // namespace leverd::net
