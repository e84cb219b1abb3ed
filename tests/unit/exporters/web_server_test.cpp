// Why: what a remote side may take from the daemon is decided by bytes on a socket, so these tests
// send them.
#include "exporters/web/listen.hpp"
#include "tests/catch.hpp"
#include "tests/unit/base/echo_forms.hpp"
#include "tests/unit/exporters/web_host.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace web_world;

namespace {

const std::string close_header = "Connection: close\r\n";
const std::string reload =
    "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t out = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++out;
    }
    return out;
}

std::string converse(Host& host, const std::string& bytes) {
    Client client(host.port());
    client.send(bytes);
    return client.read();
}

}  // namespace

TEST_CASE("one answer carries its type, its length and the headers that protect it") {
    Host host;
    const std::string answer = converse(host, get_text("/", close_header));
    CHECK(status_of(answer) == 200);
    for (const std::string header :
         {"Content-Type: text/html; charset=utf-8", "Content-Security-Policy: default-src 'self'",
          "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Cache-Control: no-store",
          "Referrer-Policy: no-referrer"}) {
        CAPTURE(header);
        CHECK(answer.find(header) != std::string::npos);
    }
    CHECK(converse(host, get_text("/metrics", close_header))
              .find("Content-Type: text/plain; version=0.0.4; charset=utf-8") != std::string::npos);
    CHECK(host.thrown.empty());
}

