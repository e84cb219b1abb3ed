// Why: the control plane's list is the inventory of the whole daemon, and its 404 is the one answer
// that says a tenant does not exist (wire-contracts 1.2 to 1.4).
#include "core/stack/control_plane.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <fmt/format.h>

using namespace leverd;
using test::answer;
using test::json_answer;

namespace {

net::HttpRequest orgs_request() {
    net::HttpRequest request;
    request.url = "https://cp.test/cp/admin/orgs";
    return request;
}

std::string org(const std::string& slug, const std::string& id, const std::string& rest = {}) {
    return fmt::format(R"({{"slug":"{}","id":"{}"{}}})", slug, id, rest);
}

stack::ControlPlaneAccess access_to(net::HttpTransport* http) {
    stack::ControlPlaneAccess access;
    access.http = http;
    access.url = "https://cp.test";
    access.token = Secret(test::admin_secret);
    return access;
}

}  // namespace

TEST_CASE("rows with a bad slug or id are dropped and counted") {
    const std::string body =
        R"({"orgs":[)" + org("demo", test::org_id, R"(,"instance_status":"running")") + "," +
        org("acme", test::org_id) + "," + org("acme", test::org_id) + "," +
        org("Evil/..", test::org_id) + "," + org("x", "no-uuid") + "," +
        org("gone", test::org_id, R"(,"instance_status":"running","status":"purged")") +
        R"(,7,null,{}]})";
    const auto list = stack::parse_orgs(orgs_request(), json_answer(200, body));
    REQUIRE(list.has_value());
    CHECK(list->rows == 9);
    CHECK(list->rejected == 6);
    REQUIRE(list->tenants.size() == 3);
    CHECK(list->tenants[0].slug == "demo");
    CHECK(list->tenants[0].instance_status == "running");
    CHECK(list->tenants[1].instance_status.empty());
    CHECK(list->tenants[2].instance_status == "purged");
    CHECK(list->response.body.empty());
}

TEST_CASE("an empty list is a value, garbage is a problem") {
    CHECK(stack::parse_orgs(orgs_request(), json_answer(200, R"({"orgs":[]})"))->tenants.empty());
    CHECK(stack::parse_orgs(orgs_request(), json_answer(200, R"({"orgs":null})"))->rows == 0);
    struct Row {
        net::HttpResponse response;
        Reason reason;
    };
    const std::vector<Row> rows{
        {json_answer(200, "[]"), Reason::wrong_body},
        {json_answer(200, "{}"), Reason::wrong_body},
        {json_answer(200, R"({"orgs":{}})"), Reason::wrong_body},
        {json_answer(200, R"({"orgs":[1,2]})"), Reason::wrong_body},
        {json_answer(200, "<html>"), Reason::bad_json},
        {answer(200, "{}", {{"content-type", "text/html"}}), Reason::wrong_content_type},
        {answer(502, "edge"), Reason::http_5xx},
        {json_answer(401, "{}"), Reason::unauthorized},
    };
    for (const Row& row : rows) {
        CAPTURE(row.response.status, row.response.body);
        const auto list = stack::parse_orgs(orgs_request(), row.response);
        REQUIRE(list.has_error());
        CHECK(list.error().reason == row.reason);
    }
}

TEST_CASE("of two rows with one slug the one that is meant to run is the tenant") {
    const std::string gone = R"({"slug":"acme","id":"11111111-1111-4111-8111-111111111111",)"
                             R"("status":"purged","instance_status":"running"})";
    const std::string off = R"({"slug":"acme","id":"22222222-2222-4222-8222-222222222222",)"
                            R"("instance_status":"stopped"})";
    const std::string runs = R"({"slug":"acme","id":"33333333-3333-4333-8333-333333333333",)"
                             R"("instance_status":"running"})";
    const auto chosen = [](const std::string& rows) {
        const auto list =
            stack::parse_orgs(orgs_request(), json_answer(200, "{\"orgs\":[" + rows + "]}"));
        REQUIRE(list.has_value());
        REQUIRE(list->tenants.size() == 1);
        CHECK(list->rejected == list->rows - 1);
        return list->tenants[0].org_id.substr(0, 1);
    };
    CHECK(chosen(gone + "," + runs) == "3");
    CHECK(chosen(runs + "," + gone) == "3");
    CHECK(chosen(gone + "," + off) == "2");
    CHECK(chosen(off + "," + gone + "," + runs) == "3");
    CHECK(chosen(runs + "," + off) == "3");
}

