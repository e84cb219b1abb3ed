// Why: one connection from its first request to its last answer, and the stream of events. It moves
// bytes under limits; what they mean is decided by the router.
#include "exporters/web/connection.hpp"

#include "core/base/redact.hpp"
#include "core/model/codec.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "exporters/web/intake.hpp"
#include "exporters/web/router.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>

namespace leverd::exporters::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::awaitable;
using boost::system::error_code;
using net::tuple_token;

// A sender is told why its body was refused while it still sends; that much of it is thrown away.
constexpr std::size_t linger_bytes_max = 32U << 20;
constexpr Millis linger_for{1'000};
constexpr std::size_t some_bytes = 4096;
constexpr std::size_t history_waiting_max = 16;
constexpr std::size_t views_waiting_max = 64;   // mostly shared: one per address and query
constexpr std::size_t scrapes_waiting_max = 1;  // always shared
constexpr Millis reserved_wait{2'000};

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
    std::string rest(some_bytes * 16, '\0');
    std::size_t seen = 0;
    bool over = co_await net::is_cancelled();
    while (seen < linger_bytes_max && !over) {
        auto [failure, bytes] = co_await stream.async_read_some(asio::buffer(rest), tuple_token);
        const bool cancelled = co_await net::is_cancelled();
        over = failure || cancelled;
        seen += bytes;
    }
    stream.close();
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
    bool over = co_await net::is_cancelled();
    while (seen < some_bytes && !over) {
        auto [failure, bytes] =
            co_await stream->async_read_some(asio::buffer(ignored), tuple_token);
        const bool cancelled = co_await net::is_cancelled();
        over = failure || cancelled;
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

// Whoever had to show a token to get here shows it again when the tokens are others: the page
// connects anew by itself.
struct Shown {
    bool needed = false;
    std::shared_ptr<const ApiTokens> tokens;
};

awaitable<void> send_events(std::shared_ptr<Core> core, std::shared_ptr<Stream> stream,
                            Shown shown) {
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
    bool over = co_await net::is_cancelled();
    while (good && !feed->gone && !over &&
           (!shown.needed || shown.tokens == core->options.tokens)) {
        if (feed->dirty) {
            feed->dirty = false;
            std::string event = "event: change\ndata: {\"time\":\"" +
                                format_rfc3339(core->backend.now().wall) + "\"}\n\n";
            good = co_await write_text(*stream, std::move(event), limits.request);
            const bool rested = co_await net::pause(limits.coalesce);
            good = good && rested;
            over = co_await net::is_cancelled();
            continue;
        }
        feed->wake.expires_after(limits.keep_alive);
        auto [woken] = co_await feed->wake.async_wait(tuple_token);
        if (!woken) {
            good = co_await write_text(*stream, ": still here\n\n", limits.request);
        }
        over = co_await net::is_cancelled();
    }
    stream->close();
}

awaitable<void> send_refusal(Core& core, Stream& stream, Incoming incoming) {
    const int status = incoming.refusal->status;
    ++core.figures.bad_requests[status];
    if (status == 413) {
        count_too_large(core.backend, incoming.request.target);
    }
    auto last = to_message(std::move(*incoming.refusal), false, false, 11);
    const bool written =
        co_await write_message(stream, std::move(last), core.options.limits.request);
    if (written) {
        co_await close_politely(stream);
    }
}

Service service_of(Core& core) {
    Service out;
    out.views = &core.views;
    out.history = &core.history;
    out.scrapes = &core.scrapes;
    out.worker = &core.worker;
    out.throttle = &core.throttle;
    out.figures = &core.figures;
    return out;
}

enum class After { next_request, close, stream };

// Answers one request; what to do with the connection afterwards.
awaitable<After> answer(Core& core, Stream& stream, Incoming incoming, const Access& access,
                        Seat& seat, Counter streams) {
    seat.enter(Seat::Phase::serving, core.backend.now().at);
    Access now_access = access;
    now_access.tokens = core.options.tokens;
    Response response =
        co_await serve(core.backend, std::move(now_access), std::move(incoming.request),
                       service_of(core), seat.reserved());
    const bool cancelled = co_await net::is_cancelled();
    if (cancelled) {
        co_return After::close;
    }
    const bool streaming = response.stream && !incoming.head;
    if (streaming && *streams >= core.options.limits.streams) {
        response = error_response(503, "too many event streams are open",
                                  "close a page, or read /api/v1/status now and then");
    }
    const bool keep_alive = incoming.keep_alive && !response.stream && !seat.reserved();
    const bool events = response.stream && !incoming.head;
    auto message = to_message(std::move(response), incoming.head, keep_alive, incoming.version);
    seat.enter(Seat::Phase::writing, core.backend.now().at);
    const bool written =
        co_await write_message(stream, std::move(message), core.options.limits.request);
    if (!written) {
        co_return After::close;
    }
    if (events) {
        seat.enter(Seat::Phase::serving, core.backend.now().at);
        co_return After::stream;
    }
    if (!keep_alive) {
        seat.enter(Seat::Phase::waiting, core.backend.now().at);
        co_await close_politely(stream);
        co_return After::close;
    }
    co_return After::next_request;
}

}  // namespace

Core::Core(const asio::any_io_executor& executor, net::TaskGroup& group, Backend& door,
           WebOptions given)
    : tasks(group),
      backend(door),
      options(std::move(given)),
      views(executor, group, "web views", views_waiting_max),
      history(executor, group, "web history", history_waiting_max),
      scrapes(executor, group, "web scrapes", scrapes_waiting_max) {}

awaitable<void> session(std::shared_ptr<Core> core, AnySocket socket, Access access,
                        std::unique_ptr<Seat> seat, Counter streams) {
    const auto stream = std::make_shared<Stream>(std::move(socket));
    seat->on_leave([weak = std::weak_ptr<Stream>(stream)] {
        if (const auto alive = weak.lock()) {
            alive->close();
        }
    });
    const WebLimits limits = core->options.limits;
    beast::flat_buffer buffer(limits.header_bytes + limits.event_bytes + some_bytes);
    Millis wait = seat->reserved() ? std::min(reserved_wait, limits.header) : limits.header;
    After after = After::next_request;
    Shown shown;
    shown.needed = !access.unix_socket && !access.loopback;
    while (after == After::next_request && !seat->gone()) {
        seat->enter(Seat::Phase::waiting, core->backend.now().at);
        Incoming incoming = co_await read_request(*stream, buffer, wait, limits);
        if (incoming.ended || seat->gone()) {
            co_return;
        }
        if (incoming.refusal) {
            co_await send_refusal(*core, *stream, std::move(incoming));
            co_return;
        }
        shown.tokens = core->options.tokens;
        after = co_await answer(*core, *stream, std::move(incoming), access, *seat, streams);
        wait = limits.idle;
    }
    if (after == After::stream) {
        const Counted one_stream(streams);
        co_await send_events(core, stream, std::move(shown));
    }
}

awaitable<void> refuse(AnySocket socket, [[maybe_unused]] Counted seat) {
    Stream stream(std::move(socket));
    auto message = to_message(busy_response(), false, false, 11);
    const bool written = co_await write_message(stream, std::move(message), linger_for);
    if (written) {
        co_await close_politely(stream);
    }
}

}  // namespace leverd::exporters::web
