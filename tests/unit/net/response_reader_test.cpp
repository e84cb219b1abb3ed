// Why: this reader meets every byte that a remote side sends; each answer must read the same
// however it is cut into pieces, and nothing may grow without a bound.
#include "core/net/response_reader.hpp"

#include "tests/catch.hpp"

#include <cstring>

namespace leverd::net {
namespace {

struct Outcome {
    std::optional<Fault> fault;
    bool done = false;
    bool reusable = false;
    HttpResponse response;
};

struct Shape {
    bool head = false;
    bool ends = false;  // the other side closes after the bytes
    std::size_t header_limit = 1024;
    std::size_t body_limit = 64;
};

Outcome feed(const std::string& bytes, std::size_t piece, const Shape& shape) {
    ResponseReader reader(shape.head, shape.header_limit, shape.body_limit);
    Outcome outcome;
    for (std::size_t at = 0; at < bytes.size() && !reader.done();) {
        const auto room = reader.room();
        REQUIRE(room.size() > 0);
        const std::size_t n = std::min({piece, bytes.size() - at, room.size()});
        std::memcpy(room.data(), bytes.data() + at, n);
        at += n;
        outcome.fault = reader.took(n);
        if (outcome.fault) {
            return outcome;
        }
    }
    if (shape.ends) {
        outcome.fault = reader.end();
    }
    outcome.done = reader.done();
    outcome.reusable = reader.reusable();
    if (!outcome.fault && outcome.done) {
        outcome.response = reader.take();
    }
    return outcome;
}

TEST_CASE("whole answers") {
    struct Case {
        const char* name;
        std::string bytes;
        Shape shape;
        int status;
        std::string body;
        bool reusable;
    };
    const std::vector<Case> cases{
        {"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", {}, 200, "hi", true},
        {"empty", "HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", {}, 500, "", true},
        {"no reason phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", {}, 200, "hi", true},
        {"no reason phrase, twice",
         "HTTP/1.1 103\r\nLink: x\r\n\r\nHTTP/1.1 503\r\nContent-Length: 1\r\n\r\nx",
         {},
         503,
         "x",
         true},
        {"coded",
         "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
         {},
         200,
         "x",
         true},
        {"no content", "HTTP/1.1 204 No Content\r\n\r\n", {}, 204, "", true},
        {"chunks",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nT: "
         "v\r\n"
         "\r\n",
         {},
         200,
         "hi",
         true},
        {"until the end", "HTTP/1.0 200 OK\r\n\r\nhi", {false, true}, 200, "hi", false},
        {"close",
         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
         {},
         200,
         "hi",
         false},
        {"head", "HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", {true, false}, 200, "", true},
        {"interim",
         "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1"
         "\r\n\r\nx",
         {},
         200,
         "x",
         true},
        {"exactly the limit",
         "HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + std::string(64, 'x'),
         {},
         200,
         std::string(64, 'x'),
         true},
    };
    for (const auto& c : cases) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
            INFO(c.name << " in pieces of " << piece);
            const Outcome o = feed(c.bytes, piece, c.shape);
            REQUIRE_FALSE(o.fault);
            REQUIRE(o.done);
            CHECK(o.response.status == c.status);
            CHECK(o.response.body == c.body);
            CHECK(o.reusable == c.reusable);
        }
    }
}

TEST_CASE("answers that are refused") {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct Case {
        const char* name;
        std::string bytes;
        bool ends;
        Reason reason;
    };
    const std::vector<Case> cases{
        {"nothing", "", true, Reason::connection_cut},
        {"half a header", "HTTP/1.1 200 OK\r\nContent-", true, Reason::connection_cut},
        {"only an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", true, Reason::connection_cut},
        {"garbage", "hello there, this is no HTTP\r\n\r\n", false, Reason::bad_protocol},
        {"status of letters", "HTTP/1.1 abc OK\r\n\r\n", false, Reason::bad_protocol},
        {"status too small", "HTTP/1.1 099 OK\r\n\r\n", false, Reason::bad_protocol},
        {"switch of protocols", "HTTP/1.1 101 X\r\n\r\n", false, Reason::bad_protocol},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false,
         Reason::bad_protocol},
        {"two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
         false, Reason::bad_protocol},
        {"length and chunks",
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false,
         Reason::bad_protocol},
        {"unknown transfer encoding",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", false,
         Reason::bad_protocol},
        {"two transfer encodings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         false, Reason::bad_protocol},
        {"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false,
         Reason::bad_protocol},
        {"huge length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", false,
         Reason::bad_protocol},
        {"half a status line", "HTTP/1.1 20", true, Reason::connection_cut},
        {"status of two digits", "HTTP/1.1 20\r\n\r\n", false, Reason::bad_protocol},
        {"long header line", "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x'), false,
         Reason::header_too_large},
        {"long header",
         "HTTP/1.1 200 OK\r\n" + std::string(200, 'x') + ": " + std::string(900, 'y') + "\r\n\r\n",
         false, Reason::header_too_large},
        {"length over the limit", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n", false,
         Reason::body_too_large},
        {"chunk over the limit", chunked + "41\r\n" + std::string(65, 'x'), false,
         Reason::body_too_large},
        {"chunks over the limit",
         chunked + "40\r\n" + std::string(64, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n", false,
         Reason::body_too_large},
        {"stream over the limit", "HTTP/1.1 200 OK\r\n\r\n" + std::string(65, 'x'), true,
         Reason::body_too_large},
        {"bad chunk size", chunked + "zz\r\n", false, Reason::bad_protocol},
        {"endless chunk extension", chunked + "1;" + std::string(100'000, 'x'), false,
         Reason::bad_protocol},
        {"cut length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", true, Reason::body_cut},
        {"cut chunk", chunked + "3\r\nhi", true, Reason::body_cut},
    };
    for (const auto& c : cases) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}}) {
            INFO(c.name << " in pieces of " << piece);
            Shape shape;
            shape.ends = c.ends;
            const Outcome o = feed(c.bytes, piece, shape);
            REQUIRE(o.fault);
            CHECK(describe(o.fault->reason).name == describe(c.reason).name);
            CHECK(o.fault->origin == Origin::target);
        }
    }
}

TEST_CASE("an endless row of interim answers ends") {
    std::string bytes;
    for (int i = 0; i < 20; ++i) {
        bytes += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    const Outcome o = feed(bytes, 4096, Shape{});
    REQUIRE(o.fault);
    CHECK(o.fault->reason == Reason::bad_protocol);
}

TEST_CASE("header names are folded and repeated headers joined") {
    const std::string bytes =
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-TYPE: text/plain\r\nContent-Length: "
        "0\r\n\r\n";
    const Outcome o = feed(bytes, 4096, Shape{});
    REQUIRE(o.done);
    CHECK(o.response.header("x-a") == "1, 2");
    CHECK(o.response.header("content-type") == "text/plain");
    CHECK(o.response.header("absent").empty());
}

TEST_CASE("bytes after the answer make the connection useless") {
    const Outcome o =
        feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n", 4096, Shape{});
    REQUIRE(o.done);
    CHECK(o.response.body == "hi");
    CHECK_FALSE(o.reusable);
}

}  // namespace
}  // namespace leverd::net