TEST_CASE("without an admin token nothing is asked") {
    test::FakeHttp http;
    auto access = access_to(&http);
    access.token = Secret{};
    const net::Deadline soon = net::deadline_in(Millis{1'000});
    const auto list = test::run(stack::list_orgs(access, "/cp/admin/orgs", soon));
    CHECK(list.error().reason == Reason::credential_missing);
    CHECK(list.error().origin == Origin::local);
    CHECK(http.requests.empty());
}

TEST_CASE("an admin token is taken whole or not at all, and never quoted") {
    struct Row {
        net::HttpResponse response;
        bool good;
    };
    const std::vector<Row> rows{
        {json_answer(200, R"({"admin_token":"tok-abcdef123"})"), true},
        {json_answer(200, R"({"admin_token":""})"), false},
        {json_answer(200, R"({"admin_token":"tok abc"})"), false},
        {json_answer(200, R"({"admin_token":"tok\r\nX: 1"})"), false},
        {json_answer(200, R"({"token":"tok-abcdef123"})"), false},
        {json_answer(200, R"({"admin_token":"tok-abcdef123")"), false},
        {answer(200, R"({"admin_token":"tok-abcdef123"})", {{"content-type", "text/html"}}), false},
        {json_answer(404, R"({"error":"no instance"})"), false},
        {json_answer(500, "{}"), false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.response.status, row.response.body);
        test::FakeHttp http;
        http.on("GET https://cp.test/cp/admin/orgs/acme/admin-token", row.response);
        const auto token = test::run(
            stack::fetch_admin_token(access_to(&http), "/cp/admin/orgs/{slug}/admin-token", "acme",
                                     net::deadline_in(Millis{1'000})));
        REQUIRE(token.has_value() == row.good);
        if (row.good) {
            CHECK(token->reveal() == "tok-abcdef123");
        } else {
            CHECK(token.error().detail.find("abcdef") == std::string::npos);
        }
        CHECK(http.requests.front().bearer->reveal() == test::admin_secret);
    }
}

TEST_CASE("only the exact 404 says that a tenant does not exist") {
    struct Row {
        net::HttpResponse response;
        bool exact;
    };
    const std::vector<Row> rows{
        {json_answer(404, R"({"error":"org not found","slug":"acme"})"), true},
        {json_answer(404, R"({"error":"org not found","slug":"other"})"), false},
        {json_answer(404, R"({"error":"org not found"})"), false},
        {answer(404, "404 page not found", {{"content-type", "text/plain"}}), false},
        {answer(404), false},
        {answer(404, R"({"error":"org not found","slug":"acme"})", {{"content-type", "text/html"}}),
         false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.response.body);
        const auto events = stack::parse_boot_events(orgs_request(), row.response, "acme");
        REQUIRE(events.has_error());
        CHECK(events.error().reason == Reason::not_found);
        CHECK(events.error().exact == row.exact);
    }
}

TEST_CASE("boot events are read by any of their names, newest first") {
    const auto events = stack::parse_boot_events(
        orgs_request(), json_answer(200, R"({"slug":"acme","org_id":"x","events":[
            {"stage":"image_pull","status":"ok","created_at":"2026-05-06T17:00:00Z"},
            {"event":"wait_platform_health","result":"FAILED","detail":"no","ts":1778086860},
            {"step":"workspace_ready","state":"ok","timestamp":1778086920000},
            {"name":"start","ok":false},
            17]})"),
        "acme");
    REQUIRE(events.has_value());
    REQUIRE(events->events.size() == 4);
    CHECK(events->events[0].stage == "workspace_ready");
    CHECK_FALSE(events->events[0].failed);
    CHECK(events->events[1].stage == "wait_platform_health");
    CHECK(events->events[1].text == "no");
    CHECK(events->events[1].failed);
    CHECK(events->events[2].stage == "image_pull");
    CHECK(events->events[3].stage == "start");
    CHECK(events->events[3].failed);
    CHECK_FALSE(events->events[3].at.has_value());
}

TEST_CASE("boot events of another tenant are not believed") {
    const auto events = stack::parse_boot_events(
        orgs_request(), json_answer(200, R"({"slug":"other","events":[]})"), "acme");
    CHECK(events.error().reason == Reason::wrong_body);
    for (const char* body : {"[]", "{}", R"({"events":5})", "null"}) {
        CAPTURE(body);
        CHECK(stack::parse_boot_events(orgs_request(), json_answer(200, body), "acme")
                  .error()
                  .reason == Reason::wrong_body);
    }
}

TEST_CASE("calendar times are read strictly") {
    struct Row {
        const char* text;
        std::int64_t ms;
    };
    const std::vector<Row> good{
        {"1970-01-01T00:00:00Z", 0},
        {"2026-05-06T18:00:00Z", 1'778'090'400'000},
        {"2026-05-06T18:00:00.25Z", 1'778'090'400'250},
        {"2026-05-06T18:00:00.123456789Z", 1'778'090'400'123},
        {"2026-05-06T20:00:00+02:00", 1'778'090'400'000},
        {"2026-05-06t12:30:00-05:30", 1'778'090'400'000},
        {"2026-05-06 18:00:00Z", 1'778'090'400'000},
        {"2024-02-29T00:00:00Z", 1'709'164'800'000},
    };
    for (const Row& row : good) {
        CAPTURE(row.text);
        const auto time = stack::parse_rfc3339(row.text);
        REQUIRE(time.has_value());
        CHECK(to_millis(*time) == row.ms);
    }
    for (const char* text : {"", "2026-05-06", "2026-05-06T18:00:00", "2026-13-06T18:00:00Z",
                             "2025-02-29T00:00:00Z", "2026-05-06T24:00:00Z", "2026-05-06T18:60:00Z",
                             "2026-05-06T18:00:00.Z", "2026-05-06T18:00:00Zx",
                             "2026-05-06T18:00:00+0200", "-026-05-06T18:00:00Z", "yesterday"}) {
        CAPTURE(text);
        CHECK_FALSE(stack::parse_rfc3339(text).has_value());
    }
}
