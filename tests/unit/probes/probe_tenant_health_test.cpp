// Why: this look decides whether a tenant is called down (symptom row 2) and whether lever C
// helped, so every odd answer of the edge and the guard has its row here.
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

using namespace leverd;
using test::answer;
using test::fact;
using test::json_answer;

namespace {

const std::string health = "GET https://acme.test/health";
const std::string workspaces = "GET https://acme.test/workspaces";
const std::string metrics = "GET https://acme.test/metrics";
const std::string admin_token = "GET https://cp.test/cp/admin/orgs/acme/admin-token";

net::HttpResponse good_health() {
    return json_answer(200, R"({"status":"ok"})");
}

net::HttpResponse metrics_text() {
    return answer(200, "molecule_http_requests_total{path=\"/x\"} 41\n",
                  {{"content-type", "text/plain; version=0.0.4"}});
}

Observation look(test::World& world) {
    const auto all = world.look("tenant_health", "acme");
    REQUIRE(all.size() == 1);
    CHECK(all[0].subject == Subject("tenant/acme"));
    CHECK(all[0].probe == "tenant_health");
    CHECK(all[0].attributes.at("tenant") == "acme");
    CHECK(all[0].seen == world.clock.value);
    CHECK(all[0].evidence.find(test::tenant_secret) == std::string::npos);
    return all[0];
}

}  // namespace

