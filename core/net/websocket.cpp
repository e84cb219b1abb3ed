// Why: see websocket.hpp. The only file of leverd that instantiates Beast's WebSocket, and it does
// so once: Wire hides whether there is TLS below.
#include "core/net/websocket.hpp"

#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/guard.hpp"
#include "core/net/opener.hpp"
#include "core/net/request.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <exception>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using Why = WebSocketEnd::Why;

// The stream is kept by who works on it: Beast may be gone before the last operation is.
asio::awaitable<Transferred> read_kept(std::shared_ptr<Stream> stream, asio::mutable_buffer room) {
    co_return co_await stream->read_some(room);
}

asio::awaitable<Transferred> write_kept(std::shared_ptr<Stream> stream, asio::const_buffer data) {
    co_return co_await stream->write(data);
}

// One operation on a Stream, as Beast wants to wait for it.
struct Step {
    std::shared_ptr<Stream> stream;
    asio::mutable_buffer room;
    asio::const_buffer data;

    template <class Self>
    void operator()(Self& self) {
        const auto executor = stream->socket().get_executor();
        auto task = room.size() > 0 ? read_kept(stream, room) : write_kept(stream, data);
        asio::co_spawn(executor, std::move(task), std::move(self));
    }
    template <class Self>
    void operator()(Self& self, std::exception_ptr thrown, Transferred done) {
        const error_code ec = thrown ? error_code(asio::error::operation_aborted) : done.ec;
        self.complete(ec, done.bytes);
    }
};

// The first part of a buffer sequence that holds anything.
template <class Buffer, class Sequence>
Buffer first_of(const Sequence& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers);
         ++at) {
        const Buffer part(*at);
        if (part.size() > 0) {
            return part;
        }
    }
    return Buffer{};
}

// What Beast calls a stream.
class Wire {
  public:
    using executor_type = asio::any_io_executor;

    explicit Wire(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}

    executor_type get_executor() { return stream_->socket().get_executor(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        Step step{stream_, first_of<asio::mutable_buffer>(buffers), {}};
        return asio::async_compose<Token, void(error_code, std::size_t)>(std::move(step), token,
                                                                         get_executor());
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        Step step{stream_, {}, first_of<asio::const_buffer>(buffers)};
        return asio::async_compose<Token, void(error_code, std::size_t)>(std::move(step), token,
                                                                         get_executor());
    }

    void close() {
        error_code ignored;
        stream_->socket().close(ignored);
    }

  private:
    std::shared_ptr<Stream> stream_;
};

// Beast finds these two by name.
void beast_close_socket(Wire& wire) {
    wire.close();
}

template <class Handler>
void async_teardown(beast::role_type, Wire& wire, Handler&& handler) {
    wire.close();
    asio::post(wire.get_executor(),
               beast::bind_front_handler(std::forward<Handler>(handler), error_code{}));
}

WebSocketEnd end_of(const Fault& fault) {
    return {Why::unreachable, sanitize(fault.detail, 300)};
}

// What ended an operation, the owner and the deadline asked first.
WebSocketEnd end_of(const error_code& ec, const Guard& guard,
                    const asio::cancellation_state& owner) {
    if (is_cancelled(owner)) {
        return {Why::stopped, "stopped"};
    }
    if (guard.stopped(Phase::body) || ec == beast::error::timeout) {
        return {Why::silent, "silent for too long"};
    }
    if (ec == websocket::error::closed) {
        return {Why::ended, "closed by the other side"};
    }
    const bool overflow = ec == websocket::error::buffer_overflow;
    if (overflow || ec == websocket::error::message_too_big ||
        ec == websocket::condition::protocol_violation ||
        ec == websocket::error::bad_frame_payload) {
        return {Why::bad, sanitize(ec.message(), 120)};
    }
    if (ec == asio::error::operation_aborted) {
        return {Why::stopped, "stopped"};
    }
    return {Why::ended, sanitize(ec.message(), 120)};
}

class BeastWebSocket final : public WebSocket {
  public:
    BeastWebSocket(std::shared_ptr<Stream> stream, const WebSocketRequest& request,
                   const std::string& user_agent, Deadline deadline)
        : stream_(stream), socket_(Wire(std::move(stream))), buffer_(request.message_limit) {
        websocket::stream_base::timeout times{};
        times.handshake_timeout =
            std::max<Deadline::duration>(deadline - std::chrono::steady_clock::now(), Millis{1});
        times.idle_timeout = request.idle;
        times.keep_alive_pings = true;
        socket_.set_option(times);
        socket_.read_message_max(request.message_limit);
        const auto decorate = [headers = request.headers, user_agent](websocket::request_type& r) {
            r.set(beast::http::field::user_agent, user_agent);
            for (const auto& [name, value] : headers) {
                r.set(name, value);
            }
        };
        socket_.set_option(websocket::stream_base::decorator(decorate));
    }

