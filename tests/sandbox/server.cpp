// Why: see server.hpp. Beast's HTTP reader is instantiated here only.
#include "server.hpp"

#include "websocket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <type_traits>

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace sandbox {

namespace {

using Plain = beast::tcp_stream;
using Tls = asio::ssl::stream<beast::tcp_stream>;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kIdle{75};
constexpr std::size_t kMostSessions = 1024;

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return text;
}

Request to_request(const beast::http::request<beast::http::string_body>& from) {
    Request request;
    request.method = std::string(from.method_string());
    request.target = std::string(from.target());
    for (const auto& field : from) {
        request.headers[lower(std::string(field.name_string()))] = std::string(field.value());
    }
    request.host_header = request.header("host");
    request.host = lower(request.host_header.substr(0, request.host_header.rfind(':')));
    request.body = from.body();
    return request;
}

std::string head_of(const Reply& reply, bool chunked, bool close) {
    std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " " +
                      reason_phrase(reply.status) + "\r\nServer: sandbox\r\n";
    if (!reply.content_type.empty()) {
        out += "Content-Type: " + reply.content_type + "\r\n";
    }
    for (const auto& [name, value] : reply.headers) {
        out += name + ": " + value + "\r\n";
    }
    if (chunked) {
        out += "Transfer-Encoding: chunked\r\n";
    } else if (reply.status != 204 && reply.status != 304) {
        out += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    }
    if (close) {
        out += "Connection: close\r\n";
    }
    return out + "\r\n";
}

asio::awaitable<void> pause(int milliseconds) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(std::chrono::milliseconds(milliseconds));
    co_await timer.async_wait(kToken);
}

template <class Stream>
asio::awaitable<bool> send(Stream& stream, const std::string& bytes) {
    beast::get_lowest_layer(stream).expires_after(kIdle);
    const auto [failure, size] = co_await asio::async_write(stream, asio::buffer(bytes), kToken);
    co_return !failure && size == bytes.size();
}

// One byte each 100 ms until the client has had enough.
template <class Stream>
asio::awaitable<void> drip(Stream& stream, std::string bytes) {
    for (const char byte : bytes) {
        const std::string one(1, byte);
        const bool sent = co_await send(stream, one);
        if (!sent) {
            co_return;
        }
        co_await pause(100);
    }
}

template <class Stream>
asio::awaitable<void> flood(Stream& stream) {
    const std::string chunk = "10000\r\n" + std::string(0x10000, ' ') + "\r\n";
    for (bool open = true; open;) {
        open = co_await send(stream, chunk);
    }
}

// Silence until the client hangs up.
template <class Stream>
asio::awaitable<void> wait_for_end(Stream& stream) {
    std::string ignored(1024, '\0');
    for (bool open = true; open;) {
        beast::get_lowest_layer(stream).expires_after(kIdle);
        const auto [failure, size] = co_await stream.async_read_some(asio::buffer(ignored), kToken);
        open = !failure && size > 0;
    }
}

// Sends a reply that is not `normal`; the connection ends afterwards, whatever happened.
template <class Stream>
asio::awaitable<void> misbehave(Stream& stream, Reply reply) {
    const std::string head = head_of(reply, reply.wire == Wire::endless_body, false);
    switch (reply.wire) {
        case Wire::normal:
        case Wire::cut:
            break;
        case Wire::hang:
            co_await wait_for_end(stream);
            break;
        case Wire::cut_header:
            co_await send(stream, head.substr(0, head.size() / 2));
            break;
        case Wire::cut_body:
            co_await send(stream, head + reply.body.substr(0, reply.body.size() / 2));
            break;
        case Wire::slow_header:
            co_await drip(stream, head);
            break;
        case Wire::slow_body: {
            const bool answered = co_await send(stream, head);
            if (answered) {
                co_await drip(stream, reply.body);
            }
            break;
        }
        case Wire::endless_body: {
            const bool answered = co_await send(stream, head);
            if (answered) {
                co_await flood(stream);
            }
            break;
        }
        case Wire::huge_header:
            co_await send(stream, head.substr(0, head.size() - 2) + "X-Padding: " +
                                      std::string(1 << 20, 'p') + "\r\n\r\n" + reply.body);
            break;
    }
}

