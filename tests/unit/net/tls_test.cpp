// Why: "the certificate ran out", "it is somebody else's" and "nobody vouches for it" send people
// to three different places, so the transport must tell them apart and never wave one through.
#include "tests/catch.hpp"
#include "tests/unit/net/certificates.hpp"
#include "tests/unit/net/client.hpp"
#include "tests/unit/net/server.hpp"

#include "core/net/clock.hpp"

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Client;
using test::Loop;
using test::reason;
using test::Server;

constexpr long a_day = 24 * 3600;
const char* const our_names = "DNS:localhost,IP:127.0.0.1";

struct World {
    test::Identity authority = test::make_authority("test authority");
    test::TemporaryFile ca{test::to_pem(authority)};

    TransportOptions options() const {
        TransportOptions o;
        o.ca_file = ca.path();
        return o;
    }
    std::unique_ptr<asio::ssl::context> context(const std::string& names, long valid_for) const {
        return test::server_context(test::issue(authority, names, valid_for));
    }
};

HttpRequest fresh(const std::string& url) {
    HttpRequest request = Client::request("GET", url);
    request.fresh_connection = true;
    return request;
}

TEST_CASE("a good certificate is accepted and its end is told") {
    const World world;
    Loop loop;
    const auto context = world.context(our_names, 10 * a_day);
    Server server(loop, test::answer_always, context.get());
    Client client(loop, world.options());
    for (int i = 0; i < 3; ++i) {
        const auto answer = client.get(server.url());
        REQUIRE(reason(answer) == "ok");
        REQUIRE(answer->certificate_expires);
        const Millis left = *answer->certificate_expires - wall_clock_now();
        CHECK(left > std::chrono::seconds(10 * a_day - 600));
        CHECK(left <= std::chrono::seconds(10 * a_day + 2));
    }
    CHECK(server.connections == 1);
    const auto by_address = client.get("https://127.0.0.1:" + std::to_string(server.port()) + "/");
    CHECK(reason(by_address) == "ok");
}

TEST_CASE("each bad certificate has its own reason and nothing is sent to it") {
    const World world;
    const test::Identity stranger = test::make_authority("stranger");
    struct Case {
        const char* name;
        std::unique_ptr<asio::ssl::context> context;
        const char* reason;
    };
    std::vector<Case> cases;
    cases.push_back({"expired", world.context(our_names, -60), "tls_expired"});
    cases.push_back({"wrong name", world.context("DNS:other.test", a_day), "tls_wrong_name"});
    cases.push_back({"partial wildcard", world.context("DNS:local*", a_day), "tls_wrong_name"});
    cases.push_back({"unknown authority",
                     test::server_context(test::issue(stranger, our_names, a_day)),
                     "tls_untrusted"});
    cases.push_back({"self-signed", test::server_context(stranger), "tls_untrusted"});
    for (const auto& c : cases) {
        INFO(c.name);
        Loop loop;
        Server server(loop, test::answer_always, c.context.get());
        Client client(loop, world.options());
        const auto answer = client.get(server.url());
        CHECK(reason(answer) == c.reason);
        REQUIRE(answer.has_error());
        CHECK(answer.error().origin == Origin::target);
        CHECK_FALSE(answer.error().sent);
        CHECK(server.requests.empty());
    }
}

TEST_CASE("a wrong address in the certificate is a wrong name") {
    const World world;
    Loop loop;
    const auto context = world.context("DNS:localhost,IP:127.0.0.9", a_day);
    Server server(loop, test::answer_always, context.get());
    Client client(loop, world.options());
    CHECK(reason(client.get("https://127.0.0.1:" + std::to_string(server.port()) + "/")) ==
          "tls_wrong_name");
}

TEST_CASE("the system's store does not know the test authority") {
    const World world;
    Loop loop;
    const auto context = world.context(our_names, a_day);
    Server server(loop, test::answer_always, context.get());
    CHECK(reason(Client(loop).get(server.url())) == "tls_untrusted");
}

TEST_CASE("a trust file that cannot be read is our own trouble") {
    const World world;
    Loop loop;
    const auto context = world.context(our_names, a_day);
    Server server(loop, test::answer_always, context.get());
    TransportOptions options;
    options.ca_file = "/nonexistent/ca.pem";
    const auto answer = Client(loop, options).get(server.url());
    CHECK(reason(answer) == "tls_untrusted");
    CHECK(answer.error().origin == Origin::local);
}