TEST_CASE("HEAD sends the same length and no body") {
    Host host;
    const std::string full = converse(host, get_text("/metrics", close_header));
    const std::string head =
        converse(host, "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(status_of(head) == 200);
    CHECK(head.find("Content-Length: 20\r\n") != std::string::npos);
    CHECK(full.find("Content-Length: 20\r\n") != std::string::npos);
    CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
}

TEST_CASE("a connection serves one request after another, also when they come at once") {
    Host host;
    Client client(host.port());
    client.send(get_text("/-/ready") + get_text("/-/ready") + get_text("/-/healthy", close_header));
    const std::string answers = client.read();
    CHECK(count(answers, "HTTP/1.1 200 OK") == 3);
    CHECK(count(answers, "ready\n") == 2);
}

TEST_CASE("too much, too deep or not HTTP at all is refused and closed") {
    struct Row {
        std::string name;
        std::string bytes;
        int status;
    };
    const std::string post = "POST /api/v1/stop HTTP/1.1\r\nHost: localhost\r\n";
    const std::vector<Row> rows{
        {"a header of 9 KiB", get_text("/", "X: " + std::string(9 << 10, 'x') + "\r\n"), 431},
        {"a target of 9 KiB", get_text("/" + std::string(9 << 10, 'x')), 431},
        {"a body that says it is 65 KiB", post + "Content-Length: 66561\r\n\r\n", 413},
        {"a chunked body of 80 KiB",
         post + "Transfer-Encoding: chunked\r\n\r\n14000\r\n" + std::string(0x14000, 'x'), 413},
        {"not HTTP", "hello\r\n\r\n", 400},
        {"a TLS hello",
         std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n", 400},
        {"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
        {"length and chunks", post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"a negative length", post + "Content-Length: -1\r\n\r\n", 400},
    };
    Host host;
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Client client(host.port());
        client.send(row.bytes);
        const std::string answer = client.read();
        CHECK(status_of(answer) == row.status);
        CHECK(answer.find("Connection: close") != std::string::npos);
    }
    CHECK(status_of(converse(host, get_text("/-/ready", close_header))) == 200);
    CHECK(host.thrown.empty());
}

TEST_CASE("the limits are those of the options") {
    exporters::WebLimits limits;
    limits.header_bytes = 1024;
    limits.body_bytes = 64;
    Host host(limits);
    const std::string padding = "X: " + std::string(2000, 'x') + "\r\n";
    CHECK(status_of(converse(host, get_text("/", padding))) == 431);
    const std::string post = "POST /api/v1/stop HTTP/1.1\r\nHost: localhost\r\n";
    CHECK(status_of(converse(host, post + "Content-Length: 65\r\n\r\n")) == 413);
}

TEST_CASE("a slow client is cut, byte by byte or silent") {
    exporters::WebLimits hasty;
    hasty.header = Millis{150};
    hasty.request = Millis{150};
    Host host(hasty);
    Client silent(host.port());
    Client half(host.port());
    half.send("GET / HTTP/1.1\r\nHos");
    Client body(host.port());
    body.send("POST /api/v1/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab");
    CHECK(silent.closed_by_peer());
    CHECK(half.closed_by_peer());
    CHECK(body.closed_by_peer());

    exporters::WebLimits restless;
    restless.idle = Millis{150};
    Host other(restless);
    Client idle(other.port());
    idle.send(get_text("/-/ready"));
    CHECK(status_of(idle.read("ready\n")) == 200);
    CHECK(idle.closed_by_peer());
}

TEST_CASE("a stream tells of changes, many as one, and is kept alive") {
    exporters::WebLimits limits;
    limits.coalesce = Millis{400};
    limits.keep_alive = Millis{50};
    Host host(limits);
    Client client(host.port());
    client.send(get_text("/api/v1/stream"));
    const std::string hello = client.read("\n\nevent: change\ndata: {\"time\":\"2026-");
    CHECK(hello.find("Content-Type: text/event-stream") != std::string::npos);
    CHECK(hello.find("Content-Length") == std::string::npos);
    const std::string silence = client.read(": still here\n\n");
    CHECK(count(silence, "event: change") == 0);
    for (int i = 0; i < 100; ++i) {
        host.on_loop([&host] { host.backend.turn(); });  // each may wake the stream by itself
    }
    const std::string burst = client.read("event: change") + client.read(": still here\n\n");
    CHECK(count(burst, "event: change") >= 1);
    CHECK(count(burst, "event: change") <= 3);
}

TEST_CASE("a page that goes away frees its seat, and streams cannot take all seats") {
    exporters::WebLimits limits;
    limits.streams = 1;
    Host host(limits);
    Client page(host.port());
    page.send(get_text("/api/v1/stream"));
    CHECK(page.read("event: change").find("200 OK") != std::string::npos);
    CHECK(status_of(converse(host, get_text("/api/v1/stream", close_header))) == 503);
    CHECK(status_of(converse(host, get_text("/-/ready", close_header))) == 200);
    page.say_no_more();
    CHECK(page.closed_by_peer());
    host.on_loop([&host] { CHECK(host.backend.listeners.empty()); });
    Client next(host.port());
    next.send(get_text("/api/v1/stream"));
    CHECK(next.read("event: change").find("200 OK") != std::string::npos);
}

TEST_CASE("over TCP a change needs the token; on the socket it needs the right user") {
    Host host;
    CHECK(status_of(converse(host, reload)) == 401);
    std::string with_token = reload;
    with_token.insert(with_token.find("Content-Length"), "Authorization: Bearer right\r\n");
    CHECK(status_of(converse(host, with_token)) == 200);
    {
        Client own(host.socket());
        own.send(reload);
        CHECK(status_of(own.read()) == 200);
    }
    struct stat info{};
    REQUIRE(::stat(host.socket().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0666);
    if (::geteuid() != 0) {
        return;  // only root can be somebody else
    }
    constexpr uid_t nobody = 65534;
    REQUIRE(::seteuid(nobody) == 0);
    Client other(host.socket());
    REQUIRE(::seteuid(0) == 0);
    other.send(get_text("/api/v1/status"));
    CHECK(status_of(other.read("\"version\":\"0.1.0\"}\n")) == 200);
    other.send(reload);
    CHECK(status_of(other.read()) == 403);
    host.on_loop([&host] { CHECK(host.backend.changes.size() == 2); });
}

TEST_CASE("ending the daemon ends every connection at once") {
    std::unique_ptr<Host> host = std::make_unique<Host>();
    Client idle(host->port());
    Client half(host->port());
    half.send("GET / HT");
    Client page(host->port());
    page.send(get_text("/api/v1/stream"));
    page.read("event: change");
    Client used(host->socket());
    used.send(get_text("/-/ready"));
    used.read("ready\n");
    const std::string socket = host->socket();
    host.reset();
    CHECK(idle.closed_by_peer());
    CHECK(half.closed_by_peer());
    CHECK(page.closed_by_peer());
    CHECK(used.closed_by_peer());
    CHECK_FALSE(std::filesystem::exists(socket));
}

TEST_CASE("an address that cannot be bound is named with the next step") {
    boost::asio::io_context io;
    const auto executor = boost::asio::any_io_executor(io.get_executor());
    leverd::net::TaskGroup tasks(executor, {});
    FakeBackend backend;
    ScratchFolder folder;
    Host other;
    exporters::WebOptions options;
    options.listen = "127.0.0.1:" + std::to_string(other.port());
    auto bound = exporters::WebServer::bind(executor, tasks, backend, options);
    REQUIRE(bound.has_error());
    CHECK(bound.error().what.find(options.listen) != std::string::npos);
    CHECK(bound.error().hint.find("ss -ltnp") != std::string::npos);

    options.listen = "127.0.0.1:0";
    options.socket = other.socket();
    bound = exporters::WebServer::bind(executor, tasks, backend, options);
    REQUIRE(bound.has_error());
    CHECK(bound.error().what.find("another process already listens") != std::string::npos);

    options.socket = folder.path("plain-file");
    std::ofstream(options.socket) << "precious";
    bound = exporters::WebServer::bind(executor, tasks, backend, options);
    REQUIRE(bound.has_error());
    CHECK(std::filesystem::file_size(options.socket) == 8);

    options.socket = folder.path("absent") + "/api.sock";
    CHECK(exporters::WebServer::bind(executor, tasks, backend, options).has_error());
    options.socket = folder.path(std::string(120, 'x'));
    CHECK(exporters::WebServer::bind(executor, tasks, backend, options).has_error());
}

TEST_CASE("a socket file that a killed daemon left behind is taken over") {
    boost::asio::io_context io;
    const auto executor = boost::asio::any_io_executor(io.get_executor());
    ScratchFolder folder;
    const std::string path = folder.path("api.sock");
    {
        auto first = exporters::web::bind_unix(executor, path);
        REQUIRE(first.has_value());
    }
    REQUIRE(std::filesystem::exists(path));
    CHECK(exporters::web::bind_unix(executor, path).has_value());
}

TEST_CASE("listen addresses are literal") {
    using exporters::web::parse_listen;
    for (const std::string good : {"127.0.0.1:9847", "[::1]:0", "localhost:1", "0.0.0.0:65535"}) {
        CAPTURE(good);
        CHECK(parse_listen(good).has_value());
    }
    for (const std::string bad :
         {"", "9847", ":9847", "::1:9847", "[127.0.0.1]:1", "example.com:80", "127.0.0.1:65536",
          "127.0.0.1:-1", "127.0.0.1:", "127.0.0.1:1x"}) {
        CAPTURE(bad);
        CHECK(parse_listen(bad).has_error());
    }
}

TEST_CASE("no answer leaves with a secret in it, in whatever coat") {
    Host host;
    const Secret known{"Kn0wn/web+of=pr0d&7QzX"};
    for (const auto& form : leverd::test::echo_forms()) {
        CAPTURE(form.name);
        host.on_loop(
            [&] { host.backend.figures = "it said " + form.put_on(known.reveal()) + "\n"; });
        const std::string answer = converse(host, get_text("/metrics", close_header));
        CHECK(status_of(answer) == 200);
        CHECK(answer.find("it said ") != std::string::npos);
        CHECK_FALSE(leverd::test::leaks(answer, known.reveal()));
    }
    // A complaint quotes what was asked for.
    const std::string answer = converse(host, get_text("/api/v1/" + known.reveal(), close_header));
    CHECK_FALSE(leverd::test::leaks(answer, known.reveal()));
}
