// Why: the one translation unit with Beast in it. It moves bytes under limits; what they mean is
// decided by the router.
#include "exporters/web/connection.hpp"

#include "core/base/redact.hpp"
#include "core/model/codec.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "exporters/web/router.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cctype>

namespace leverd::exporters::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::awaitable;
using boost::system::error_code;
using net::tuple_token;

using Stream = beast::basic_stream<asio::generic::stream_protocol, asio::any_io_executor>;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t linger_bytes_max = 256U << 10;
constexpr Millis linger_for{1'000};
constexpr std::size_t first_read = 4096;

Request to_request(http::request<http::string_body>&& message) {
    Request out;
    out.method = std::string(message.method_string());
    out.target = std::string(message.target());
    for (const auto& field : message) {
        std::string name(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        std::string& value = out.headers[name];
        value += value.empty() ? "" : ", ";
        value += std::string(field.value());
    }
    out.body = std::move(message.body());
    return out;
}

http::response<http::string_body> to_message(Response response, bool head, bool keep_alive,
                                             unsigned version) {
    http::response<http::string_body> out(static_cast<http::status>(response.status), version);
    out.set(http::field::server, "leverd");
    out.set(http::field::content_type, response.content_type);
    out.set(http::field::cache_control, "no-store");
    out.set("X-Content-Type-Options", "nosniff");
    out.set("Cross-Origin-Resource-Policy", "same-origin");
    for (const auto& [name, value] : response.headers) {
        out.set(name, mask_known(value));
    }
    // The last door: whatever page, answer or metric this is, and whoever made it.
    response.body = mask_known(std::move(response.body));
    if (!response.stream) {
        out.content_length(response.body.size());
    }
    out.keep_alive(keep_alive);
    if (!head) {
        out.body() = std::move(response.body);
    }
    return out;
}

awaitable<bool> write_message(Stream& stream, http::response<http::string_body> message,
                              Millis limit) {
    stream.expires_after(limit);
    auto [failure, bytes] = co_await http::async_write(stream, message, tuple_token);
    co_return !failure;
}

// Closing with unread bytes resets the connection and may take our last words with it.
awaitable<void> close_politely(Stream& stream) {
    error_code ignored;
    stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    stream.expires_after(linger_for);
    std::string rest(first_read, '\0');
    std::size_t seen = 0;
    while (seen < linger_bytes_max && !co_await net::is_cancelled()) {
        auto [failure, bytes] = co_await stream.async_read_some(asio::buffer(rest), tuple_token);
        if (failure) {
            break;
        }
        seen += bytes;
    }
    stream.close();
}

std::optional<Response> complaint(const error_code& failure) {
    if (failure == http::error::header_limit) {
        return error_response(431, "the headers of the request are too large", "send fewer");
    }
    if (failure == http::error::body_limit || failure == http::error::buffer_overflow) {
        return error_response(413, "the body of the request is too large",
                              "64 KiB is the most, 256 KiB for an event");
    }
    const bool malformed =
        failure.category() == http::make_error_code(http::error::end_of_stream).category() &&
        failure != http::error::end_of_stream && failure != http::error::partial_message;
    if (malformed) {
        return error_response(400, "this is not an HTTP request: " + failure.message(),
                              "GET /api/v1/openapi.json lists what works here");
    }
    return std::nullopt;
}

bool wants_continue(const Parser& parser) {
    return beast::iequals(parser.get()[http::field::expect], "100-continue");
}

// Reads one request into `parser`. The idle time ends with the first byte; from then on the whole
// request has one deadline, so that a byte now and then does not keep a connection.
awaitable<error_code> read_request(Stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                   Millis wait, const WebLimits& limits) {
    if (buffer.size() == 0) {
        stream.expires_after(wait);
        const auto room = buffer.prepare(first_read);
        auto [failure, bytes] = co_await stream.async_read_some(room, tuple_token);
        if (failure) {
            co_return failure;
        }
        buffer.commit(bytes);
    }
    stream.expires_after(limits.request);
    auto [failure, bytes] = co_await http::async_read_header(stream, buffer, parser, tuple_token);
    if (failure) {
        co_return failure;
    }
    // Only senders of events may send much; the parser was set up for them.
    if (!parser.get().target().starts_with("/events/")) {
        if (parser.content_length().value_or(0) > limits.body_bytes) {
            co_return http::make_error_code(http::error::body_limit);
        }
        parser.body_limit(limits.body_bytes);
    }
    if (!parser.is_done() && wants_continue(parser)) {
        http::response<http::empty_body> go_on(http::status::continue_, 11);
        auto [refused, sent] = co_await http::async_write(stream, go_on, tuple_token);
        if (refused) {
            co_return refused;
        }
    }
    auto [cut, rest] = co_await http::async_read(stream, buffer, parser, tuple_token);
    co_return cut;
}

// What a stream of events waits for.
struct Feed {
    explicit Feed(const asio::any_io_executor& executor) : wake(executor) {}

    asio::steady_timer wake;
    bool dirty = true;  // the first event tells the page where it stands
    bool gone = false;
};

// A page that was closed must not hold its seat until the next write fails.
awaitable<void> watch_peer(std::shared_ptr<Stream> stream, std::shared_ptr<Feed> feed) {
    stream->expires_never();
    std::string ignored(256, '\0');
    std::size_t seen = 0;
    while (seen < first_read && !co_await net::is_cancelled()) {
        auto [failure, bytes] =
            co_await stream->async_read_some(asio::buffer(ignored), tuple_token);
        if (failure) {
            break;
        }
        seen += bytes;
    }
    feed->gone = true;
    feed->wake.cancel();
}

awaitable<bool> write_text(Stream& stream, std::string text, Millis limit) {
    stream.expires_after(limit);
    auto [failure, bytes] = co_await asio::async_write(stream, asio::buffer(text), tuple_token);
    co_return !failure;
}

awaitable<void> send_events(std::shared_ptr<Core> core, std::shared_ptr<Stream> stream) {
    const WebLimits& limits = core->options.limits;
    auto feed = std::make_shared<Feed>(stream->get_executor());
    core->tasks.spawn("web stream reader", watch_peer(stream, feed));
    std::function<void()> wake = [weak = std::weak_ptr<Feed>(feed)] {
        if (const auto alive = weak.lock()) {
            alive->dirty = true;
            alive->wake.cancel();
        }
    };
    const std::shared_ptr<void> subscription = core->backend.subscribe(std::move(wake));
    bool good = co_await write_text(*stream, "retry: 2000\n\n", limits.request);
    while (good && !feed->gone && !co_await net::is_cancelled()) {
        if (feed->dirty) {
            feed->dirty = false;
            std::string event = "event: change\ndata: {\"time\":\"" +
                                format_rfc3339(core->backend.now().wall) + "\"}\n\n";
            good = co_await write_text(*stream, std::move(event), limits.request);
            good = good && co_await net::pause(limits.coalesce);
            continue;
        }
        feed->wake.expires_after(limits.keep_alive);
        auto [woken] = co_await feed->wake.async_wait(tuple_token);
        if (!woken) {
            good = co_await write_text(*stream, ": still here\n\n", limits.request);
        }
    }
    stream->close();
}

}  // namespace

awaitable<void> session(std::shared_ptr<Core> core, AnySocket socket, Access access,
                        [[maybe_unused]] Seat seat, Counter streams) {
    const auto stream = std::make_shared<Stream>(std::move(socket));
    const WebLimits limits = core->options.limits;
    beast::flat_buffer buffer(limits.header_bytes + limits.event_bytes + first_read);
    Millis wait = limits.request;
    for (;;) {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
        parser.body_limit(limits.event_bytes);
        const error_code failure = co_await read_request(*stream, buffer, parser, wait, limits);
        if (failure) {
            auto words = complaint(failure);
            if (words) {
                auto last = to_message(std::move(*words), false, false, 11);
                const bool written =
                    co_await write_message(*stream, std::move(last), limits.request);
                if (written) {
                    co_await close_politely(*stream);
                }
            }
            co_return;
        }
        const unsigned version = parser.get().version();
        const bool head = parser.get().method() == http::verb::head;
        bool keep_alive = parser.get().keep_alive();
        Request request = to_request(parser.release());
        Response response = co_await serve(core->backend, access, std::move(request));
        const bool cancelled = co_await net::is_cancelled();
        if (cancelled) {
            co_return;
        }
        const bool streaming = response.stream && !head;
        if (streaming && *streams >= limits.streams) {
            response = error_response(503, "too many event streams are open",
                                      "close a page, or read /api/v1/status now and then");
        }
        keep_alive = keep_alive && !response.stream;
        const bool events = response.stream && !head;
        auto message = to_message(std::move(response), head, keep_alive, version);
        const bool written = co_await write_message(*stream, std::move(message), limits.request);
        if (!written) {
            co_return;
        }
        if (events) {
            const Seat stream_seat(streams);
            co_await send_events(core, stream);
            co_return;
        }
        if (!keep_alive) {
            co_await close_politely(*stream);
            co_return;
        }
        wait = limits.idle;
    }
}

awaitable<void> refuse(AnySocket socket, [[maybe_unused]] Seat seat) {
    Stream stream(std::move(socket));
    auto message = to_message(error_response(503, "too many connections are open",
                                             "close some, or try again in a moment"),
                              false, false, 11);
    const bool written = co_await write_message(stream, std::move(message), linger_for);
    if (written) {
        co_await close_politely(stream);
    }
}

}  // namespace leverd::exporters::web
