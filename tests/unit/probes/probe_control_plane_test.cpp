// Why: discovery feeds every other probe; a degraded answer must never empty the inventory, and a
// credential of ours that is refused must never look like a broken login (symptom row 4).
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <fmt/format.h>

#include <functional>

using namespace leverd;
using test::answer;
using test::json_answer;

namespace {

const std::string health = "GET https://cp.test/health";
const std::string login = "GET https://cp.test/cp/auth/me";
const std::string orgs = "GET https://cp.test/cp/admin/orgs?limit=500";

std::string orgs_body(const std::vector<std::pair<std::string, std::string>>& tenants) {
    std::string rows;
    for (const auto& [slug, status] : tenants) {
        rows += fmt::format(R"({}{{"slug":"{}","id":"{}","instance_status":"{}"}})",
                            rows.empty() ? "" : ",", slug, test::org_id, status);
    }
    return R"({"orgs":[)" + rows + "]}";
}

std::string many(int n) {
    std::vector<std::pair<std::string, std::string>> tenants;
    for (int i = 0; i < n; ++i) {
        tenants.emplace_back("t" + std::to_string(i), "running");
    }
    return orgs_body(tenants);
}

struct Answers {
    net::HttpResponse health = json_answer(200, R"({"service":"molecule-cp","status":"ok"})");
    net::HttpResponse login = json_answer(401, "{}");
    net::HttpResponse orgs = json_answer(200, orgs_body({{"acme", "running"}}));
};

std::vector<Observation> look(test::World& world, const Answers& answers) {
    world.http.on(health, answers.health);
    world.http.on(login, answers.login);
    world.http.on(orgs, answers.orgs);
    return world.look("control_plane", "");
}

}  // namespace

TEST_CASE("what each answer of the control plane means") {
    struct Row {
        const char* name;
        std::function<void(Answers&)> change;
        Health health;
        Reason reason;
    };
    const auto html = answer(200, "<html>", {{"content-type", "text/html"}});
    const std::vector<Row> rows{
        {"all fine", [](Answers&) {}, Health::healthy, Reason::ok},
        {"health 500", [](Answers& a) { a.health = answer(500); }, Health::failing,
         Reason::http_5xx},
        {"health html", [html](Answers& a) { a.health = html; }, Health::failing,
         Reason::wrong_content_type},
        {"health bad json", [](Answers& a) { a.health = json_answer(200, "{"); }, Health::failing,
         Reason::bad_json},
        {"health not ok", [](Answers& a) { a.health = json_answer(200, R"({"status":"down"})"); },
         Health::failing, Reason::wrong_body},
        {"health 429", [](Answers& a) { a.health = answer(429); }, Health::unknown,
         Reason::rate_limited},
        {"login 200", [](Answers& a) { a.login = answer(200); }, Health::healthy, Reason::ok},
        {"login 302", [](Answers& a) { a.login = answer(302); }, Health::healthy, Reason::ok},
        {"login 403", [](Answers& a) { a.login = answer(403); }, Health::healthy, Reason::ok},
        {"login 500", [](Answers& a) { a.login = answer(500); }, Health::failing, Reason::http_5xx},
        {"login 404", [](Answers& a) { a.login = answer(404, "x"); }, Health::unknown,
         Reason::not_found},
        {"admin 401", [](Answers& a) { a.orgs = json_answer(401, "{}"); }, Health::unknown,
         Reason::unauthorized},
        {"admin 403", [](Answers& a) { a.orgs = json_answer(403, "{}"); }, Health::unknown,
         Reason::forbidden},
        {"admin 429", [](Answers& a) { a.orgs = json_answer(429, "{}"); }, Health::unknown,
         Reason::rate_limited},
        {"admin 404", [](Answers& a) { a.orgs = answer(404, "404 page not found"); },
         Health::unknown, Reason::not_found},
        {"admin 502", [](Answers& a) { a.orgs = answer(502, "edge"); }, Health::failing,
         Reason::http_5xx},
        {"admin html", [html](Answers& a) { a.orgs = html; }, Health::failing,
         Reason::wrong_content_type},
        {"admin garbage", [](Answers& a) { a.orgs = json_answer(200, R"({"orgs":[1]})"); },
         Health::failing, Reason::wrong_body},
        {"admin 401 and login 500",
         [](Answers& a) {
             a.orgs = json_answer(401, "{}");
             a.login = answer(500);
         },
         Health::failing, Reason::http_5xx},
        {"empty list", [](Answers& a) { a.orgs = json_answer(200, R"({"orgs":[]})"); },
         Health::unknown, Reason::inventory_empty},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        Answers answers;
        row.change(answers);
        const auto seen = look(world, answers);
        REQUIRE_FALSE(seen.empty());
        CHECK(seen[0].subject == Subject("control-plane"));
        CHECK(seen[0].probe == "control_plane");
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
        CHECK(seen[0].evidence.find(test::admin_secret) == std::string::npos);
        CHECK(world.inventory.tenants.contains("acme"));
        CHECK((seen.size() > 1) == (row.name != std::string("empty list") &&
                                    std::string(row.name).rfind("admin", 0) != 0));
    }
}

