// Why: a target that stalls, cuts, lies or floods must end in a named reason, in time, and with
// bounded memory.
#include "tests/catch.hpp"
#include "tests/unit/net/client.hpp"
#include "tests/unit/net/server.hpp"

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Client;
using test::Loop;
using test::Peer;
using test::reason;
using test::Server;

asio::awaitable<void> endless_body(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 1000; ++i) {
        co_await peer.send(std::string(4096, 'x'));
    }
}

asio::awaitable<void> endless_chunks(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 1000; ++i) {
        co_await peer.send("1000\r\n" + std::string(4096, 'x') + "\r\n");
    }
}

asio::awaitable<void> endless_header(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1000; ++i) {
        co_await peer.send("X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n");
    }
}

// Each byte comes in good time, the whole never does.
asio::awaitable<void> dripping_header(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 200 OK\r\nX: ");
    for (int i = 0; i < 10'000; ++i) {
        co_await peer.wait(10ms);
        co_await peer.send("x");
    }
}

asio::awaitable<void> dripping_body(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n");
    for (int i = 0; i < 10'000; ++i) {
        co_await peer.wait(10ms);
        co_await peer.send("x");
    }
}

asio::awaitable<void> never_reads(Peer& peer) {
    co_await peer.hold();
}

asio::awaitable<void> reset_at_once(Peer& peer) {
    co_await peer.request();
    peer.reset();
}

asio::awaitable<void> reset_in_body(Peer& peer) {
    co_await peer.request();
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    co_await peer.wait(30ms);
    peer.reset();
}

asio::awaitable<void> half_header(Peer& peer) {
    co_await test::send_and_close(peer, "HTTP/1.1 200 OK\r\nContent-Le");
}

asio::awaitable<void> half_body(Peer& peer) {
    co_await test::send_and_close(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
}

asio::awaitable<void> half_chunk(Peer& peer) {
    co_await test::send_and_close(peer,
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc");
}

asio::awaitable<void> garbage(Peer& peer) {
    co_await test::send_and_hold(peer, "220 mail.test ESMTP\r\n");
}

struct Case {
    const char* name;
    test::Behaviour behaviour;
    const char* reason;
    bool waits;  // ends at the deadline, not before
    int status;  // what was read of it before it went wrong
};

TEST_CASE("every way to misbehave has its reason and its end") {
    const std::vector<Case> cases{
        {"endless body", endless_body, "body_too_large", false, 200},
        {"endless chunks", endless_chunks, "body_too_large", false, 200},
        {"endless header", endless_header, "header_too_large", false, 200},
        {"dripping header", dripping_header, "header_timeout", true, 200},
        {"dripping body", dripping_body, "body_timeout", true, 200},
        {"never reads", never_reads, "header_timeout", true, 0},
        {"reset at once", reset_at_once, "connection_cut", false, 0},
        {"reset in body", reset_in_body, "body_cut", false, 200},
        {"half a header", half_header, "connection_cut", false, 200},
        {"half a body", half_body, "body_cut", false, 200},
        {"half a chunk", half_chunk, "body_cut", false, 200},
        {"garbage", garbage, "bad_protocol", false, 0},
    };
    for (const auto& c : cases) {
        INFO(c.name);
        Loop loop;
        Server server(loop, c.behaviour);
        Client client(loop);
        HttpRequest request = Client::request("POST", server.url());
        request.body_limit = 64U << 10;
        const Millis limit = c.waits ? 2'000ms : 20'000ms;
        const auto start = test::Steady::now();
        const auto answer = client.fetch(request, limit);
        const auto took = test::since(start);
        CHECK(reason(answer) == c.reason);
        REQUIRE(answer.has_error());
        CHECK(answer.error().origin == Origin::target);
        CHECK(answer.error().sent);
        CHECK(answer.error().status == c.status);
        CHECK_FALSE(answer.error().detail.empty());
        if (c.waits) {
            CHECK(took >= 1'995ms);  // and within the minute that the loop allows
        }
        CHECK(server.requests.size() <= 1);
    }
}

asio::awaitable<void> busy_without_end(Peer& peer) {
    co_await peer.request();
    co_await peer.send(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 30\r\n"
        "Content-Length: 9\r\n\r\nno");
    peer.reset();
}

asio::awaitable<void> only_interim(Peer& peer) {
    co_await test::send_and_close(peer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2");
}

TEST_CASE("a failure behind the status keeps the status and Retry-After, and no interim one") {
    Loop loop;
    Server busy(loop, busy_without_end);
    Client client(loop);
    const auto cut = client.fetch(Client::request("POST", busy.url()));
    REQUIRE(cut.has_error());
    CHECK(cut.error().status == 503);
    CHECK(cut.error().retry_after == "30");
    Server interim(loop, only_interim);
    const auto none = client.fetch(Client::request("POST", interim.url()));
    REQUIRE(none.has_error());
    CHECK(none.error().status == 0);
    CHECK(none.error().retry_after.empty());
}

TEST_CASE("a body that the target never takes ends at the deadline") {
    Loop loop;
    Server server(loop, never_reads);
    Client client(loop);
    HttpRequest request = Client::request("PUT", server.url());
    request.body = std::string(32U << 20, 'x');
    const auto answer = client.fetch(request, 2'000ms);
    REQUIRE_FALSE(answer.has_value());
    // On a busy machine we are late ourselves, and say so.
    const bool ours = answer.error().origin == Origin::local;
    CHECK((ours || reason(answer) == "header_timeout"));
    CHECK((ours || answer.error().sent));
}

TEST_CASE("a hundred chunks of one byte are one body") {
    Loop loop;
    Server server(loop, [](Peer& peer) -> asio::awaitable<void> {
        co_await peer.request();
        co_await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 100; ++i) {
            co_await peer.send("1\r\nx\r\n");
        }
        co_await peer.send("0\r\n\r\n");
        co_await peer.hold();
    });
    const auto answer = Client(loop).get(server.url());
    REQUIRE(reason(answer) == "ok");
    CHECK(answer->body == std::string(100, 'x'));
}

TEST_CASE("what the target writes into its answer does not reach the log raw") {
    Loop loop;
    Server server(loop, [](Peer& peer) {
        return test::send_and_hold(peer, "\x1b[31mHTTP/9.9 999 \x07<script>\r\n\r\n");
    });
    const auto answer = Client(loop).get(server.url());
    REQUIRE(reason(answer) == "bad_protocol");
    CHECK(answer.error().detail.find('\x1b') == std::string::npos);
    CHECK(answer.error().detail.find("script") == std::string::npos);
}

}  // namespace
}  // namespace leverd::net
