// Why: nothing that reads like a second request, and no credential in a URL, may leave the machine.
#include "core/net/request.hpp"

#include "tests/catch.hpp"

namespace leverd::net {
namespace {

TEST_CASE("a URL becomes a target") {
    struct Case {
        const char* url;
        const char* host;
        int port;
        const char* authority;
        const char* path;
        const char* key;
    };
    const std::vector<Case> cases{
        {"http://example.test", "example.test", 80, "example.test", "/", "http example.test 80"},
        {"https://Example.TEST/a?b=c#d", "example.test", 443, "example.test", "/a?b=c",
         "https example.test 443"},
        {"https://example.test:8443?q=1", "example.test", 8443, "example.test:8443", "/?q=1",
         "https example.test 8443"},
        {"http://example.test:80/x", "example.test", 80, "example.test", "/x",
         "http example.test 80"},
        {"http://[::1]:81/a%20b", "::1", 81, "[::1]:81", "/a%20b", "http ::1 81"},
        {"http://127.0.0.1/", "127.0.0.1", 80, "127.0.0.1", "/", "http 127.0.0.1 80"},
    };
    for (const auto& c : cases) {
        INFO(c.url);
        const auto target = parse_target(c.url);
        REQUIRE(target.has_value());
        CHECK(target->host == c.host);
        CHECK(target->port == c.port);
        CHECK(target->authority == c.authority);
        CHECK(target->path == c.path);
        CHECK(target->key == c.key);
        CHECK(target->tls == std::string(c.url).starts_with("https"));
    }
}

TEST_CASE("a URL that cannot be used is refused as our own fault, without repeating it") {
    const std::vector<std::string> urls{
        "",
        "example.test/a",
        "ftp://example.test/hunter2",
        "http://",
        "http:///hunter2",
        "http://user:hunter2@example.test/",
        "http://example.test/hunter2\r\nX: y",
        "http://example.test/hunter2 x",
        "http://example.test:99999/hunter2",
        "http://example.test:0/hunter2",
        "http://exa%00mple.test/hunter2",
    };
    for (const auto& url : urls) {
        INFO(url);
        const auto target = parse_target(url);
        REQUIRE(target.has_error());
        CHECK(target.error().reason == Reason::bad_protocol);
        CHECK(target.error().origin == Origin::local);
        CHECK(target.error().detail.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("a request is written byte for byte") {
    const auto target = parse_target("http://example.test:8080/a?b");
    REQUIRE(target.has_value());
    HttpRequest get;
    get.headers = {{"Accept", "application/json"}, {"accept-encoding", "gzip"}, {"Te", "trailers"}};
    get.bearer = Secret("t0ken");
    const auto wire = serialize(get, *target, "leverd/1");
    REQUIRE(wire.has_value());
    CHECK(wire->reveal() ==
          "GET /a?b HTTP/1.1\r\nAccept: application/json\r\nHost: example.test:8080\r\n"
          "User-Agent: leverd/1\r\nAuthorization: Bearer t0ken\r\nAccept-Encoding: "
          "identity\r\nConnection: keep-alive\r\n\r\n");

    HttpRequest post;
    post.method = "POST";
    post.body = "{}";
    post.fresh_connection = true;
    post.basic.emplace("Aladdin", Secret("open sesame"));
    post.headers = {{"Host", "other.test"}, {"Content-Length", "99"}, {"Authorization", "x"}};
    const auto sent = serialize(post, *target, "");
    REQUIRE(sent.has_value());
    CHECK(sent->reveal() ==
          "POST /a?b HTTP/1.1\r\nHost: other.test\r\n"
          "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nContent-Length: 2\r\n"
          "Accept-Encoding: identity\r\nConnection: close\r\n\r\n{}");
}

TEST_CASE("a POST without a body says so") {
    const auto target = parse_target("http://example.test/");
    HttpRequest post;
    post.method = "POST";
    const auto wire = serialize(post, *target, "");
    REQUIRE(wire.has_value());
    CHECK(wire->reveal().find("Content-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("line breaks and other control characters never reach the wire") {
    const auto target = parse_target("http://example.test/");
    const std::vector<std::string> bad{"a\r\nX-Evil: 1", "a\nb", "a\rb", std::string("a\0b", 3),
                                       "a\x7f"};
    for (const auto& text : bad) {
        INFO(text);
        HttpRequest in_value;
        in_value.headers = {{"X", text}};
        HttpRequest in_name;
        in_name.headers = {{text, "x"}};
        HttpRequest in_method;
        in_method.method = text;
        HttpRequest in_token;
        in_token.bearer = Secret(text);
        for (const auto& request : {in_value, in_name, in_method, in_token}) {
            const auto wire = serialize(request, *target, "agent");
            REQUIRE(wire.has_error());
            CHECK(wire.error().reason == Reason::bad_protocol);
            CHECK(wire.error().origin == Origin::local);
            CHECK(wire.error().detail.find("Evil") == std::string::npos);
        }
        CHECK(serialize(HttpRequest{}, *target, text).has_error());
    }
}

}  // namespace
}  // namespace leverd::net
