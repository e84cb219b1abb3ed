// Why: a kept connection must never carry a change twice, never outlive its time, and never hold
// more descriptors than it may.
#include "tests/catch.hpp"
#include "tests/unit/net/client.hpp"
#include "tests/unit/net/server.hpp"

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Client;
using test::Loop;
using test::reason;
using test::Server;

// So many requests at once; all of them have ended.
void fetch_together(Loop& loop, Client& client, const std::string& url, std::size_t count) {
    std::vector<std::optional<HttpResult>> results(count);
    TaskGroup group(loop.io.get_executor(), nullptr);
    for (auto& result : results) {
        group.spawn("fetch", test::fetch_into(client.transport.get(), Client::request("GET", url),
                                              deadline_in(20s), &result));
    }
    loop.turn_until([&] { return group.size() == 0; });
}

// Each first connection answers once and dies on its second request; later ones always answer.
asio::awaitable<void> die_on_second(test::Peer& peer) {
    co_await peer.request();
    co_await peer.send(test::ok("first"));
    const std::string second = co_await peer.request();
    if (peer.number > 1 && !second.empty()) {
        co_await peer.send(test::ok("again"));
        co_await peer.hold();
    }
}

TEST_CASE("a connection is used again for the same target") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    for (int i = 0; i < 5; ++i) {
        CHECK(reason(client.get(server.url())) == "ok");
    }
    CHECK(server.connections == 1);
    const auto kept = client.get(server.url());
    CHECK(kept->phases.connect == 0ms);

    HttpRequest fresh = Client::request("GET", server.url());
    fresh.fresh_connection = true;
    CHECK(reason(client.fetch(fresh)) == "ok");
    CHECK(server.connections == 2);
    CHECK(reason(client.get(server.url())) == "ok");
    CHECK(server.connections == 2);
}

TEST_CASE("a GET on a kept connection that dies is sent once more on a new one") {
    for (const char* method : {"GET", "HEAD"}) {
        INFO(method);
        Loop loop;
        Server server(loop, die_on_second);
        Client client(loop);
        CHECK(reason(client.get(server.url())) == "ok");
        const auto again = client.fetch(Client::request(method, server.url()));
        CHECK(reason(again) == "ok");
        CHECK(server.connections == 2);
        CHECK(server.requests.size() == 3);
    }
}

TEST_CASE("a change opens a connection of its own, which nobody uses after it") {
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
        INFO(method);
        Loop loop;
        Server server(loop, die_on_second);
        Client client(loop);
        CHECK(reason(client.get(server.url())) == "ok");
        CHECK(reason(client.fetch(Client::request(method, server.url()))) == "ok");
        CHECK(server.connections == 2);
        CHECK(reason(client.fetch(Client::request(method, server.url()))) == "ok");
        CHECK(server.connections == 3);
        CHECK(server.requests.size() == 3);
    }
}

TEST_CASE("a change whose connection dies is never sent twice") {
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
        INFO(method);
        Loop loop;
        Server server(loop, [](test::Peer& peer) { return test::send_and_close(peer, ""); });
        const auto cut = Client(loop).fetch(Client::request(method, server.url()));
        REQUIRE(reason(cut) == "connection_cut");
        CHECK(cut.error().sent);
        CHECK(server.connections == 1);
        CHECK(server.requests.size() == 1);
    }
}

TEST_CASE("a connection that is always in use goes when it is old") {
    Loop loop;
    Server server(loop, [](test::Peer& peer) -> asio::awaitable<void> {
        while (true) {
            const std::string request = co_await peer.request();
            if (request.empty()) {
                co_return;
            }
            // The second answer comes when the connection is older than it may become.
            if (peer.server.requests.size() == 2) {
                co_await peer.wait(300ms);
            }
            co_await peer.send(test::ok("ok"));
        }
    });
    TransportOptions options;
    options.connection_age_max = 250ms;
    Client client(loop, options);
    for (int i = 0; i < 3; ++i) {
        CHECK(reason(client.get(server.url())) == "ok");
    }
    CHECK(server.connections >= 2);
}

TEST_CASE("a GET that dies on a new connection is not repeated") {
    Loop loop;
    Server server(loop, [](test::Peer& peer) { return test::send_and_close(peer, ""); });
    const auto cut = Client(loop).get(server.url());
    CHECK(reason(cut) == "connection_cut");
    CHECK(server.requests.size() == 1);
}

TEST_CASE("a change does not use a connection that the target already closed") {
    Loop loop;
    Server server(loop,
                  [](test::Peer& peer) { return test::send_and_close(peer, test::ok("once")); });
    Client client(loop);
    for (int i = 0; i < 3; ++i) {
        CHECK(reason(client.fetch(Client::request("POST", server.url()))) == "ok");
        loop.io.run_for(20ms);  // lets the end of the connection arrive
        loop.io.restart();
    }
    CHECK(server.connections == 3);
}

TEST_CASE("bytes that nobody asked for spoil a kept connection") {
    Loop loop;
    Server server(loop, [](test::Peer& peer) -> asio::awaitable<void> {
        co_await peer.request();
        co_await peer.send(test::ok("one"));
        co_await peer.wait(10ms);
        co_await peer.send(test::ok("planted"));
        co_await peer.hold();
    });
    Client client(loop);
    CHECK(client.get(server.url())->body == "one");
    loop.io.run_for(60ms);
    loop.io.restart();
    CHECK(client.get(server.url())->body == "one");
    CHECK(server.connections == 2);
}

TEST_CASE("idle connections are bounded in number and age") {
    Loop loop;
    std::vector<std::unique_ptr<Server>> servers;
    for (int i = 0; i < 6; ++i) {
        servers.push_back(std::make_unique<Server>(loop, test::answer_always));
    }
    TransportOptions options;
    options.idle_connections_max = 3;
    SECTION("the oldest goes first") {
        Client client(loop, options);
        for (const auto& server : servers) {
            CHECK(reason(client.get(server->url())) == "ok");
        }
        CHECK(reason(client.get(servers[5]->url())) == "ok");
        CHECK(servers[5]->connections == 1);
        CHECK(reason(client.get(servers[0]->url())) == "ok");
        CHECK(servers[0]->connections == 2);
    }
    SECTION("none is kept for longer than it may idle") {
        options.idle_for = Millis{0};
        Client client(loop, options);
        CHECK(reason(client.get(servers[0]->url())) == "ok");
        CHECK(reason(client.get(servers[0]->url())) == "ok");
        CHECK(servers[0]->connections == 2);
    }
}

TEST_CASE("looks that overlapped leave at most two connections to a target") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    fetch_together(loop, client, server.url(), 6);
    REQUIRE(server.connections == 6);
    fetch_together(loop, client, server.url(), 6);
    CHECK(server.connections == 6 + 4);
}

TEST_CASE("targets that differ in host or scheme share no connection") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    CHECK(reason(client.get(server.url())) == "ok");
    CHECK(reason(client.get("http://127.0.0.1:" + std::to_string(server.port()) + "/")) == "ok");
    CHECK(server.connections == 2);
}

}  // namespace
}  // namespace leverd::net
