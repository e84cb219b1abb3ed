// Why: a credential in evidence is a credential on a page; and the one table of status words is
// what invariant 4 (unknown is not failing) rests on.
#include "core/stack/call.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <nlohmann/json.hpp>

using namespace leverd;
using test::answer;

namespace {

net::HttpRequest get(const std::string& url) {
    net::HttpRequest request;
    request.url = url;
    return request;
}

}  // namespace

TEST_CASE("a status gives one reason") {
    struct Row {
        int status;
        const char* body;
        Reason reason;
    };
    const std::vector<Row> rows{
        {401, "{}", Reason::unauthorized}, {403, "", Reason::forbidden},
        {429, "", Reason::rate_limited},   {404, "", Reason::guard_not_found},
        {404, "x", Reason::not_found},     {500, "", Reason::http_5xx},
        {503, "", Reason::http_5xx},       {599, "", Reason::http_5xx},
        {400, "", Reason::http_4xx},       {410, "x", Reason::http_4xx},
        {302, "", Reason::http_redirect},  {204, "", Reason::wrong_body},
        {700, "", Reason::wrong_body},
    };
    for (const Row& row : rows) {
        CAPTURE(row.status, row.body);
        CHECK(stack::reason_of_status(answer(row.status, row.body)) == row.reason);
    }
}

TEST_CASE("evidence names the call, the status, the time and a piece of the body") {
    CHECK(stack::describe_answer(get("https://acme.test/health"), answer(502, "bad gateway")) ==
          "GET https://acme.test/health: 502 in 31 ms; body \"bad gateway\"");
    CHECK(stack::describe_answer(get("https://acme.test/health"), answer(502)) ==
          "GET https://acme.test/health: 502 in 31 ms; no body");
    const std::string huge(100'000, 'x');
    CHECK(stack::describe_answer(get("https://acme.test/"), answer(500, huge)).size() <=
          evidence_bytes_max);
    const std::string control =
        stack::describe_answer(get("https://a.test/"), answer(500, "a\x01z"));
    CHECK(control.find('\x01') == std::string::npos);
}

TEST_CASE("evidence never quotes a credential that was echoed") {
    net::HttpRequest request = get("https://cp.test/x");
    request.bearer = Secret("super-secret-token");
    const std::vector<std::string> bodies{
        "got super-secret-token!",
        "Authorization: Bearer super-secret-token",
        "super-secret-tokensuper-secret-token",
        std::string(4090, 'x') + "super-secret-token",
    };
    for (const auto& body : bodies) {
        CAPTURE(body);
        CHECK(stack::describe_answer(request, answer(500, body)).find("super-secret") ==
              std::string::npos);
    }
    const std::string other = stack::describe_answer(
        get("https://cp.test/x"), answer(500, "bearer eyJhbGciOiJIUzI1NiJ9.abc.def and on"));
    CHECK(other.find("eyJ") == std::string::npos);
    CHECK(other.find("and on") != std::string::npos);
}

TEST_CASE("JSON is read only from a 200 that says it is JSON") {
    const auto request = get("https://acme.test/x");
    CHECK(stack::json_of(request, test::json_answer(200, "{\"a\":1}")).has_value());
    CHECK(stack::json_of(request, answer(200, "{}", {{"content-type", "application/problem+json"}}))
              .has_value());
    CHECK(stack::json_of(request, answer(200, "{}", {{"content-type", "text/html"}}))
              .error()
              .reason == Reason::wrong_content_type);
    CHECK(stack::json_of(request, answer(200, "{}")).error().reason == Reason::wrong_content_type);
    CHECK(stack::json_of(request, test::json_answer(200, "{\"a\":")).error().reason ==
          Reason::bad_json);
    CHECK(
        stack::json_of(request, test::json_answer(200, std::string(100'000, '['))).error().reason ==
        Reason::bad_json);
    CHECK(stack::json_of(request, test::json_answer(503, "{}")).error().reason == Reason::http_5xx);
}

TEST_CASE("urls are joined with one slash and holes are filled") {
    CHECK(stack::join_url("https://a.test/", "/b") == "https://a.test/b");
    CHECK(stack::join_url("https://a.test", "b") == "https://a.test/b");
    CHECK(stack::expand("/x/{slug}/y/{slug}", "slug", "acme") == "/x/acme/y/acme");
}

TEST_CASE("typed reads give the fallback for anything else") {
    const auto object = nlohmann::json::parse(R"({"a":"x","n":2.5,"o":{}})");
    CHECK(stack::text_at(object, "a") == "x");
    CHECK(stack::text_at(object, "n").empty());
    CHECK(stack::text_at(nlohmann::json::array(), "a").empty());
    CHECK(stack::number_at(object, "n", 0) == 2.5);
    CHECK(stack::number_at(object, "o", 7) == 7);
    CHECK(stack::is_header_text("abc.def-123"));
    CHECK_FALSE(stack::is_header_text("a b"));
    CHECK_FALSE(stack::is_header_text("a\r\nX: y"));
    CHECK_FALSE(stack::is_header_text(""));
}
