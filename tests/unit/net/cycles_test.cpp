// Why: a target that misbehaves does so thousands of times a night. What one look leaks, a night of
// them makes an outage of the watchdog, so live heap and descriptors are counted over a thousand
// cycles of each kind.
#include "tests/catch.hpp"
#include "tests/unit/net/client.hpp"
#include "tests/unit/net/server.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define LEVERD_COUNTS_HEAP_BY_SANITIZER
#endif
#endif
#ifndef LEVERD_COUNTS_HEAP_BY_SANITIZER
#include <malloc.h>
#endif

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Client;
using test::Loop;
using test::Peer;
using test::reason;
using test::Server;

std::size_t live_heap_bytes() {
#ifdef LEVERD_COUNTS_HEAP_BY_SANITIZER
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

asio::awaitable<void> resets(Peer& peer) {
    co_await peer.request();
    peer.reset();
}
asio::awaitable<void> half_header(Peer& peer) {
    co_await test::send_and_close(peer, "HTTP/1.1 200 OK\r\nContent-Le");
}
asio::awaitable<void> half_body(Peer& peer) {
    co_await test::send_and_close(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
}
asio::awaitable<void> huge_header(Peer& peer) {
    co_await test::send_and_close(peer,
                                  "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
}
asio::awaitable<void> huge_body(Peer& peer) {
    co_await test::send_and_close(peer, "HTTP/1.1 200 OK\r\n\r\n" + std::string(20'000, 'x'));
}
asio::awaitable<void> zipped(Peer& peer) {
    co_await test::send_and_close(
        peer, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
}
asio::awaitable<void> garbage(Peer& peer) {
    co_await test::send_and_close(peer, "220 mail.test ESMTP\r\n");
}
// Says nothing, and goes when the client goes.
asio::awaitable<void> silent(Peer& peer) {
    co_await peer.request();
    co_await peer.request();
}

TEST_CASE("a thousand cycles of each hostile answer leave heap and descriptors as they were") {
    struct Case {
        const char* name;
        test::Behaviour behaviour;
        const char* reason;
        Millis limit;
    };
    const std::vector<Case> cases{
        {"resets", resets, "connection_cut", 20'000ms},
        {"half a header", half_header, "connection_cut", 20'000ms},
        {"half a body", half_body, "body_cut", 20'000ms},
        {"huge header", huge_header, "header_too_large", 20'000ms},
        {"huge body", huge_body, "body_too_large", 20'000ms},
        {"zipped", zipped, "ok", 20'000ms},
        {"garbage", garbage, "bad_protocol", 20'000ms},
        {"silent", silent, "header_timeout", 5ms},
    };
    constexpr int warm_up = 50;
    constexpr int cycles = 1000;
    for (const auto& c : cases) {
        INFO(c.name);
        Loop loop;
        Server server(loop, c.behaviour);
        Client client(loop);
        std::size_t heap = 0;
        long descriptors = 0;
        int as_expected = 0;
        std::vector<std::string> otherwise;
        for (int i = 0; i < warm_up + cycles; ++i) {
            if (i == warm_up) {
                // What lasts as long as the server is not the transport's.
                server.requests.clear();
                server.requests.shrink_to_fit();
                heap = live_heap_bytes();
                descriptors = test::open_descriptors();
            }
            HttpRequest request = Client::request("GET", server.url());
            request.body_limit = 4096;
            const std::string ended = reason(client.fetch(std::move(request), c.limit));
            // A busy machine may spend five milliseconds before the answer is waited for, or miss
            // them altogether: each of those ends is right, and none may leave anything behind.
            const bool late =
                ended == "loop_late" || ended == "deadline_local" || ended.ends_with("_timeout");
            if (ended == c.reason || (c.limit < 1s && late)) {
                ++as_expected;
            } else {
                otherwise.push_back(ended);
            }
        }
        loop.io.run_for(20ms);
        server.requests.clear();
        server.requests.shrink_to_fit();
        CAPTURE(otherwise);
        CHECK(as_expected == warm_up + cycles);
        CHECK(live_heap_bytes() < heap + (64U << 10));
        CHECK(test::open_descriptors() <= descriptors + 2);
    }
}

}  // namespace
}  // namespace leverd::net
