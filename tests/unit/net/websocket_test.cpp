// Why: a stream is open for days to a process that somebody else wrote. Whatever it sends or
// withholds must end in a named way, in time, and leave nothing behind.
#include "core/net/websocket.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "tests/catch.hpp"
#include "tests/unit/net/certificates.hpp"
#include "tests/unit/net/client.hpp"
#include "tests/unit/net/server.hpp"

#include <openssl/evp.h>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Loop;
using test::Peer;
using test::Server;
using Why = WebSocketEnd::Why;

const char* name_of(Why why) {
    switch (why) {
        case Why::unreachable:
            return "unreachable";
        case Why::refused:
            return "refused";
        case Why::bad:
            return "bad";
        case Why::silent:
            return "silent";
        case Why::ended:
            return "ended";
        case Why::stopped:
            return "stopped";
    }
    return "";
}

// What the server must answer to the client's key.
std::string accept_key(const std::string& request) {
    const auto at = request.find("Sec-WebSocket-Key: ");
    const std::string key = request.substr(at + 19, 24) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(key.data(), key.size(), digest, &size, EVP_sha1(), nullptr);
    std::string out(32, '\0');
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), digest, int(size));
    out.resize(static_cast<std::size_t>(length));
    return out;
}

std::string switching(const std::string& request) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           accept_key(request) + "\r\n\r\n";
}

// An unmasked frame of less than 126 bytes.
std::string frame(unsigned char first, const std::string& payload) {
    std::string out(1, static_cast<char>(first));
    out += static_cast<char>(payload.size());
    return out + payload;
}

constexpr unsigned char text = 0x81;

asio::awaitable<void> upgrade_then(Peer& peer, std::string bytes, bool hold) {
    const std::string request = co_await peer.request();
    co_await peer.send(switching(request) + bytes);
    if (hold) {
        co_await peer.hold();
    }
}

