// Why: what a fetch gives when the target behaves, and what it says about where it failed.
#include "core/net/http.hpp"

#include "tests/catch.hpp"
#include "tests/unit/net/client.hpp"
#include "tests/unit/net/name_server.hpp"
#include "tests/unit/net/server.hpp"

#include <fmt/format.h>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Client;
using test::Loop;
using test::NameAnswer;
using test::NameServer;
using test::reason;
using test::Server;

TEST_CASE("a fetch returns status, headers and body, and sends what it was given") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    HttpRequest request = Client::request("POST", server.url("/a?b=c"));
    request.headers = {{"X-Test", "1"}};
    request.bearer = Secret("t0ken");
    request.body = "{\"x\":1}";
    const auto answer = client.fetch(request);
    REQUIRE(reason(answer) == "ok");
    CHECK(answer->status == 200);
    CHECK(answer->header("content-type") == "text/plain");
    CHECK(answer->body == "ok");
    CHECK_FALSE(answer->certificate_expires);
    REQUIRE(server.requests.size() == 1);
    const std::string& seen = server.requests[0];
    CHECK(seen.starts_with("POST /a?b=c HTTP/1.1\r\n"));
    CHECK(seen.find("X-Test: 1\r\n") != std::string::npos);
    CHECK(seen.find("Authorization: Bearer t0ken\r\n") != std::string::npos);
    CHECK(seen.find("User-Agent: leverd\r\n") != std::string::npos);
    CHECK(seen.ends_with("\r\n\r\n{\"x\":1}"));
}

