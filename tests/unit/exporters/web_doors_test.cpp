// Why: an outage brings many clients, some of them stuck. Whoever scrapes and whoever stops leverd
// must get in all the same. Bytes on real sockets, and every wait has an end.
#include "core/base/hmac.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_host.hpp"

#include <memory>
#include <vector>

using namespace web_world;

namespace {

const std::string close_header = "Connection: close\r\n";

std::string stop_text() {
    const std::string body = R"({"stopped":true,"why":"drill"})";
    return "POST /api/v1/stop HTTP/1.1\r\nHost: localhost\r\nConnection: "
           "close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

template <class Where>
std::vector<std::unique_ptr<Client>> crowd(const Where& where, std::size_t count) {
    std::vector<std::unique_ptr<Client>> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(std::make_unique<Client>(where));
    }
    return out;
}

// Clients whose request is being served for as long as they live: open streams.
std::vector<std::unique_ptr<Client>> watchers(Host& host, std::size_t count) {
    auto out = crowd(host.port(), count);
    for (auto& client : out) {
        client->send(get_text("/api/v1/stream"));
        CHECK(client->read("event: change").find("200 OK") != std::string::npos);
    }
    return out;
}

}  // namespace

TEST_CASE("64 idle local connections: metrics, health and readiness always answer") {
    Host host;
    const auto idle = crowd(host.port(), 64);
    const auto half = crowd(host.port(), 10);
    for (const auto& client : half) {
        client->send("GET /metrics HTTP/1.1\r\nHos");
    }
    for (int i = 0; i < 77; ++i) {
        const std::string target = i % 3 == 0 ? "/metrics" : i % 3 == 1 ? "/-/healthy" : "/-/ready";
        Client client(host.port());
        client.send(get_text(target, close_header));
        CHECK(status_of(client.read()) == 200);
    }
    CHECK(host.thrown.empty());
}

TEST_CASE("70 idle connections on the unix socket: the stop switch works") {
    Host host;
    const auto idle = crowd(host.socket(), 70);
    Client person(host.socket());
    person.send(stop_text());
    CHECK(status_of(person.read()) == 200);
    host.on_loop([&host] {
        REQUIRE(host.backend.changes.size() == 1);
        CHECK(host.backend.changes[0].what == "stop");
    });
}

TEST_CASE("where every seat is being served, only what is urgent is let in") {
    exporters::WebLimits limits;
    limits.connections = 4;
    limits.per_peer = 4;
    limits.reserved = 2;
    Host host(limits);
    const auto busy = watchers(host, 4);
    const auto status_for = [&host](const std::string& target) {
        Client client(host.port());
        client.send(get_text(target));
        const std::string answer = client.read();  // closed after one answer
        if (status_of(answer) == 503) {
            CHECK(answer.find("Retry-After: 1") != std::string::npos);
        }
        return status_of(answer);
    };
    CHECK(status_for("/metrics") == 200);
    CHECK(status_for("/-/healthy") == 200);
    CHECK(status_for("/api/v1/status") == 503);
    CHECK(status_for("/") == 503);
    host.on_loop([&host] { CHECK(host.backend.listeners.size() == 4); });
    const auto figures = host.figures().doors.at("tcp");
    CHECK(figures.reserved == 4);
    CHECK(figures.refused == 0);
}

TEST_CASE("the unix socket has seats of its own for every change") {
    exporters::WebLimits limits;
    limits.connections = 2;
    limits.per_peer = 2;
    Host host(limits);
    auto busy = crowd(host.socket(), 2);
    for (auto& client : busy) {
        client->send(get_text("/api/v1/stream"));
        client->read("event: change");
    }
    Client person(host.socket());
    person.send(stop_text());
    CHECK(status_of(person.read()) == 200);
    Client reader(host.socket());
    reader.send(get_text("/api/v1/status"));
    CHECK(status_of(reader.read()) == 503);
}

TEST_CASE("twenty readers of the ledger are answered in turn, and a scrape beside them") {
    exporters::WebLimits limits;
    Host host(limits);
    host.on_loop([&host] {
        for (int i = 0; i < 300; ++i) {
            host.backend.write(asking_decision());
        }
    });
    auto readers = crowd(host.port(), 20);
    for (std::size_t i = 0; i < readers.size(); ++i) {
        readers[i]->send(
            get_text("/api/v1/ledger?limit=1000&after=" + std::to_string(i), close_header));
    }
    Client scraper(host.port());
    scraper.send(get_text("/metrics", close_header));
    CHECK(status_of(scraper.read()) == 200);
    std::size_t served = 0;
    for (auto& reader : readers) {
        const int status = status_of(reader->read());
        const bool known = status == 200 || status == 503;
        CHECK(known);
        served += status == 200 ? 1 : 0;
    }
    CHECK(served >= 16);
    CHECK(host.thrown.empty());
}