TEST_CASE("TLS older than 1.2 is refused") {
    const World world;
    Loop loop;
    const auto context = world.context(our_names, a_day);
    SSL_CTX_set_security_level(context->native_handle(), 0);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_1_VERSION);
    Server server(loop, test::answer_always, context.get());
    CHECK(reason(Client(loop, world.options()).get(server.url())) == "tls_handshake");
}

TEST_CASE("a target that does not speak TLS, or stalls in the handshake, says so") {
    const World world;
    Loop loop;
    Client client(loop, world.options());
    Server plain(loop, [](test::Peer& peer) { return test::send_and_hold(peer, ""); });
    Server chatty(loop, [](test::Peer& peer) -> asio::awaitable<void> {
        co_await peer.send("220 hello, this is no TLS\r\n");
        co_await peer.hold();
    });
    Server cutting(loop, [](test::Peer& peer) -> asio::awaitable<void> {
        peer.reset();
        co_return;
    });
    const auto secure = [](const Server& s) {
        return "https://localhost:" + std::to_string(s.port()) + "/";
    };
    const auto start = test::Steady::now();
    CHECK(reason(client.get(secure(plain), 300ms)) == "tls_timeout");
    CHECK(test::since(start) < 3s);
    CHECK(reason(client.get(secure(chatty))) == "tls_handshake");
    CHECK(reason(client.get(secure(cutting))) == "tls_handshake");
}

TEST_CASE("sessions are resumed, with a full handshake every tenth time") {
    const World world;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        INFO("protocol " << version);
        Loop loop;
        const auto context = world.context(our_names, a_day);
        SSL_CTX_set_max_proto_version(context->native_handle(), version);
        Server server(loop, test::answer_always, context.get());
        Client client(loop, world.options());
        for (int i = 0; i < 21; ++i) {
            const auto answer = client.fetch(fresh(server.url()));
            REQUIRE(reason(answer) == "ok");
            CHECK(answer->certificate_expires.has_value());
        }
        CHECK(server.connections == 21);
        CHECK(server.resumed == 18);  // all but the 1st, the 11th and the 21st
    }
}

TEST_CASE("a session of one target is not offered to another") {
    const World world;
    Loop loop;
    const auto context = world.context(our_names, a_day);
    Server one(loop, test::answer_always, context.get());
    Server two(loop, test::answer_always, context.get());
    Client client(loop, world.options());
    CHECK(reason(client.fetch(fresh(one.url()))) == "ok");
    CHECK(reason(client.fetch(fresh(two.url()))) == "ok");
    CHECK(two.resumed == 0);
}

TEST_CASE("over TLS, a body that ends without a farewell was cut") {
    const World world;
    Loop loop;
    const auto context = world.context(our_names, a_day);
    Client client(loop, world.options());
    Server rude(
        loop,
        [](test::Peer& peer) {
            return test::send_and_close(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi");
        },
        context.get());
    CHECK(reason(client.get(rude.url())) == "body_cut");
    Server polite(
        loop,
        [](test::Peer& peer) -> asio::awaitable<void> {
            co_await peer.request();
            co_await peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi");
            co_await peer.close_tls();
        },
        context.get());
    const auto answer = client.get(polite.url());
    REQUIRE(reason(answer) == "ok");
    CHECK(answer->body == "hi");
}

TEST_CASE("over TLS, deadlines and shutdowns end a fetch just as well") {
    const World world;
    Loop loop;
    const auto context = world.context(our_names, a_day);
    Client client(loop, world.options());
    Server silent(
        loop, [](test::Peer& peer) { return test::send_and_hold(peer, ""); }, context.get());
    CHECK(reason(client.get(silent.url(), 400ms)) == "header_timeout");

    TaskGroup group(loop.io.get_executor(), nullptr);
    std::optional<HttpResult> result;
    const auto before = silent.requests.size();
    group.spawn("fetch",
                test::fetch_into(client.transport.get(), Client::request("POST", silent.url()),
                                 deadline_in(60s), &result));
    loop.turn_until([&] { return silent.requests.size() > before; });
    const auto start = test::Steady::now();
    group.cancel();
    loop.turn_until([&] { return group.size() == 0; });
    CHECK(reason(*result) == "deadline_local");
    CHECK(test::since(start) < 3s);
}

}  // namespace
}  // namespace leverd::net