TEST_CASE("transport trouble keeps its phase, ours is unknown") {
    test::World world;
    world.http.on(health, test::failure(Reason::connect_timeout));
    CHECK(world.look("control_plane", "").front().reason == Reason::connect_timeout);
    CHECK(world.look("control_plane", "").front().health == Health::failing);
    test::World ours;
    for (const auto& call : {health, login, orgs}) {
        ours.http.on(call, test::failure(Reason::resolver_down, Origin::local));
    }
    const auto seen = ours.look("control_plane", "").front();
    CHECK(seen.health == Health::unknown);
    CHECK(seen.origin == Origin::local);
    CHECK(seen.reason == Reason::resolver_down);
}

TEST_CASE("each tenant of a believed list gets a row with its instance status") {
    test::World world;
    Answers answers;
    answers.orgs = json_answer(200, orgs_body({{"acme", "running"},
                                               {"boot", "provisioning"},
                                               {"halt", "stopped"},
                                               {"dead", "failed"},
                                               {"none", ""}}));
    const auto seen = look(world, answers);
    REQUIRE(seen.size() == 6);
    struct Row {
        const char* subject;
        Health health;
        Reason reason;
        const char* status;
    };
    const std::vector<Row> rows{
        {"tenant/acme", Health::healthy, Reason::ok, "running"},
        {"tenant/boot", Health::degraded, Reason::provisioning, "provisioning"},
        {"tenant/halt", Health::degraded, Reason::stopped, "stopped"},
        {"tenant/dead", Health::degraded, Reason::not_running, "failed"},
        {"tenant/none", Health::degraded, Reason::not_running, ""},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(rows[i].subject);
        const Observation& row = seen[i + 1];
        CHECK(row.subject == Subject(rows[i].subject));
        CHECK(row.health == rows[i].health);
        CHECK(row.reason == rows[i].reason);
        CHECK(row.attributes.at("instance_status") == rows[i].status);
        CHECK(row.seen == world.clock.value);
    }
    CHECK(world.inventory.tenants.size() == 5);
}

TEST_CASE("a list that lost more than half is not believed and the old one stays") {
    test::World world;
    Answers full;
    full.orgs = json_answer(200, many(12));
    world.inventory.tenants.clear();
    look(world, full);
    REQUIRE(world.inventory.tenants.size() == 12);

    test::World shrunken;
    shrunken.inventory.tenants = world.inventory.tenants;
    Answers half;
    half.orgs = json_answer(200, many(5));
    const auto seen = look(shrunken, half);
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].health == Health::unknown);
    CHECK(seen[0].reason == Reason::inventory_shrunk);
    CHECK(shrunken.inventory.tenants.size() == 12);

    test::World smaller;
    smaller.inventory.tenants = world.inventory.tenants;
    smaller.inventory.admin_tokens["t9"] = Secret("x-token");
    smaller.inventory.workspaces["t9"] = {};
    Answers most;
    most.orgs = json_answer(200, many(8));
    // Those that ran are called missing and looked at a while longer; then they are gone.
    const auto missed = look(smaller, most);
    CHECK(missed.size() == 9);
    CHECK(missed[0].health == Health::degraded);
    CHECK(missed[0].reason == Reason::inventory_shrunk);
    CHECK(
        missed[0].evidence ==
        "12 tenants, missing without a reason: t10, t11, t8 and 1 more; looked at for 15m all the "
        "same");
    CHECK(smaller.inventory.tenants.size() == 12);
    smaller.clock.value.at += std::chrono::minutes{16};
    const auto later = look(smaller, most);
    CHECK(later.size() == 13);
    CHECK(later[0].health == Health::healthy);
    CHECK(later.back().reason == Reason::removed);
    CHECK(smaller.inventory.tenants.size() == 8);
    CHECK_FALSE(smaller.inventory.admin_tokens.contains("t9"));
    CHECK_FALSE(smaller.inventory.workspaces.contains("t9"));
}