TEST_CASE("what each answer of /health means") {
    struct Row {
        const char* name;
        net::HttpResponse response;
        Health health;
        Reason reason;
    };
    const std::vector<Row> rows{
        {"splash with 200", answer(200, "<html>starting", {{"content-type", "text/html"}}),
         Health::failing, Reason::wrong_content_type},
        {"not json", json_answer(200, "ok"), Health::failing, Reason::bad_json},
        {"wrong status", json_answer(200, R"({"status":"starting"})"), Health::failing,
         Reason::wrong_body},
        {"no object", json_answer(200, R"(["ok"])"), Health::failing, Reason::wrong_body},
        {"status is no text", json_answer(200, R"({"status":true})"), Health::failing,
         Reason::wrong_body},
        {"deep json", json_answer(200, std::string(100'000, '[')), Health::failing,
         Reason::bad_json},
        {"500", answer(500, "x"), Health::failing, Reason::http_5xx},
        {"502", answer(502, "canvas unavailable"), Health::failing, Reason::http_5xx},
        {"530", answer(530, "error code: 1033"), Health::failing, Reason::http_5xx},
        {"guard 404", answer(404), Health::unknown, Reason::guard_not_found},
        {"404 with a body", answer(404, "nope"), Health::failing, Reason::not_found},
        {"401", json_answer(401, "{}"), Health::unknown, Reason::unauthorized},
        {"403", answer(403, "edge"), Health::unknown, Reason::forbidden},
        {"429", json_answer(429, "{}"), Health::unknown, Reason::rate_limited},
        {"302", answer(302), Health::failing, Reason::http_redirect},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        world.http.on(health, row.response);
        const Observation seen = look(world);
        CHECK(seen.health == row.health);
        CHECK(seen.reason == row.reason);
        CHECK(seen.facts.empty());
        CHECK(world.http.requests.size() == 1);
    }
}

TEST_CASE("transport failures keep their phase and their owner") {
    struct Row {
        Reason reason;
        Origin origin;
        Health health;
    };
    const std::vector<Row> rows{
        {Reason::dns_not_found, Origin::target, Health::failing},
        {Reason::connect_refused, Origin::target, Health::failing},
        {Reason::connect_timeout, Origin::target, Health::failing},
        {Reason::tls_expired, Origin::target, Health::failing},
        {Reason::tls_untrusted, Origin::target, Health::failing},
        {Reason::tls_wrong_name, Origin::target, Health::failing},
        {Reason::header_timeout, Origin::target, Health::failing},
        {Reason::connection_cut, Origin::target, Health::failing},
        {Reason::resolver_down, Origin::local, Health::unknown},
        {Reason::no_descriptors, Origin::local, Health::unknown},
        {Reason::deadline_local, Origin::local, Health::unknown},
    };
    for (const Row& row : rows) {
        test::World world;
        world.http.on(health, test::failure(row.reason, row.origin));
        const Observation seen = look(world);
        CHECK(seen.health == row.health);
        CHECK(seen.reason == row.reason);
        CHECK(seen.origin == row.origin);
    }
}

TEST_CASE("a healthy tenant proves its read, its counter and its certificate") {
    test::World world;
    auto response = good_health();
    response.certificate_expires = world.clock.value.wall + Millis{36 * 3'600'000};
    world.http.on(health, response);
    world.http.on(workspaces, json_answer(200, "[]"));
    world.http.on(metrics, metrics_text());
    const Observation seen = look(world);
    CHECK(seen.health == Health::healthy);
    CHECK(seen.reason == Reason::ok);
    CHECK(fact(seen, "auth_read") == 1);
    CHECK(fact(seen, "requests_total") == 41);
    CHECK(fact(seen, "certificate_days") == 1.5);
    CHECK(seen.phases.header == Millis{31});
    CHECK(seen.evidence == "GET https://acme.test/health: 200 in 31 ms; 0 workspaces listed");
    const auto* read = world.http.find(workspaces);
    REQUIRE(read != nullptr);
    CHECK(read->bearer->reveal() == test::tenant_secret);
    CHECK(test::header_of(*read, "X-Molecule-Org-Id") == test::org_id);
    CHECK(test::header_of(*read, "Origin") == "https://acme.test");
}

TEST_CASE("what the authenticated read adds") {
    struct Row {
        const char* name;
        net::HttpResponse response;
        Health health;
        Reason reason;
        double auth_read;
    };
    const std::vector<Row> rows{
        {"datastore", json_answer(503, R"({"code":"platform_unavailable"})"), Health::degraded,
         Reason::datastore_down, 0},
        {"other 5xx", answer(500), Health::degraded, Reason::http_5xx, 0},
        {"html with 200", answer(200, "<html>", {{"content-type", "text/html"}}), Health::degraded,
         Reason::wrong_content_type, 0},
        {"no list", json_answer(200, "{}"), Health::degraded, Reason::wrong_body, 0},
        {"guard 404", answer(404), Health::healthy, Reason::ok, 0},
        {"403", json_answer(403, "{}"), Health::healthy, Reason::ok, 0},
        {"429", json_answer(429, "{}"), Health::healthy, Reason::ok, -1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        world.http.on(health, good_health());
        world.http.on(workspaces, row.response);
        const Observation seen = look(world);
        CHECK(seen.health == row.health);
        CHECK(seen.reason == row.reason);
        CHECK(fact(seen, "auth_read") == row.auth_read);
        CHECK(fact(seen, "requests_total") == -1);
    }
}

TEST_CASE("a 401 fetches the token anew, once") {
    const auto refused = json_answer(401, R"({"error":"invalid admin auth token"})");
    SECTION("and the new one fits") {
        test::World world;
        world.http.on(health, good_health());
        world.http.on(workspaces, refused);
        world.http.on(workspaces, json_answer(200, "[]"));
        world.http.on(admin_token, json_answer(200, R"({"admin_token":"rotated-token"})"));
        CHECK(fact(look(world), "auth_read") == 1);
        CHECK(world.inventory.admin_tokens.at("acme").reveal() == "rotated-token");
        CHECK(world.http.count(admin_token) == 1);
    }
    SECTION("and the new one does not fit either") {
        test::World world;
        world.http.on(health, good_health());
        world.http.on(workspaces, refused);
        world.http.on(admin_token, json_answer(200, R"({"admin_token":"rotated-token"})"));
        const Observation seen = look(world);
        CHECK(seen.health == Health::healthy);
        CHECK(fact(seen, "auth_read") == 0);
        CHECK(world.http.count(workspaces) == 2);
        CHECK(world.http.count(admin_token) == 1);
    }
    SECTION("and a token just fetched is not fetched again") {
        test::World world;
        world.inventory.admin_tokens.clear();
        world.http.on(health, good_health());
        world.http.on(workspaces, refused);
        world.http.on(admin_token, json_answer(200, R"({"admin_token":"fresh-token"})"));
        CHECK(fact(look(world), "auth_read") == 0);
        CHECK(world.http.count(workspaces) == 1);
        CHECK(world.http.count(admin_token) == 1);
        CHECK(world.inventory.admin_tokens.empty());
    }
}

TEST_CASE("no token to be had says nothing about the tenant") {
    test::World world;
    world.inventory.admin_tokens.clear();
    world.http.on(health, good_health());
    world.http.on(admin_token, test::failure(Reason::connect_refused));
    world.http.on(metrics, metrics_text());
    const Observation seen = look(world);
    CHECK(seen.health == Health::healthy);
    CHECK(fact(seen, "auth_read") == -1);
    CHECK(fact(seen, "requests_total") == 41);
    CHECK(world.http.count(workspaces) == 0);
}

TEST_CASE("a read that hangs behind a good health is degraded") {
    test::World world;
    world.http.on(health, good_health());
    world.http.on(workspaces, test::failure(Reason::header_timeout));
    const Observation seen = look(world);
    CHECK(seen.health == Health::degraded);
    CHECK(seen.reason == Reason::header_timeout);
}
