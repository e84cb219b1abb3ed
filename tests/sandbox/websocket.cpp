// Why: see websocket.hpp.
#include "websocket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "server.hpp"

namespace sandbox {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

using Tls = asio::ssl::stream<beast::tcp_stream>;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

struct Session {
    explicit Session(Tls& stream) : socket(stream), news(stream.get_executor()) {}
    beast::websocket::stream<Tls&, false> socket;
    asio::steady_timer news;  // never expires; cancelled when there is something to do
    bool read_ended = false;
};

asio::awaitable<void> read_all(std::shared_ptr<Session> session) {
    beast::flat_buffer ignored;
    for (bool open = true; open;) {
        const auto [failure, size] = co_await session->socket.async_read(ignored, kToken);
        open = !failure;
        ignored.consume(size);
    }
    session->read_ended = true;
    session->news.cancel();
}

asio::awaitable<void> wait_for_news(Session* session) {
    session->news.expires_at(asio::steady_timer::time_point::max());
    co_await session->news.async_wait(kToken);
}

}  // namespace

asio::awaitable<void> serve_frames(Tls* stream,
                                   beast::http::request<beast::http::string_body> upgrade,
                                   std::shared_ptr<Audience> audience) {
    beast::get_lowest_layer(*stream).expires_never();
    const auto session = std::make_shared<Session>(*stream);
    const auto [refused] = co_await session->socket.async_accept(upgrade, kToken);
    if (refused) {
        co_return;
    }
    session->socket.read_message_max(64 * 1024);
    Session* const now = session.get();
    audience->wake = [now] { now->news.cancel(); };
    asio::co_spawn(stream->get_executor(), read_all(session), Ended{});
    while (!audience->over && !session->read_ended) {
        if (audience->frames.empty()) {
            co_await wait_for_news(now);
            continue;
        }
        const std::string frame = std::move(audience->frames.front());
        audience->frames.pop_front();
        const auto [failure, size] =
            co_await session->socket.async_write(asio::buffer(frame), kToken);
        audience->over = audience->over || failure || size != frame.size();
    }
    audience->wake = nullptr;
    audience->over = true;
    beast::get_lowest_layer(*stream).close();
    while (!session->read_ended) {
        co_await wait_for_news(now);
    }
}

}  // namespace sandbox
