// Why: a DNS outage must neither read as "everything is down" nor hold up the shutdown.
#include "core/net/resolver.hpp"

#include "tests/catch.hpp"
#include "tests/unit/net/name_server.hpp"

#include <boost/asio/ip/udp.hpp>

#include <fstream>
#include <sstream>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Loop;
using test::NameAnswer;
using test::NameServer;
using Kind = NameAnswer::Kind;

std::map<std::string, NameAnswer> names() {
    return {{"one.test", {Kind::address, {{192, 0, 2, 1}}, 60}},
            {"two.test", {Kind::address, {{192, 0, 2, 1}, {192, 0, 2, 2}}, 60}},
            {"brief.test", {Kind::address, {{192, 0, 2, 3}}, 0}},
            {"gone.test", {Kind::not_found, {}, 60}},
            {"empty.test", {Kind::address, {}, 60}},
            {"broken.test", {Kind::failure, {}, 60}}};
}

Attempt<Addresses> ask(Loop& loop, Resolver& resolver, const std::string& name, Millis d) {
    return loop.run(resolver.resolve(name, deadline_in(d)));
}

std::string reason(const Attempt<Addresses>& a) {
    return std::string(a ? "ok" : describe(a.error().reason).name);
}

TEST_CASE("literals and localhost ask nobody") {
    Loop loop;
    Resolver resolver(loop.io.get_executor(), {"127.0.0.1:1"});
    CHECK(ask(loop, resolver, "192.0.2.9", 1s)->front().to_string() == "192.0.2.9");
    CHECK(ask(loop, resolver, "::1", 1s)->front().to_string() == "::1");
    const auto local = ask(loop, resolver, "localhost", 1s);
    REQUIRE(local.has_value());
    CHECK(local->front().to_string() == "127.0.0.1");
    CHECK(ask(loop, resolver, "acme.localhost", 1s)->front().to_string() == "127.0.0.1");
}

TEST_CASE("every way a name server can answer has its own reason") {
    Loop loop;
    NameServer server(loop, names());
    Resolver resolver(loop.io.get_executor(), {server.address()});
    const auto one = ask(loop, resolver, "one.test", 5s);
    REQUIRE(reason(one) == "ok");
    CHECK(one->size() == 1);
    CHECK(one->front().to_string() == "192.0.2.1");
    CHECK(ask(loop, resolver, "two.test", 5s)->size() == 2);
    CHECK(reason(ask(loop, resolver, "gone.test", 5s)) == "dns_not_found");
    CHECK(reason(ask(loop, resolver, "empty.test", 5s)) == "dns_not_found");
    const auto broken = ask(loop, resolver, "broken.test", 5s);
    CHECK(reason(broken) == "dns_failure");
    CHECK(broken.error().origin == Origin::target);
}

TEST_CASE("a silent name server ends at the deadline and leaves nothing behind") {
    Loop loop;
    NameServer server(loop, names());
    Resolver resolver(loop.io.get_executor(), {server.address()});
    const auto start = test::Steady::now();
    const auto silent = ask(loop, resolver, "silent.test", 300ms);
    CHECK(reason(silent) == "dns_timeout");
    CHECK(test::since(start) >= 295ms);
    CHECK(test::since(start) < 3s);
    // Another name is answered at once while one is silent.
    CHECK(reason(ask(loop, resolver, "one.test", 5s)) == "ok");
}

TEST_CASE("a name server that refuses every packet is our own trouble") {
    Loop loop;
    // A port that was free a moment ago: nobody listens there.
    asio::ip::udp::socket probe(loop.io, {asio::ip::address_v4::loopback(), 0});
    const auto port = probe.local_endpoint().port();
    probe.close();
    Resolver resolver(loop.io.get_executor(), {"127.0.0.1:" + std::to_string(port)});
    const auto down = ask(loop, resolver, "one.test", 20s);
    REQUIRE(reason(down) == "resolver_down");
    CHECK(down.error().origin == Origin::local);
}

TEST_CASE("a name server list that cannot be read is our own trouble") {
    Loop loop;
    Resolver resolver(loop.io.get_executor(), {"not an address"});
    const auto down = ask(loop, resolver, "one.test", 5s);
    REQUIRE(reason(down) == "resolver_down");
    CHECK(down.error().origin == Origin::local);
}