TEST_CASE("HEAD has no body and a redirect is an answer") {
    Loop loop;
    Client client(loop);
    Server server(loop, test::answer_always);
    CHECK(client.fetch(Client::request("HEAD", server.url()))->body.empty());
    Server moved(loop, [](test::Peer& peer) {
        return test::send_and_hold(
            peer, "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    });
    const auto answer = client.get(moved.url());
    REQUIRE(reason(answer) == "ok");
    CHECK(answer->status == 302);
    CHECK(answer->header("location") == "/x");
    CHECK(moved.requests.size() == 1);
}

int redirect_status = 0;
std::string redirect_to;

// Whoever follows a redirect shows its credentials to a host that the config never named.
TEST_CASE("a redirect to another host is never followed, so no credential gets there") {
    Loop loop;
    Client client(loop);
    Server elsewhere(loop, test::answer_always);
    redirect_to = elsewhere.url("/stolen");
    Server moved(loop, [](test::Peer& peer) {
        return test::send_and_hold(peer,
                                   fmt::format("HTTP/1.1 {} Moved\r\nLocation: {}\r\n"
                                               "Content-Length: 0\r\nConnection: close\r\n\r\n",
                                               redirect_status, redirect_to));
    });
    std::size_t sent = 0;
    for (const int status : {301, 302, 303, 307, 308}) {
        for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE"}) {
            INFO(status << " " << method);
            redirect_status = status;
            HttpRequest request = Client::request(method, moved.url());
            request.bearer = Secret("t0ken");
            const auto answer = client.fetch(request);
            REQUIRE(reason(answer) == "ok");
            CHECK(answer->status == status);
            CHECK(moved.requests.size() == ++sent);
            CHECK(elsewhere.connections == 0);
        }
    }
}

TEST_CASE("a large body arrives whole in both directions") {
    Loop loop;
    Server server(loop, [](test::Peer& peer) {
        return test::send_and_hold(peer, test::ok(std::string(900'000, 'x')));
    });
    Client client(loop);
    HttpRequest request = Client::request("PUT", server.url());
    request.body = std::string(700'000, 'y');
    const auto answer = client.fetch(request);
    REQUIRE(reason(answer) == "ok");
    CHECK(answer->body.size() == 900'000);
    CHECK(server.requests[0].ends_with(request.body));
}

TEST_CASE("a request that must not leave is refused before any connection") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    HttpRequest request = Client::request("GET", server.url());
    request.headers = {{"X", "a\r\nY: b"}};
    const auto answer = client.fetch(request);
    REQUIRE(reason(answer) == "bad_protocol");
    CHECK(answer.error().origin == Origin::local);
    CHECK_FALSE(answer.error().sent);
    CHECK(server.connections == 0);
}

TEST_CASE("a deadline that passed before the start is our own") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    const auto answer = client.get(server.url(), Millis{-1});
    REQUIRE(reason(answer) == "deadline_local");
    CHECK(answer.error().origin == Origin::local);
    CHECK(server.connections == 0);
}

TEST_CASE("a refused connection was not sent") {
    Loop loop;
    std::string url;
    {
        url = Server(loop, test::answer_always).url();
    }
    const auto answer = Client(loop).get(url);
    REQUIRE(reason(answer) == "connect_refused");
    CHECK(answer.error().origin == Origin::target);
    CHECK_FALSE(answer.error().sent);
}

TEST_CASE("names go through the configured name servers") {
    Loop loop;
    Server server(loop, test::answer_always);
    NameServer names(loop, {{"up.test", {NameAnswer::Kind::address, {{127, 0, 0, 1}}, 60}},
                            {"gone.test", {NameAnswer::Kind::not_found, {}, 60}},
                            {"broken.test", {NameAnswer::Kind::failure, {}, 60}}});
    TransportOptions options;
    options.nameservers = {names.address()};
    Client client(loop, options);
    const std::string tail = ":" + std::to_string(server.port()) + "/";
    CHECK(reason(client.get("http://up.test" + tail)) == "ok");
    CHECK(server.requests[0].find("Host: up.test:") != std::string::npos);
    const auto gone = client.get("http://gone.test" + tail);
    CHECK(reason(gone) == "dns_not_found");
    CHECK_FALSE(gone.error().sent);
    CHECK(reason(client.get("http://broken.test" + tail)) == "dns_failure");
    const auto start = test::Steady::now();
    CHECK(reason(client.get("http://silent.test" + tail, 300ms)) == "dns_timeout");
    CHECK(test::since(start) < 3s);
}

TEST_CASE("time is booked on the phase that took it") {
    Loop loop;
    Server server(loop, [](test::Peer& peer) -> asio::awaitable<void> {
        co_await peer.request();
        co_await peer.wait(60ms);
        co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        co_await peer.wait(90ms);
        co_await peer.send("ok");
        co_await peer.hold();
    });
    Client client(loop);
    const auto answer = client.get(server.url());
    REQUIRE(reason(answer) == "ok");
    CHECK(answer->phases.header >= 55ms);
    CHECK(answer->phases.body >= 80ms);
    CHECK(answer->phases.tls == 0ms);
    CHECK(answer->phases.header + answer->phases.body < 5s);
}

TEST_CASE("a shutdown ends a fetch at once, with its own reason") {
    Loop loop;
    Client client(loop);
    SECTION("while the answer is awaited") {
        Server server(loop, [](test::Peer& peer) { return test::send_and_hold(peer, ""); });
        TaskGroup group(loop.io.get_executor(), nullptr);
        std::optional<HttpResult> result;
        group.spawn("fetch",
                    test::fetch_into(client.transport.get(), Client::request("POST", server.url()),
                                     deadline_in(60s), &result));
        loop.turn_until([&] { return !server.requests.empty(); });
        const auto start = test::Steady::now();
        group.cancel();
        loop.turn_until([&] { return group.size() == 0; });
        REQUIRE(result);
        CHECK(reason(*result) == "deadline_local");
        CHECK(result->error().origin == Origin::local);
        CHECK(result->error().detail == "cancelled");
        CHECK(result->error().sent);
        CHECK(test::since(start) < 3s);
    }
    SECTION("before it began") {
        Server server(loop, test::answer_always);
        TaskGroup group(loop.io.get_executor(), nullptr);
        std::optional<HttpResult> result;
        group.spawn("fetch",
                    test::fetch_into(client.transport.get(), Client::request("POST", server.url()),
                                     deadline_in(60s), &result));
        group.cancel();
        loop.turn_until([&] { return group.size() == 0; });
        REQUIRE(result);
        CHECK(reason(*result) == "deadline_local");
        CHECK_FALSE(result->error().sent);
        CHECK(server.requests.empty());
    }
}

TEST_CASE("a transport may go before the fetches whose loop was stopped") {
    auto loop = std::make_unique<Loop>();
    auto server = std::make_unique<Server>(
        *loop, [](test::Peer& peer) { return test::send_and_hold(peer, ""); });
    std::optional<HttpResult> result;
    auto transport = make_transport(loop->io.get_executor(), TransportOptions{});
    asio::co_spawn(loop->io,
                   test::fetch_into(transport.get(), Client::request("GET", server->url()),
                                    deadline_in(60s), &result),
                   [](std::exception_ptr) {});
    loop->turn_until([&] { return !server->requests.empty(); });
    server.reset();
    transport.reset();
    loop.reset();  // destroys what is left of the fetch
    SUCCEED("nothing was used after it was gone");
}

}  // namespace
}  // namespace leverd::net