// One request and its reply; false when the connection is over.
template <class Stream>
asio::awaitable<bool> exchange(Stream& stream, beast::flat_buffer& buffer, Front* front) {
    beast::http::request_parser<beast::http::string_body> parser;
    parser.header_limit(32 * 1024);
    parser.body_limit(8U << 20);
    beast::get_lowest_layer(stream).expires_after(kIdle);
    const auto [failure, size] = co_await beast::http::async_read(stream, buffer, parser, kToken);
    if (failure || size == 0 || !front->reachable()) {
        co_return false;
    }
    Request request = to_request(parser.get());
    Reply reply = front->handle(request);
    if (reply.delay_ms > 0) {
        co_await pause(reply.delay_ms);
    }
    if constexpr (std::is_same_v<Stream, Tls>) {
        if (reply.audience) {
            auto upgrade = parser.release();
            auto audience = std::move(reply.audience);
            co_await serve_frames(&stream, std::move(upgrade), std::move(audience));
            co_return false;
        }
    }
    if (reply.wire != Wire::normal || !front->reachable()) {
        co_await misbehave(stream, std::move(reply));
        co_return false;
    }
    const bool keep = parser.get().keep_alive() && !reply.close;
    std::string bytes = head_of(reply, false, !keep);
    if (request.method != "HEAD") {
        bytes += reply.body;
    }
    const bool sent = co_await send(stream, bytes);
    co_return sent&& keep;
}

template <class Stream>
asio::awaitable<void> exchanges(Stream& stream, Front* front) {
    beast::flat_buffer buffer;
    for (bool open = true; open;) {
        open = co_await exchange(stream, buffer, front);
    }
}

std::size_t& sessions() {
    static std::size_t count = 0;
    return count;
}

// Counts a session for as long as its coroutine lives.
struct Counted {
    Counted() { ++sessions(); }
    ~Counted() { --sessions(); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
};

asio::awaitable<void> tls_session(asio::ip::tcp::socket socket, asio::ssl::context* context,
                                  Front* front) {
    const Counted counted;
    Tls stream(Plain(std::move(socket)), *context);
    beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(10));
    const auto [failure] = co_await stream.async_handshake(Tls::server, kToken);
    if (!failure) {
        co_await exchanges(stream, front);
    }
}

asio::awaitable<void> plain_session(asio::ip::tcp::socket socket, Front* front) {
    const Counted counted;
    Plain stream(std::move(socket));
    co_await exchanges(stream, front);
}

int on_server_name(SSL* ssl, int* alert, void* argument) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const Front* front = static_cast<const Front*>(argument);
    if (name != nullptr && front->refuse(lower(name))) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void prepare_tls(asio::ssl::context& context, const std::string& certificate_pem,
                 const std::string& key_pem, Front* front) {
    context.use_certificate_chain(asio::buffer(certificate_pem));
    context.use_private_key(asio::buffer(key_pem), asio::ssl::context::pem);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_tlsext_servername_callback(context.native_handle(), on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context.native_handle(), front);
}

asio::awaitable<void> listen_tls(asio::ip::tcp::acceptor acceptor, asio::ssl::context* context,
                                 Front* front) {
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(kToken);
        if (failure == asio::error::operation_aborted) {
            co_return;
        }
        if (failure) {
            co_await pause(50);  // out of descriptors: give them time to come back
            continue;
        }
        // A socket that leaves this scope unused is a connection cut at accept.
        if (!front->reachable() || sessions() >= kMostSessions) {
            continue;
        }
        asio::co_spawn(acceptor.get_executor(), tls_session(std::move(socket), context, front),
                       Ended{});
    }
}

asio::awaitable<void> listen_plain(asio::ip::tcp::acceptor acceptor, Front* front) {
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(kToken);
        if (failure == asio::error::operation_aborted) {
            co_return;
        }
        if (failure) {
            co_await pause(50);
        } else if (sessions() < kMostSessions) {
            asio::co_spawn(acceptor.get_executor(), plain_session(std::move(socket), front),
                           Ended{});
        }
    }
}

void Ended::operator()(std::exception_ptr failure) const {
    if (!failure) {
        return;
    }
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sandbox: %s\n", error.what());
    }
    std::abort();
}

}  // namespace sandbox
