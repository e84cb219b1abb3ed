// Why: one dead address of several must not make a target look down, and what the box itself lacks
// must not be blamed on it.
#include "core/net/connect.hpp"

#include "tests/catch.hpp"
#include "tests/unit/net/server.hpp"

#include <sys/socket.h>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Loop;
using test::Server;
using tcp = asio::ip::tcp;

Addresses loopbacks(const std::vector<std::string>& texts) {
    Addresses result;
    for (const auto& text : texts) {
        result.push_back(asio::ip::make_address(text));
    }
    return result;
}

// A port whose queue of connections is full: the handshake of one more never ends.
struct FullPort {
    explicit FullPort(Loop& loop) : acceptor(loop.io) {
        acceptor.open(tcp::v4());
        acceptor.bind({asio::ip::make_address_v4("127.0.0.3"), 0});
        acceptor.listen(0);
        for (int i = 0; i < 4; ++i) {
            fillers.emplace_back(loop.io);
            fillers.back().open(tcp::v4());
            // Asio's own connect would wait for the end of the handshake.
            fillers.back().native_non_blocking(true);
            const auto to = acceptor.local_endpoint();
            (void)::connect(fillers.back().native_handle(), to.data(),
                            static_cast<socklen_t>(to.size()));
        }
    }
    std::uint16_t port() const { return acceptor.local_endpoint().port(); }
    tcp::acceptor acceptor;
    std::vector<tcp::socket> fillers;
};

std::string reason(const Attempt<Connected>& a) {
    return std::string(a ? "ok" : describe(a.error().reason).name);
}

Attempt<Connected> connect(Loop& loop, const Addresses& addresses, std::uint16_t port, Millis d) {
    return loop.run(connect_any(loop.io.get_executor(), addresses, port, deadline_in(d)));
}

TEST_CASE("the next address is tried after one that refuses") {
    Loop loop;
    Server server(loop, test::answer_always);  // on 127.0.0.1 only
    CHECK(reason(connect(loop, loopbacks({"127.0.0.2", "127.0.0.1"}), server.port(), 5s)) == "ok");
    CHECK(reason(connect(loop, loopbacks({"127.0.0.2"}), server.port(), 5s)) == "connect_refused");
    CHECK(reason(connect(loop, loopbacks({"127.0.0.2", "127.0.0.4"}), server.port(), 5s)) ==
          "connect_refused");
}

TEST_CASE("an address that never answers costs a moment, which is not the target's") {
    Loop loop;
    FullPort full(loop);
    const auto start = test::Steady::now();
    CHECK(reason(connect(loop, loopbacks({"127.0.0.3"}), full.port(), 300ms)) == "connect_timeout");
    CHECK(test::since(start) >= 295ms);
    CHECK(test::since(start) < 3s);

    tcp::acceptor alive(loop.io, {asio::ip::make_address_v4("127.0.0.1"), full.port()});
    const auto again = test::Steady::now();
    const auto won = connect(loop, loopbacks({"127.0.0.3", "127.0.0.1"}), full.port(), 60s);
    const auto whole = test::since(again);
    REQUIRE(reason(won) == "ok");
    CHECK(won->socket.remote_endpoint().address().to_string() == "127.0.0.1");
    CHECK(whole >= 245ms);
    CHECK(whole < 30s);
    CHECK(won->took <= whole - 245ms);
}

TEST_CASE("an address that this box has no way to says nothing about the others") {
    Loop loop;
    Server server(loop, test::answer_always);  // on 127.0.0.1 only
    const auto port = server.port();
    // No stream leads to the broadcast address, whatever routes there are.
    const auto none = connect(loop, loopbacks({"255.255.255.255"}), port, 5s);
    REQUIRE(reason(none) == "no_route");
    CHECK(none.error().origin == Origin::local);
    CHECK(reason(connect(loop, loopbacks({"255.255.255.255", "127.0.0.1"}), port, 5s)) == "ok");
    const auto refused = connect(loop, loopbacks({"255.255.255.255", "127.0.0.2"}), port, 5s);
    REQUIRE(reason(refused) == "connect_refused");
    CHECK(refused.error().origin == Origin::target);
}

TEST_CASE("nothing is tried once the deadline passed") {
    Loop loop;
    Server server(loop, test::answer_always);
    const auto late = connect(loop, loopbacks({"127.0.0.1"}), server.port(), Millis{-10});
    // The loop gets to the timer before or after the kernel answers; either way it ends at once.
    if (!late) {
        CHECK(reason(late) == "connect_timeout");
    }
}

TEST_CASE("no address at all is our own trouble") {
    Loop loop;
    const auto none = connect(loop, {}, 1, 1s);
    REQUIRE(none.has_error());
    CHECK(none.error().origin == Origin::local);
}

}  // namespace
}  // namespace leverd::net