asio::awaitable<void> cut_at_once(Peer& peer) {
    peer.reset();
    co_return;
}
asio::awaitable<void> cut_in_handshake(Peer& peer) {
    co_await test::send_and_close(peer, "HTTP/1.1 101 Switching Proto");
}
asio::awaitable<void> silent_in_handshake(Peer& peer) {
    co_await peer.request();
    co_await peer.hold();
}
asio::awaitable<void> dripping_handshake(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 101 Switching Protocols\r\nX: ");
    for (int i = 0; i < 10'000; ++i) {
        co_await peer.wait(10ms);
        co_await peer.send("x");
    }
}
asio::awaitable<void> wrong_key(Peer& peer) {
    co_await peer.request();
    co_await peer.send(switching("Sec-WebSocket-Key: 0123456789012345678901=="));
    co_await peer.hold();
}
asio::awaitable<void> forbidden(Peer& peer) {
    co_await test::send_and_hold(peer, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
}
asio::awaitable<void> splash(Peer& peer) {
    co_await test::send_and_hold(peer, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>");
}
asio::awaitable<void> endless_answer(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 10'000; ++i) {
        co_await peer.send("1000\r\n" + std::string(4096, 'x') + "\r\n");
    }
}
asio::awaitable<void> huge_header(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 101 Switching Protocols\r\nX: " + std::string(1 << 20, 'x'));
    co_await peer.hold();
}
asio::awaitable<void> no_http(Peer& peer) {
    co_await test::send_and_hold(peer, "220 mail.test ESMTP\r\n");
}

asio::awaitable<void> junk(Peer& peer) {
    co_await upgrade_then(peer, "<!doctype html><title>hello</title>", true);
}
asio::awaitable<void> much_junk(Peer& peer) {
    co_await upgrade_then(peer, std::string(1 << 20, '\xff'), true);
}
asio::awaitable<void> huge_frame(Peer& peer) {
    std::string head("\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", 10);
    co_await upgrade_then(peer, head + std::string(4096, 'x'), true);
}
asio::awaitable<void> one_byte_too_many(Peer& peer) {
    std::string head("\x81\x7e\x04\x01", 4);
    co_await upgrade_then(peer, head + std::string(1025, 'x'), true);
}
asio::awaitable<void> fragments_that_grow(Peer& peer) {
    const std::string request = co_await peer.request();
    co_await peer.send(switching(request) + frame(0x01, "x"));
    for (int i = 0; i < 10'000; ++i) {
        co_await peer.send(frame(0x00, std::string(100, 'x')));
    }
}
asio::awaitable<void> empty_fragments(Peer& peer) {
    const std::string request = co_await peer.request();
    co_await peer.send(switching(request) + frame(0x01, "x"));
    for (int i = 0; i < 10'000; ++i) {
        co_await peer.send(frame(0x00, ""));
        co_await peer.wait(1ms);
    }
}
asio::awaitable<void> pings_for_ever(Peer& peer) {
    const std::string request = co_await peer.request();
    co_await peer.send(switching(request));
    for (int i = 0; i < 10'000; ++i) {
        co_await peer.send(frame(0x89, "ping"));
        co_await peer.wait(1ms);
    }
}
asio::awaitable<void> masked(Peer& peer) {
    std::string head("\x81\x82\x01\x02\x03\x04", 6);
    co_await upgrade_then(peer, head + "xx", true);
}
asio::awaitable<void> no_utf8(Peer& peer) {
    co_await upgrade_then(peer, frame(text, "\xc3\x28"), true);
}
asio::awaitable<void> binary(Peer& peer) {
    co_await upgrade_then(peer, frame(0x82, "{}"), true);
}
asio::awaitable<void> reserved_bits(Peer& peer) {
    co_await upgrade_then(peer, frame(0xc1, "{}"), true);
}
asio::awaitable<void> half_a_frame(Peer& peer) {
    co_await upgrade_then(peer, std::string("\x81\x10{\"ev", 6), false);
}
asio::awaitable<void> closes(Peer& peer) {
    co_await upgrade_then(peer, frame(0x88, std::string("\x03\xe8", 2)), true);
}
asio::awaitable<void> resets(Peer& peer) {
    const std::string request = co_await peer.request();
    co_await peer.send(switching(request));
    co_await peer.wait(20ms);
    peer.reset();
}
asio::awaitable<void> no_pong(Peer& peer) {
    co_await upgrade_then(peer, "", true);
}

struct Case {
    const char* name;
    test::Behaviour behaviour;
    const char* end;
};

const std::vector<Case> cases{
    {"cut at once", cut_at_once, "refused"},
    {"cut in the handshake", cut_in_handshake, "refused"},
    {"silent in the handshake", silent_in_handshake, "silent"},
    {"dripping handshake", dripping_handshake, "silent"},
    {"wrong key", wrong_key, "refused"},
    {"403", forbidden, "refused"},
    {"splash page", splash, "refused"},
    {"endless answer", endless_answer, "refused"},
    {"huge header", huge_header, "refused"},
    {"no HTTP", no_http, "refused"},
    {"junk", junk, "bad"},
    {"much junk", much_junk, "bad"},
    {"huge frame", huge_frame, "bad"},
    {"one byte too many", one_byte_too_many, "bad"},
    {"fragments that grow", fragments_that_grow, "bad"},
    {"empty fragments", empty_fragments, "silent"},
    {"pings for ever", pings_for_ever, "silent"},
    {"masked", masked, "bad"},
    {"no UTF-8", no_utf8, "bad"},
    {"binary", binary, "bad"},
    {"reserved bits", reserved_bits, "bad"},
    {"half a frame", half_a_frame, "ended"},
    {"closes", closes, "ended"},
    {"resets", resets, "ended"},
    {"no pong", no_pong, "silent"},
};

WebSocketRequest request_to(const Server& server) {
    WebSocketRequest request;
    request.url = server.url("/ws");
    request.headers = {{"X-Molecule-Org-Id", "org"}};
    request.message_limit = 1024;
    return request;
}

// How a stream to that server ends, with this much patience for a message. A handshake may take as
// long as a busy machine needs.
asio::awaitable<WebSocketEnd> end_of(WebSocketClient* client, WebSocketRequest request,
                                     Millis patience) {
    auto made = co_await client->connect(std::move(request), deadline_in(10'000ms));
    if (!made) {
        co_return made.error();
    }
    while (true) {
        const auto got = co_await (*made)->read(deadline_in(patience));
        if (!got) {
            co_return got.error();
        }
    }
}

TEST_CASE("every way to misbehave over a stream has its end, in time") {
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.name) {
            Loop loop;
            Server server(loop, c.behaviour);
            const auto client = make_websocket_client(loop.io.get_executor(), {});
            const Millis patience = std::string(c.end) == "silent" ? 150ms : 10'000ms;
            const WebSocketEnd end = loop.run(end_of(client.get(), request_to(server), patience));
            CAPTURE(end.detail);
            CHECK(std::string(name_of(end.why)) == c.end);
            CHECK(end.detail.size() <= 300);
        }
    }
}

// Answers nothing, but reads.
asio::awaitable<void> deaf(Peer& peer) {
    const std::string request = co_await peer.request();
    co_await peer.send(switching(request));
    while (!peer.server.requests.empty()) {
        const std::string more = co_await peer.request();
        if (more.empty()) {
            co_return;
        }
    }
}

TEST_CASE("a stream whose pings nobody answers is over after the idle time") {
    Loop loop;
    Server server(loop, deaf);
    const auto client = make_websocket_client(loop.io.get_executor(), {});
    WebSocketRequest request = request_to(server);
    request.idle = 200ms;
    const auto begun = test::Steady::now();
    const WebSocketEnd end = loop.run(end_of(client.get(), request, 30'000ms));
    CHECK(std::string(name_of(end.why)) == "silent");
    CHECK(test::since(begun) >= 150ms);
}

// Says nothing by itself and answers what it hears, for several idle times.
asio::awaitable<void> answers_pings(Peer& peer) {
    co_await upgrade_then(peer, "", false);
    for (int i = 0; i < 4; ++i) {
        const bool heard = co_await peer.anything();
        if (!heard) {
            co_return;
        }
        co_await peer.send(frame(0x8a, ""));
    }
    co_await peer.send(frame(text, "one") + frame(text, "two"));
    co_await peer.hold();
}

asio::awaitable<void> two_messages(Peer& peer) {
    co_await upgrade_then(
        peer, frame(text, "one") + frame(0x01, "t") + frame(0x89, "") + frame(0x80, "wo"), true);
}

asio::awaitable<std::vector<std::string>> read_two(WebSocketClient* client,
                                                   WebSocketRequest request) {
    std::vector<std::string> got;
    auto made = co_await client->connect(std::move(request), deadline_in(10s));
    while (made && got.size() < 2) {
        auto one = co_await (*made)->read(deadline_in(10s));
        if (!one) {
            break;
        }
        got.push_back(std::move(*one));
    }
    co_return got;
}

TEST_CASE("a stream on which nothing happens lives on pings that are answered") {
    Loop loop;
    Server server(loop, answers_pings);
    const auto client = make_websocket_client(loop.io.get_executor(), {});
    WebSocketRequest request = request_to(server);
    request.idle = 1s;
    const auto begun = test::Steady::now();
    CHECK(loop.run(read_two(client.get(), request)) == std::vector<std::string>{"one", "two"});
    CHECK(test::since(begun) >= 1'500ms);
}

TEST_CASE("messages that came with the upgrade or in parts are read whole, also over TLS") {
    const std::vector<std::string> both{"one", "two"};
    Loop loop;
    Server plain(loop, two_messages);
    const auto client = make_websocket_client(loop.io.get_executor(), {});
    CHECK(loop.run(read_two(client.get(), request_to(plain))) == both);
    CHECK(plain.requests.at(0).starts_with("GET /ws HTTP/1.1\r\n"));
    CHECK(plain.requests.at(0).find("X-Molecule-Org-Id: org\r\n") != std::string::npos);

    const auto authority = test::make_authority("test authority");
    const test::TemporaryFile ca(test::to_pem(authority));
    const auto context = test::server_context(test::issue(authority, "DNS:localhost", 86'400));
    Server safe(loop, two_messages, context.get());
    TransportOptions options;
    options.ca_file = ca.path();
    const auto trusting = make_websocket_client(loop.io.get_executor(), options);
    CHECK(loop.run(read_two(trusting.get(), request_to(safe))) == both);
    const WebSocketEnd end = loop.run(end_of(client.get(), request_to(safe), 10s));
    CHECK(std::string(name_of(end.why)) == "unreachable");
}

asio::awaitable<void> close_soon(std::shared_ptr<WebSocket> socket, Millis after) {
    (void)co_await pause(after);
    co_await socket->close(deadline_in(200ms));
}

asio::awaitable<WebSocketEnd> read_and_close(WebSocketClient* client, WebSocketRequest request) {
    auto made = co_await client->connect(std::move(request), deadline_in(10s));
    const auto executor = co_await asio::this_coro::executor;
    TaskGroup group(executor, nullptr);
    const std::shared_ptr<WebSocket> socket = *made;
    group.spawn("close", close_soon(socket, 20ms));
    // Beyond the minute that the loop allows, so that only the goodbye can end it.
    const auto got = co_await socket->read(deadline_in(600s));
    co_await group.join();
    co_return got.error();
}

TEST_CASE("a goodbye ends a read under way, also when the other side does not answer it") {
    Loop loop;
    Server server(loop, no_pong);
    const auto client = make_websocket_client(loop.io.get_executor(), {});
    const auto end = loop.run(read_and_close(client.get(), request_to(server)));
    CHECK(std::string(name_of(end.why)) != "bad");
}

TEST_CASE("connecting and being cut again and again leaves no descriptor") {
    for (const Case& c : cases) {
        if (std::string(c.end) == "silent" || c.behaviour == much_junk ||
            c.behaviour == endless_answer) {
            continue;
        }
        CAPTURE(c.name);
        Loop loop;
        const auto client = make_websocket_client(loop.io.get_executor(), {});
        long before = 0;
        for (int i = 0; i < 30; ++i) {
            {
                Server server(loop, c.behaviour);
                (void)loop.run(end_of(client.get(), request_to(server), 10'000ms));
            }
            if (i == 2) {
                before = test::open_descriptors();
            }
        }
        CHECK(test::open_descriptors() <= before + 2);
    }
}

TEST_CASE("nobody there and a bad address are no stream") {
    Loop loop;
    const auto client = make_websocket_client(loop.io.get_executor(), {});
    WebSocketRequest request;
    request.url = "http://127.0.0.1:1/ws";
    CHECK(std::string(name_of(loop.run(end_of(client.get(), request, 5s)).why)) == "unreachable");
    request.url = "ws://127.0.0.1/ws";
    CHECK(std::string(name_of(loop.run(end_of(client.get(), request, 5s)).why)) == "unreachable");
    request.url = "http://127.0.0.1:1/ws";
    request.headers = {{"X-Molecule-Org-Id", "a\r\nb"}};
    CHECK(std::string(name_of(loop.run(end_of(client.get(), request, 5s)).why)) == "unreachable");
}

}  // namespace
}  // namespace leverd::net
