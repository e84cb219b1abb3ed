// Why: two readers that see different requests in the same bytes are how a request is smuggled.
// Whatever could be read in two ways must be refused, and nothing behind it may be answered.
#include "exporters/web/head.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_host.hpp"

using namespace web_world;
using exporters::web::head_problem;

namespace {

struct Row {
    std::string name;
    std::string head;  // behind "POST /-/ready HTTP/1.1\r\nHost: localhost\r\n"
    int status;
};

const std::string host_line = "Host: localhost\r\n";

std::vector<Row> rows() {
    const std::string start = "POST /-/ready HTTP/1.1\r\n" + host_line;
    return {
        {"an unknown transfer encoding", start + "Transfer-Encoding: foo\r\n\r\n", 501},
        {"identity", start + "Transfer-Encoding: identity\r\n\r\n", 501},
        {"two codings", start + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"chunked twice", start + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
        {"chunked in two headers",
         start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
        {"hidden behind a tab", start + "Transfer-Encoding:\tchunked\x0b\r\n\r\n", 501},
        {"length and chunks", start + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"length and an unknown coding",
         start + "Content-Length: 4\r\nTransfer-Encoding: x\r\n\r\n", 400},
        {"two lengths that differ", start + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"two equal lengths", start + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"a list of lengths", start + "Content-Length: 1, 1\r\n\r\n", 400},
        {"a length with a sign", start + "Content-Length: +1\r\n\r\n", 400},
        {"a length in hex", start + "Content-Length: 0x1\r\n\r\n", 400},
        {"an endless length", start + "Content-Length: 99999999999999999999\r\n\r\n", 400},
        {"an empty length", start + "Content-Length:\r\n\r\n", 400},
        {"a space before the colon", start + "Content-Length : 1\r\n\r\n", 400},
        {"a header over two lines", start + "X: a\r\n Transfer-Encoding: chunked\r\n\r\n", 400},
        {"a header over two lines, tab", start + "X: a\r\n\tb\r\n\r\n", 400},
        {"a line that begins with a space",
         "GET /-/ready HTTP/1.1\r\n Host: a\r\n" + host_line + "\r\n", 400},
        {"a bare LF", start + "X: a\nContent-Length: 5\r\n\r\n", 400},
        {"a bare CR", start + "X: a\rContent-Length: 5\r\n\r\n", 400},
        {"a NUL", start + std::string("X: a\0b\r\n\r\n", 10), 400},
        {"a header without a colon", start + "Content-Length\r\n\r\n", 400},
        {"a header without a name", start + ": 5\r\n\r\n", 400},
        {"two hosts", start + host_line + "\r\n", 400},
        {"HTTP/1.0 with chunks",
         "POST /-/ready HTTP/1.0\r\n" + host_line + "Transfer-Encoding: chunked\r\n\r\n", 400},
        {"a made-up version", "GET /-/ready HTTP/1.2\r\n" + host_line + "\r\n", 400},
        {"HTTP/2 in clear", "PRI * HTTP/2.0\r\n\r\n", 400},
        {"no version", "GET /-/ready\r\n" + host_line + "\r\n", 400},
        {"two spaces", "GET  /-/ready HTTP/1.1\r\n" + host_line + "\r\n", 400},
        {"a tab in the first line", "GET\t/-/ready HTTP/1.1\r\n" + host_line + "\r\n", 400},
    };
}

std::size_t answers_in(const std::string& text) {
    const std::string once = "Server: leverd\r\n";
    std::size_t out = 0;
    for (auto at = text.find(once); at != text.npos; at = text.find(once, at + 1)) {
        ++out;
    }
    return out;
}

}  // namespace

TEST_CASE("a head that can be read in two ways is refused") {
    for (const Row& row : rows()) {
        CAPTURE(row.name);
        const auto problem = head_problem(row.head);
        CHECK(problem.has_value() == true);
        CHECK((problem ? problem->status : 200) == row.status);
    }
}

TEST_CASE("a proper head passes") {
    for (const std::string& good :
         {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), std::string("GET / HTTP/1.0\r\n\r\n"),
          std::string("POST /x?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n"),
          std::string("POST / HTTP/1.1\r\nhost: a\r\nTRANSFER-ENCODING: Chunked \r\n\r\n"),
          std::string("GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \xc3\xa4\r\n\r\n")}) {
        CAPTURE(good);
        CHECK_FALSE(head_problem(good).has_value());
    }
}

TEST_CASE("nothing behind a refused head is answered as a request, on a real socket") {
    Host host;
    const std::string inner = get_text("/metrics");
    for (const Row& row : rows()) {
        CAPTURE(row.name);
        Client client(host.port());
        client.send(row.head + inner + inner);
        const std::string answer = client.read();
        CHECK(status_of(answer) == row.status);
        CHECK(answers_in(answer) == 1);
        CHECK(answer.find("Connection: close") != std::string::npos);
    }
    host.on_loop([&host] { CHECK(host.backend.scrapes == 0); });
    CHECK(host.thrown.empty());
}

TEST_CASE("a body is never a request, and what follows it is the next one") {
    Host host;
    const std::string inner = get_text("/metrics");
    const std::string start = "POST /api/v1/stop HTTP/1.1\r\n" + host_line;
    Client whole(host.port());
    whole.send(start + "Content-Length: " + std::to_string(inner.size()) + "\r\n\r\n" + inner +
               get_text("/-/ready", "Connection: close\r\n"));
    const std::string answer = whole.read();
    CHECK(answers_in(answer) == 2);
    CHECK(answer.find("ready\n") != std::string::npos);
    Client chunked(host.port());
    chunked.send(start + "Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n" +
                 "Authorization: Bearer right\r\n\r\n" +
                 get_text("/-/ready", "Connection: close\r\n"));
    const std::string second = chunked.read();
    CHECK(status_of(second) == 401);  // a trailer is no header
    CHECK(answers_in(second) == 2);
    Client absolute(host.port());
    absolute.send("GET http://127.0.0.1/metrics HTTP/1.1\r\n" + host_line +
                  "Connection: close\r\n\r\n");
    CHECK(status_of(absolute.read()) == 400);
    host.on_loop([&host] {
        CHECK(host.backend.scrapes == 0);
        CHECK(host.backend.changes.empty());
    });
}
