// Why: the guard's headers, the list, the counters and our share of the rate bucket
// (wire-contracts 2.1 to 2.3).
#include "core/stack/tenant.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <fmt/format.h>

using namespace leverd;
using test::answer;
using test::json_answer;

namespace {

const std::string id_1 = "11111111-1111-4111-8111-111111111111";
const std::string id_2 = "22222222-2222-4222-8222-222222222222";

net::HttpRequest list_request() {
    net::HttpRequest request;
    request.url = "https://acme.test/workspaces";
    return request;
}

stack::TenantAccess access_to(net::HttpTransport* http) {
    stack::TenantAccess access;
    access.http = http;
    access.url_template = "https://{slug}.test:8443";
    access.slug = "acme";
    access.org_id = test::org_id;
    access.admin_token = Secret(test::tenant_secret);
    return access;
}

}  // namespace

TEST_CASE("a tenant request carries what the guard asks for") {
    const auto request = stack::tenant_request(access_to(nullptr), "GET", "/workspaces");
    CHECK(request.url == "https://acme.test:8443/workspaces");
    CHECK(test::header_of(request, "Origin") == "https://acme.test:8443");
    CHECK(test::header_of(request, "X-Molecule-Org-Id") == test::org_id);
    CHECK(test::header_of(request, "Accept") == "application/json");
    REQUIRE(request.bearer.has_value());
    CHECK(request.bearer->reveal() == test::tenant_secret);
}

TEST_CASE("a slug that is none never becomes a URL") {
    for (const char* slug : {"", "A", "a/b", "a.b", "a%2f", "acme.evil.test#", "..", "a b"}) {
        CAPTURE(slug);
        CHECK(stack::tenant_url("https://{slug}.test", slug).has_error());
        auto access = access_to(nullptr);
        access.slug = slug;
        CHECK(stack::tenant_request(access, "GET", "/x").url.empty());
    }
    CHECK(stack::tenant_url("https://fixed.test", "acme").has_error());
    CHECK(stack::tenant_url("no url {slug}", "acme").has_error());
    CHECK(*stack::tenant_url("https://{slug}.test", "acme") == "https://acme.test");
}

TEST_CASE("the workspace list is read with suspicion") {
    const std::string body = fmt::format(
        R"([{{"id":"{0}","name":"Lead","runtime":"hermes","status":"online","active_tasks":2,)"
        R"("last_error_rate":0.5,"last_sample_error":"boom\u0007","parent_id":null}},)"
        R"({{"id":"{1}","name":"Kid","runtime":"a b","status":"failed","parent_id":"{0}"}},)"
        R"({{"id":"{1}","name":"Twin","runtime":"hermes","status":"online"}}])",
        id_1, id_2);
    const auto list = stack::parse_workspaces(list_request(), json_answer(200, body));
    REQUIRE(list.has_value());
    CHECK(list->complete);
    REQUIRE(list->workspaces.size() == 2);
    CHECK(list->workspaces[0].row.name == "Lead");
    CHECK(list->workspaces[0].row.runtime == "hermes");
    CHECK(list->workspaces[0].children == 1);
    CHECK(list->workspaces[0].active_tasks == 2);
    CHECK(list->workspaces[0].error_rate == 0.5);
    CHECK(list->workspaces[0].last_sample_error == "boom?");
    CHECK(list->workspaces[1].row.name == "Kid");
    CHECK(list->workspaces[1].row.runtime == "unknown");
    CHECK(list->workspaces[1].parent_id == id_1);
}

TEST_CASE("what is no list is a problem with its reason") {
    struct Row {
        net::HttpResponse response;
        Reason reason;
    };
    const std::vector<Row> rows{
        {json_answer(503,
                     R"({"error":"platform datastore unavailable","code":"platform_unavailable"})"),
         Reason::datastore_down},
        {json_answer(503, R"({"error":"busy"})"), Reason::http_5xx},
        {answer(503, "oops"), Reason::http_5xx},
        {json_answer(401, R"({"error":"invalid admin auth token"})"), Reason::unauthorized},
        {answer(404), Reason::guard_not_found},
        {answer(200, "<html>", {{"content-type", "text/html"}}), Reason::wrong_content_type},
        {json_answer(200, "{}"), Reason::wrong_body},
        {json_answer(200, "[{]"), Reason::bad_json},
        {json_answer(429, "{}"), Reason::rate_limited},
    };
    for (const Row& row : rows) {
        CAPTURE(row.response.status, row.response.body);
        const auto list = stack::parse_workspaces(list_request(), row.response);
        REQUIRE(list.has_error());
        CHECK(list.error().reason == row.reason);
    }
}