    ~BeastWebSocket() override {
        error_code ignored;
        stream_->socket().close(ignored);
    }

    asio::awaitable<std::optional<WebSocketEnd>> shake_hands(const Target* target,
                                                             Deadline deadline) {
        const auto owner = co_await asio::this_coro::cancellation_state;
        const Guard guard(socket_.get_executor(), deadline, stream_->socket(), owner);
        websocket::response_type answer;
        const auto [ec] =
            co_await socket_.async_handshake(answer, target->authority, target->path, tuple_token);
        if (!ec) {
            co_return std::nullopt;
        }
        WebSocketEnd end = end_of(ec, guard, owner);
        if (ec == websocket::error::upgrade_declined) {
            end.detail = "the answer to the upgrade was " + std::to_string(answer.result_int());
        }
        if (end.why == Why::bad || end.why == Why::ended) {
            end.why = Why::refused;
        }
        co_return end;
    }

    asio::awaitable<WebSocketResult<std::string>> read(Deadline deadline) override {
        const auto owner = co_await asio::this_coro::cancellation_state;
        const Guard guard(socket_.get_executor(), deadline, stream_->socket(), owner);
        if (is_cancelled(owner)) {
            co_return WebSocketEnd{Why::stopped, "stopped"};
        }
        buffer_.clear();
        const auto [ec, bytes] = co_await socket_.async_read(buffer_, tuple_token);
        if (ec) {
            co_return end_of(ec, guard, owner);
        }
        if (!socket_.got_text()) {
            co_return WebSocketEnd{Why::bad, "a binary message"};
        }
        co_return beast::buffers_to_string(buffer_.data());
    }

    asio::awaitable<void> close(Deadline deadline) override {
        const auto owner = co_await asio::this_coro::cancellation_state;
        const Guard guard(socket_.get_executor(), deadline, stream_->socket(), owner);
        if (socket_.is_open()) {
            const websocket::close_reason reason(websocket::close_code::going_away);
            co_await socket_.async_close(reason, tuple_token);
        }
        error_code ignored;
        stream_->socket().close(ignored);
    }

  private:
    std::shared_ptr<Stream> stream_;
    websocket::stream<Wire, false> socket_;  // false: no compression, so no bombs
    beast::flat_buffer buffer_;
};

asio::awaitable<WebSocketResult<std::shared_ptr<WebSocket>>> connect_steps(
    Opener* opener, const WebSocketRequest* request, Deadline deadline) {
    HttpRequest checked;
    checked.url = request->url;
    checked.headers = request->headers;
    const auto target = parse_target(request->url);
    if (!target) {
        co_return end_of(target.error());
    }
    if (auto bytes = serialize(checked, *target, opener->options().user_agent); !bytes) {
        co_return end_of(bytes.error());
    }
    Phases phases;
    Opener::Where where{target->host, target->port, target->tls, target->host};
    auto opened = co_await opener->open(std::move(where), deadline, &phases);
    if (!opened) {
        const bool cancelled = co_await is_cancelled();
        co_return cancelled ? WebSocketEnd{Why::stopped, "stopped"} : end_of(opened.error());
    }
    auto socket =
        std::make_shared<BeastWebSocket>(std::shared_ptr<Stream>(std::move(*opened)), *request,
                                         opener->options().user_agent, deadline);
    const Target& to = *target;
    auto refused = co_await socket->shake_hands(&to, deadline);
    if (refused) {
        co_return std::move(*refused);
    }
    std::shared_ptr<WebSocket> result = std::move(socket);
    co_return std::move(result);
}

asio::awaitable<WebSocketResult<std::shared_ptr<WebSocket>>> connect_whole(
    std::shared_ptr<Opener> opener, WebSocketRequest request, Deadline deadline) {
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    std::optional<WebSocketResult<std::shared_ptr<WebSocket>>> result;
    try {
        auto steps = co_await connect_steps(opener.get(), &request, deadline);
        result.emplace(std::move(steps));
    } catch (const std::exception& e) {
        result.emplace(WebSocketEnd{Why::unreachable, sanitize(e.what(), 120)});
    }
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return std::move(*result);
}

class NetWebSocketClient final : public WebSocketClient {
  public:
    NetWebSocketClient(asio::any_io_executor executor, const TransportOptions& options)
        : opener_(std::make_shared<Opener>(std::move(executor), options)) {}

    asio::awaitable<WebSocketResult<std::shared_ptr<WebSocket>>> connect(
        WebSocketRequest request, Deadline deadline) override {
        return connect_whole(opener_, std::move(request), deadline);
    }

  private:
    std::shared_ptr<Opener> opener_;
};

}  // namespace

std::unique_ptr<WebSocketClient> make_websocket_client(asio::any_io_executor executor,
                                                       const TransportOptions& options) {
    return std::make_unique<NetWebSocketClient>(std::move(executor), options);
}

}  // namespace leverd::net