TEST_CASE("a tenant that was stopped before it vanished had a reason") {
    test::World world;
    world.inventory.tenants["halt"] = Tenant{"halt", test::org_id, "stopped"};
    const auto seen = look(world, Answers{});
    CHECK(seen[0].health == Health::healthy);
    CHECK(seen.back().subject == Subject("tenant/halt"));
    CHECK(seen.back().reason == Reason::removed);
    CHECK_FALSE(world.inventory.tenants.contains("halt"));
}

TEST_CASE("an empty first list is not believed, after a restart neither a shrunken one") {
    test::World nobody;
    nobody.inventory.tenants.clear();
    Answers none;
    none.orgs = json_answer(200, R"({"orgs":[]})");
    CHECK(look(nobody, none)[0].reason == Reason::inventory_empty);

    test::World restarted;
    restarted.inventory.tenants.clear();
    for (int i = 0; i < 12; ++i) {
        restarted.inventory.expected.insert("t" + std::to_string(i));
    }
    Answers few;
    few.orgs = json_answer(200, many(4));
    CHECK(look(restarted, few)[0].reason == Reason::inventory_shrunk);
    CHECK(restarted.inventory.tenants.empty());

    test::World fewer;
    fewer.inventory.tenants.clear();
    fewer.inventory.expected = restarted.inventory.expected;
    Answers most;
    most.orgs = json_answer(200, many(10));
    const auto seen = look(fewer, most);
    CHECK(seen[0].health == Health::degraded);
    CHECK(fewer.inventory.tenants.size() == 10);
}

TEST_CASE("a full page never says that somebody is gone") {
    test::World world;
    world.config.control_plane.orgs_path = "/orgs?limit=2";
    world.http.on(health, Answers{}.health);
    world.http.on(login, Answers{}.login);
    world.http.on("GET https://cp.test/orgs?limit=2",
                  json_answer(200, orgs_body({{"b", "running"}, {"c", "running"}})));
    CHECK(world.look("control_plane", "").size() == 3);
    CHECK(world.inventory.tenants.size() == 3);
    CHECK(world.inventory.tenants.contains("acme"));
}

TEST_CASE("include and exclude decide who is watched") {
    test::World world;
    world.config.tenants.include = {"acme*", "demo"};
    world.config.tenants.exclude = {"acme-2"};
    Answers answers;
    answers.orgs = json_answer(200, orgs_body({{"acme", "running"},
                                               {"acme-2", "running"},
                                               {"demo", "running"},
                                               {"other", "running"}}));
    CHECK(look(world, answers).size() == 3);
    CHECK(world.inventory.tenants.size() == 2);
    const auto* kind = probes::find_probe_kind("tenant_health");
    CHECK(kind->targets(world.context) == std::vector<std::string>{"acme", "demo"});
}

TEST_CASE("a tenant that comes back as another organisation loses its token") {
    test::World world;
    world.inventory.tenants["acme"].org_id = "00000000-0000-4000-8000-000000000000";
    look(world, Answers{});
    CHECK(world.inventory.admin_tokens.empty());
    CHECK(world.inventory.tenants.at("acme").org_id == test::org_id);
}

TEST_CASE("only the admin read carries the admin token") {
    test::World world;
    look(world, Answers{});
    REQUIRE(world.http.requests.size() == 3);
    CHECK_FALSE(world.http.requests[0].bearer.has_value());
    CHECK_FALSE(world.http.requests[1].bearer.has_value());
    CHECK(world.http.requests[2].bearer->reveal() == test::admin_secret);
}