TEST_CASE("rows without an id, and null, make the list incomplete") {
    const auto odd = stack::parse_workspaces(
        list_request(), json_answer(200, R"([{"id":"x"},5,null,{"id":")" + id_1 + R"("}])"));
    REQUIRE(odd.has_value());
    CHECK_FALSE(odd->complete);
    CHECK(odd->workspaces.size() == 1);
    const auto null = stack::parse_workspaces(list_request(), json_answer(200, "null"));
    REQUIRE(null.has_value());
    CHECK_FALSE(null->complete);
    CHECK(stack::parse_workspaces(list_request(), json_answer(200, "[]"))->complete);
}

TEST_CASE("one metric is summed over its labels") {
    const std::string text =
        "# HELP molecule_http_requests_total Requests.\n"
        "# TYPE molecule_http_requests_total counter\n"
        "molecule_http_requests_total{method=\"GET\",path=\"/health\",status=\"200\"} 40\n"
        "molecule_http_requests_total{path=\"/a}b\\\"{\"} 2.5 1700000000000\n"
        "molecule_http_requests_total_more{x=\"y\"} 1000\n"
        "molecule_http_requests_total 0.5\n"
        "molecule_http_requests_total{broken=\"1\n"
        "molecule_http_requests_total{x=\"1\"} NaN\n"
        "molecule_http_requests_total{x=\"1\"} -5\n"
        "molecule_http_requests_total{x=\"1\"} many\n"
        "other 7";
    CHECK(stack::sum_metric(text, stack::requests_metric) == 43.0);
    CHECK_FALSE(stack::sum_metric("other 7\n", stack::requests_metric).has_value());
    CHECK_FALSE(stack::sum_metric("", stack::requests_metric).has_value());
}

TEST_CASE("the counter is read without the token and never out of a page") {
    test::FakeHttp http;
    const std::string call = "GET https://acme.test:8443/metrics";
    http.on(call, answer(200, "molecule_http_requests_total 9\n",
                         {{"content-type", "text/plain; version=0.0.4"}}));
    http.on(call, answer(200, "molecule_http_requests_total 9\n", {{"content-type", "text/html"}}));
    http.on(call, answer(200, "up 1\n", {{"content-type", "text/plain"}}));
    const net::Deadline soon = net::deadline_in(Millis{1'000});
    CHECK(*test::run(stack::read_request_counter(access_to(&http), soon)) == 9.0);
    CHECK_FALSE(http.requests.front().bearer.has_value());
    CHECK(test::run(stack::read_request_counter(access_to(&http), soon)).error().reason ==
          Reason::wrong_content_type);
    CHECK(test::run(stack::read_request_counter(access_to(&http), soon)).error().reason ==
          Reason::wrong_body);
}

TEST_CASE("a budget is spent, overdrawn once and refilled with time") {
    stack::RequestBudget budget(30);
    Instant now = at_millis(1'000);
    CHECK(budget.take("acme", 20, now));
    CHECK(budget.take("acme", 20, now));       // overdraws: 10 were left
    CHECK_FALSE(budget.take("acme", 1, now));  // minus 10
    CHECK(budget.take("other", 1, now));       // its own bucket
    now += Millis{20'000};                     // plus 10
    CHECK_FALSE(budget.take("acme", 1, now));
    now += Millis{2'000};
    CHECK(budget.take("acme", 1, now));
    CHECK_FALSE(budget.take("acme", 1, now));
    now += Millis{3'600'000};  // never more than a minute's worth
    CHECK(budget.take("acme", 30, now));
    CHECK_FALSE(budget.take("acme", 1, now));
    CHECK_FALSE(budget.take("acme", 1, now - Millis{5'000}));
    CHECK(budget.take("small", 4, now, 2));  // its own limit, overdrawn once
    CHECK_FALSE(budget.take("small", 4, now + Millis{80'000}, 2));
    CHECK(budget.take("small", 4, now + Millis{91'000}, 2));
    CHECK(budget.take("none", 1, now, 0));  // one look a minute whatever the limit says
}