TEST_CASE("answers are remembered for their time, failures are not") {
    Loop loop;
    NameServer server(loop, names());
    Resolver resolver(loop.io.get_executor(), {server.address()});
    for (int i = 0; i < 5; ++i) {
        CHECK(reason(ask(loop, resolver, "one.test", 5s)) == "ok");
        CHECK(reason(ask(loop, resolver, "brief.test", 5s)) == "ok");
        CHECK(reason(ask(loop, resolver, "gone.test", 5s)) == "dns_not_found");
    }
    CHECK(server.asked["one.test"] == 1);
    CHECK(server.asked["brief.test"] == 5);
    CHECK(server.asked["gone.test"] == 5);
}

asio::awaitable<void> resolve_into(Resolver* resolver, std::string name,
                                   std::vector<std::string>* results) {
    const auto answer = co_await resolver->resolve(name, deadline_in(30s));
    results->push_back(reason(answer));
}

TEST_CASE("many who ask for one name are one question") {
    Loop loop;
    NameServer server(loop, names());
    Resolver resolver(loop.io.get_executor(), {server.address()});
    TaskGroup group(loop.io.get_executor(), nullptr);
    std::vector<std::string> results;
    for (int i = 0; i < 20; ++i) {
        group.spawn("ask", resolve_into(&resolver, "brief.test", &results));
    }
    loop.turn_until([&] { return group.size() == 0; });
    CHECK(results == std::vector<std::string>(20, "ok"));
    CHECK(server.asked["brief.test"] == 1);
}

TEST_CASE("a shutdown does not wait for a silent name server") {
    Loop loop;
    auto server = std::make_unique<NameServer>(loop, names());
    Resolver resolver(loop.io.get_executor(), {server->address()});
    TaskGroup group(loop.io.get_executor(), nullptr);
    std::vector<std::string> results;
    group.spawn("a", resolve_into(&resolver, "silent.test", &results));
    group.spawn("b", resolve_into(&resolver, "silent.test", &results));
    group.spawn("c", resolve_into(&resolver, "silent-too.test", &results));
    loop.turn_until([&] { return server->asked.size() >= 2; });
    const auto start = test::Steady::now();
    group.cancel();
    loop.turn_until([&] { return group.size() == 0; });
    CHECK(results == std::vector<std::string>(3, "deadline_local"));
    server.reset();
    loop.io.restart();
    loop.io.run();  // returns only when nothing is pending any more
    CHECK(test::since(start) < 3s);
}

TEST_CASE("a resolver may go while a question is in flight") {
    Loop loop;
    NameServer server(loop, names());
    auto resolver = std::make_unique<Resolver>(loop.io.get_executor(),
                                               std::vector<std::string>{server.address()});
    TaskGroup group(loop.io.get_executor(), nullptr);
    std::vector<std::string> results;
    group.spawn("a", resolve_into(resolver.get(), "silent.test", &results));
    loop.turn_until([&] { return server.asked.size() == 1; });
    resolver.reset();
    group.cancel();
    loop.turn_until([&] { return group.size() == 0; });
    CHECK(results == std::vector<std::string>{"deadline_local"});
}

TEST_CASE("the hosts file is honoured") {
    std::ifstream hosts("/etc/hosts");
    std::string line;
    std::string name;
    while (name.empty() && std::getline(hosts, line)) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string address;
        std::string candidate;
        words >> address >> candidate;
        if (address == "127.0.0.1" && !candidate.empty() &&
            candidate.find("localhost") == std::string::npos) {
            name = candidate;
        }
    }
    if (name.empty()) {
        WARN("the hosts file of this machine has no name to look up");
        return;
    }
    Loop loop;
    NameServer server(loop, {{name, {Kind::not_found, {}, 60}}});
    Resolver resolver(loop.io.get_executor(), {server.address()});
    CHECK(reason(ask(loop, resolver, name, 5s)) == "ok");
    CHECK(server.asked.empty());
}

}  // namespace
}  // namespace leverd::net
