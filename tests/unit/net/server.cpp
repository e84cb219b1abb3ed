// Why: see server.hpp.
#include "tests/unit/net/server.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <cstdlib>

namespace leverd::net::test {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

Peer::Peer(Server& owner, tcp::socket socket, asio::ssl::context* tls)
    : server(owner), plain_(std::move(socket)) {
    if (tls != nullptr) {
        tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(plain_, *tls);
    }
}

asio::awaitable<bool> Peer::handshake() {
    if (!tls_) {
        co_return true;
    }
    const auto [ec] = co_await tls_->async_handshake(asio::ssl::stream_base::server, tuple_token);
    if (!ec && SSL_session_reused(tls_->native_handle()) == 1) {
        ++server.resumed;
    }
    co_return !ec;
}

asio::awaitable<bool> Peer::receive() {
    std::string room(4096, '\0');
    const auto buffer = asio::buffer(room);
    boost::system::error_code failed;
    std::size_t got = 0;
    if (tls_) {
        std::tie(failed, got) = co_await tls_->async_read_some(buffer, tuple_token);
    } else {
        std::tie(failed, got) = co_await plain_.async_read_some(buffer, tuple_token);
    }
    pending_.append(room, 0, got);
    co_return !failed;
}

asio::awaitable<bool> Peer::anything() {
    pending_.clear();
    return receive();
}

asio::awaitable<std::string> Peer::request() {
    while (true) {
        const auto end = pending_.find("\r\n\r\n");
        if (end != std::string::npos) {
            std::size_t whole = end + 4;
            const auto length = pending_.find("Content-Length: ");
            if (length < end) {
                whole += static_cast<std::size_t>(std::atoi(pending_.c_str() + length + 16));
            }
            if (pending_.size() >= whole) {
                std::string result = pending_.substr(0, whole);
                pending_.erase(0, whole);
                server.requests.push_back(result);
                co_return result;
            }
        }
        const bool more = co_await receive();
        if (!more) {
            co_return std::string();
        }
    }
}

asio::awaitable<void> Peer::send(std::string bytes) {
    const auto buffer = asio::buffer(bytes);
    // Asio lets a second write to a broken connection wait for ever, so the first error is the
    // last.
    if (broken_) {
        co_return;
    }
    if (tls_) {
        const auto [ec, n] = co_await asio::async_write(*tls_, buffer, tuple_token);
        broken_ = ec.failed();
    } else {
        const auto [ec, n] = co_await asio::async_write(plain_, buffer, tuple_token);
        broken_ = ec.failed();
    }
}

asio::awaitable<void> Peer::wait(Millis d) {
    co_await pause(d);
}

asio::awaitable<void> Peer::hold() {
    co_await pause(std::chrono::hours(1));
}

void Peer::reset() {
    boost::system::error_code ignored;
    plain_.set_option(asio::socket_base::linger(true, 0), ignored);
    plain_.close(ignored);
}

asio::awaitable<void> Peer::close_tls() {
    if (tls_) {
        co_await tls_->async_shutdown(tuple_token);
    }
}

Server::Server(Loop& loop, Behaviour behaviour, asio::ssl::context* tls)
    : loop_(loop),
      behaviour_(behaviour),
      tls_(tls),
      acceptor_(loop.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()),
      tasks_(loop.io.get_executor(), nullptr) {
    tasks_.spawn("accept", accept_all());
}

Server::~Server() {
    tasks_.cancel();
    loop_.turn_until([this] { return tasks_.size() == 0; });
}

std::string Server::url(const std::string& path) const {
    return (tls_ != nullptr ? "https://localhost:" : "http://localhost:") + std::to_string(port_) +
           path;
}

asio::awaitable<void> Server::accept_all() {
    const auto owner = co_await asio::this_coro::cancellation_state;
    while (!is_cancelled(owner)) {
        auto [ec, socket] = co_await acceptor_.async_accept(tuple_token);
        if (ec) {
            continue;
        }
        auto peer = std::make_shared<Peer>(*this, std::move(socket), tls_);
        peer->number = ++connections;
        tasks_.spawn("peer", serve(peer));
    }
}

asio::awaitable<void> Server::serve(std::shared_ptr<Peer> peer) {
    const bool open = co_await peer->handshake();
    if (open) {
        co_await behaviour_(*peer);
    }
}

std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

asio::awaitable<void> answer_always(Peer& peer) {
    while (true) {
        const std::string request = co_await peer.request();
        if (request.empty()) {
            co_return;
        }
        co_await peer.send(ok(request.starts_with("HEAD ") ? "" : "ok"));
    }
}

asio::awaitable<void> send_and_hold(Peer& peer, std::string bytes) {
    co_await peer.request();
    co_await peer.send(std::move(bytes));
    co_await peer.hold();
}

asio::awaitable<void> send_and_close(Peer& peer, std::string bytes) {
    co_await peer.request();
    co_await peer.send(std::move(bytes));
}

}  // namespace leverd::net::test