TEST_CASE("a body too large for an event is answered, also while it is still sent, and counted") {
    Host host;
    const std::string start = "POST /events/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ";
    Client big(host.port());
    big.send(start + std::to_string(4U << 20) + "\r\n\r\n" + std::string(4U << 20, 'x'));
    CHECK(status_of(big.read()) == 413);
    Client chunked(host.port());
    chunked.send(
        "POST /events/railway/secret HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n80000\r\n" +
        std::string(0x80000, 'x'));
    CHECK(status_of(chunked.read()) == 413);
    Client other(host.port());
    other.send("POST /api/v1/stop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999\r\n\r\n");
    CHECK(status_of(other.read()) == 413);
    host.on_loop([&host] {
        CHECK(host.backend.refused ==
              std::vector<std::string>{"github too_large", "railway too_large"});
    });
    CHECK(host.figures().bad_requests.at(413) == 3);
}

TEST_CASE("new tokens count at once, also for a connection that is open") {
    Host host;
    const auto reload = [](const std::string& secret) {
        return "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret +
               "\r\nContent-Length: 0\r\n\r\n";
    };
    Client client(host.port());
    client.send(reload("right"));
    CHECK(status_of(client.read("}\n")) == 200);
    host.set_tokens({{"bob", Secret("bobs"), exporters::Role::operate}});
    client.send(reload("right"));
    CHECK(status_of(client.read("}\n")) == 401);
    client.send(reload("bobs"));
    CHECK(status_of(client.read("}\n")) == 200);
    host.on_loop([&host] { CHECK(host.backend.changes.size() == 2); });
    CHECK(host.figures().auth_failures.at("wrong_token") == 1);
}

TEST_CASE("a stream that a token opened ends when a reload removes the token, and only then") {
    Host host({}, "0.0.0.0:0");
    const auto stream = [](const std::string& secret) {
        return get_text("/api/v1/stream", "Authorization: Bearer " + secret + "\r\n");
    };
    const exporters::ApiToken alice{"alice", Secret("right"), exporters::Role::read};
    const exporters::ApiToken bob{"bob", Secret("bobs"), exporters::Role::read};
    host.set_tokens({alice, bob});
    Client own(host.socket());
    own.send(get_text("/api/v1/stream"));
    Client client(host.port());
    client.send(stream("right"));
    REQUIRE(status_of(client.read("event: change")) == 200);
    REQUIRE(status_of(own.read("event: change")) == 200);
    host.set_tokens({alice, bob});
    host.on_loop([&host] { host.backend.turn(); });
    CHECK(client.read("event: change").find("event: change") != std::string::npos);
    CHECK(own.read("event: change").find("event: change") != std::string::npos);
    host.set_tokens({bob});
    host.on_loop([&host] { host.backend.turn(); });  // a reload is one
    CHECK(client.closed_by_peer());
    CHECK(own.read("event: change").find("event: change") != std::string::npos);
    Client again(host.port());
    again.send(stream("right"));
    CHECK(status_of(again.read("}\n")) == 401);
}

TEST_CASE("a change that a page of another site asks for is refused on the socket") {
    Host host;
    const auto with = [&host](const std::string& lines) {
        Client client(host.port());
        client.send(
            "POST /-/reload HTTP/1.1\r\n" + lines +
            "Authorization: Bearer right\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return status_of(client.read());
    };
    CHECK(with("Host: evil.example\r\n") == 421);
    CHECK(with("Host: localhost\r\nOrigin: https://evil.example\r\n") == 403);
    CHECK(with("Host: localhost\r\nOrigin: null\r\n") == 403);
    CHECK(with("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n") == 403);
    CHECK(with("Host: localhost\r\nOrigin: http://localhost\r\n") == 200);
    host.on_loop([&host] { CHECK(host.backend.changes.size() == 1); });
    const auto failures = host.figures().auth_failures;
    CHECK(failures.at("foreign_host") == 1);
    CHECK(failures.at("cross_site") == 3);
}
