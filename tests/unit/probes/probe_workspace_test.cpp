// Why: the workspace looks are the evidence behind deleting a workspace (symptom row 1), the one
// lever that cannot be undone.
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <fmt/format.h>

using namespace leverd;
using test::answer;
using test::fact;
using test::json_answer;

namespace {

const std::string id_1 = "11111111-1111-4111-8111-111111111111";
const std::string id_2 = "22222222-2222-4222-8222-222222222222";
const std::string list = "GET https://acme.test/workspaces";

std::string activity_call(const std::string& id) {
    return "GET https://acme.test/workspaces/" + id + "/activity?type=a2a_receive&limit=100";
}

std::string row(const std::string& id, const std::string& status, const std::string& rest = {}) {
    return fmt::format(R"({{"id":"{}","name":"n","runtime":"hermes","status":"{}"{}}})", id, status,
                       rest);
}

// A request `seconds` before now, with this text as answer.
std::string request_row(int seconds, const std::string& text, const char* status = "ok") {
    const WallTime at = test::FixedClock{}.value.wall - Millis{seconds * 1000};
    return fmt::format(
        R"({{"id":"{}","activity_type":"a2a_receive","status":"{}","created_at":"{}",)"
        R"("response_body":{{"result":{{"parts":[{{"text":"{}"}}]}}}}}})",
        seconds, status, format_rfc3339(at), text);
}

void know_workspace(test::World& world, const std::string& id, const std::string& status) {
    world.inventory.workspaces["acme"].push_back(WorkspaceRow{id, "n", "hermes", status});
}

// What the look says about workspaces, without the line about the tenant as a whole.
std::vector<Observation> rows_of(test::World& world, const std::string& slug) {
    auto seen = world.look("workspace_status", slug);
    std::erase_if(seen, [](const auto& look) { return look.subject.kind() != "workspace"; });
    return seen;
}

}  // namespace

TEST_CASE("each status word has its health") {
    struct Row {
        const char* status;
        Health health;
        Reason reason;
    };
    const std::vector<Row> rows{
        {"online", Health::healthy, Reason::ok},
        {"degraded", Health::degraded, Reason::workspace_degraded},
        {"provisioning", Health::degraded, Reason::provisioning},
        {"failed", Health::failing, Reason::workspace_failed},
        {"offline", Health::failing, Reason::workspace_offline},
        {"paused", Health::unknown, Reason::paused},
        {"hibernated", Health::unknown, Reason::paused},
        {"hibernating", Health::unknown, Reason::paused},
        {"awaiting_agent", Health::unknown, Reason::unknown_state},
        {"", Health::unknown, Reason::unknown_state},
        {"ONLINE", Health::unknown, Reason::unknown_state},
    };
    for (const Row& r : rows) {
        CAPTURE(r.status);
        test::World world;
        world.http.on(list, json_answer(200, "[" +
                                                 row(id_1, r.status,
                                                     R"(,"last_sample_error":"boom",)"
                                                     R"("active_tasks":3,"last_error_rate":0.7)") +
                                                 "]"));
        const auto seen = rows_of(world, "acme");
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].subject == Subject("workspace/acme/" + id_1));
        CHECK(seen[0].health == r.health);
        CHECK(seen[0].reason == r.reason);
        CHECK(seen[0].attributes ==
              Attributes{{"tenant", "acme"}, {"runtime", "hermes"}, {"name", "n"}});
        CHECK(fact(seen[0], "active_tasks") == 3);
        CHECK(fact(seen[0], "error_rate") == 0.7);
        CHECK(fact(seen[0], "children") == 0);
        CHECK(seen[0].evidence.find("boom") != std::string::npos);
        CHECK(world.inventory.workspaces["acme"].size() == 1);
    }
}

TEST_CASE("what the platform allows a boot is told, and nonsense is not") {
    const std::vector<std::pair<std::string, double>> rows{
        {R"(,"provision_timeout_ms":720000)", 720},  {"", -1},
        {R"(,"provision_timeout_ms":"720000")", -1}, {R"(,"provision_timeout_ms":-5)", -1},
        {R"(,"provision_timeout_ms":1e300)", -1},
    };
    for (const auto& [rest, seconds] : rows) {
        CAPTURE(rest);
        test::World world;
        world.http.on(list, json_answer(200, "[" + row(id_1, "provisioning", rest) + "]"));
        const auto seen = rows_of(world, "acme");
        REQUIRE(seen.size() == 1);
        CHECK(fact(seen[0], "provision_seconds") == seconds);
    }
}

TEST_CASE("who leaves a complete list is removed, once") {
    test::World world;
    know_workspace(world, id_1, "online");
    know_workspace(world, id_2, "online");
    world.http.on(list, json_answer(200, "[" + row(id_2, "online") + "]"));
    const auto first = rows_of(world, "acme");
    REQUIRE(first.size() == 2);
    CHECK(first[1].subject == Subject("workspace/acme/" + id_1));
    CHECK(first[1].health == Health::unknown);
    CHECK(first[1].reason == Reason::removed);
    CHECK(first[1].attributes.at("runtime") == "hermes");
    CHECK(rows_of(world, "acme").size() == 1);
}

TEST_CASE("a row that says removed is reported once, too") {
    test::World world;
    know_workspace(world, id_1, "online");
    world.http.on(list, json_answer(200, "[" + row(id_1, "removed") + "]"));
    const auto first = rows_of(world, "acme");
    REQUIRE(first.size() == 1);
    CHECK(first[0].reason == Reason::removed);
    CHECK(rows_of(world, "acme").empty());
    world.http.on(list, json_answer(200, "[]"));
    CHECK(rows_of(world, "acme").empty());
}

TEST_CASE("absence from an incomplete list proves nothing") {
    test::World world;
    know_workspace(world, id_1, "online");
    world.http.on(list, json_answer(200, R"([{"id":"broken"}])"));
    CHECK(rows_of(world, "acme").empty());
    CHECK(world.inventory.workspaces["acme"].size() == 1);
}

TEST_CASE(
    "a list that was read says so about the tenant, which takes back an earlier unreadable one") {
    test::World world;
    world.http.on(list, json_answer(200, "[]"));
    const auto seen = world.look("workspace_status", "acme");
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].subject == Subject("tenant/acme"));
    CHECK(seen[0].health == Health::healthy);
}

TEST_CASE("an unreadable list is one unknown look at the tenant") {
    const std::vector<net::HttpResponse> answers{
        answer(500), answer(404), json_answer(401, "{}"), json_answer(200, "{}"),
        answer(200, "<html>", {{"content-type", "text/html"}})};
    for (const auto& response : answers) {
        CAPTURE(response.status);
        test::World world;
        know_workspace(world, id_1, "online");
        world.http.on(list, response);
        const auto seen = world.look("workspace_status", "acme");
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].subject == Subject("tenant/acme"));
        CHECK(seen[0].probe == "workspace_status");
        CHECK(seen[0].health == Health::unknown);
        CHECK(world.inventory.workspaces["acme"].size() == 1);
    }
}

namespace {

struct Ended {
    const char* name;
    std::vector<std::string> rows;  // newest first
    Health health;
    Reason reason;
    Facts facts;
};

std::vector<Ended> endings() {
    const std::string bad = "Agent error (RuntimeError) x";
    const std::string provider = "Agent error (rate_limited) x";
    return {
        {"none",
         {},
         Health::unknown,
         Reason::no_traffic,
         {{"requests", 0}, {"failed", 0}, {"failed_percent", 0}, {"clean_last", 0}}},
        {"too old",
         {request_row(700, bad)},
         Health::unknown,
         Reason::no_traffic,
         {{"requests", 0}}},
        {"all failed",
         {request_row(10, bad), request_row(70, bad), request_row(190, bad)},
         Health::failing,
         Reason::agent_errors,
         {{"requests", 3},
          {"failed", 3},
          {"failed_percent", 100},
          {"spread_seconds", 180},
          {"clean_last", 0},
          {"clean", 0},
          {"provider_faults", 0}}},
        {"status column",
         {request_row(10, "", "error"), request_row(20, "", "timeout")},
         Health::failing,
         Reason::agent_errors,
         {{"failed", 2}, {"spread_seconds", 10}}},
        {"provider among them",
         {request_row(10, bad), request_row(70, provider)},
         Health::degraded,
         Reason::provider_fault,
         {{"provider_faults", 1}}},
        {"some",
         {request_row(10, "fine"), request_row(70, bad), request_row(80, bad)},
         Health::degraded,
         Reason::agent_sometimes_errors,
         {{"clean_last", 1}, {"clean", 1}, {"failed", 2}, {"spread_seconds", 10}}},
        {"last failed",
         {request_row(10, bad), request_row(70, "fine")},
         Health::degraded,
         Reason::agent_sometimes_errors,
         {{"clean_last", 0}, {"failed_percent", 50}}},
        {"none failed",
         {request_row(10, "fine"), request_row(70, "good")},
         Health::healthy,
         Reason::ok,
         {{"requests", 2}, {"clean", 2}, {"clean_last", 1}}},
        {"duplicates",
         {request_row(10, bad), request_row(10, bad), request_row(20, "fine")},
         Health::degraded,
         Reason::agent_sometimes_errors,
         {{"requests", 2}}},
    };
}

}  // namespace

TEST_CASE("how the requests of the window ended decides") {
    for (const Ended& r : endings()) {
        for (const bool ascending : {false, true}) {
            CAPTURE(r.name, ascending);
            auto ordered = r.rows;
            if (ascending) {
                std::reverse(ordered.begin(), ordered.end());
            }
            std::string body;
            for (const auto& text : ordered) {
                body += (body.empty() ? "" : ",") + text;
            }
            test::World world;
            know_workspace(world, id_1, "online");
            world.http.on(activity_call(id_1), json_answer(200, "[" + body + "]"));
            const auto seen = world.look("workspace_activity", "acme");
            REQUIRE(seen.size() == 1);
            CHECK(seen[0].subject == Subject("workspace/acme/" + id_1));
            CHECK(seen[0].health == r.health);
            CHECK(seen[0].reason == r.reason);
            CHECK(seen[0].attributes.at("runtime") == "hermes");
            for (const auto& [name, value] : r.facts) {
                CAPTURE(name);
                CHECK(fact(seen[0], name) == value);
            }
        }
    }
}

TEST_CASE("chat never becomes evidence, a failure text does") {
    test::World world;
    know_workspace(world, id_1, "online");
    world.http.on(activity_call(id_1),
                  json_answer(200, "[" + request_row(1, "my private diary") + "," +
                                       request_row(2, "Agent error (ValueError) x") + "]"));
    const auto seen = world.look("workspace_activity", "acme");
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].evidence ==
          "2 requests in the last 10m, 1 failed, 0 by the provider; last failure "
          "\"Agent error (ValueError) x\"");
}

TEST_CASE("only workspaces that talk are asked, and trouble of the tenant ends the round") {
    test::World world;
    know_workspace(world, id_1, "paused");
    know_workspace(world, id_2, "failed");
    CHECK(world.look("workspace_activity", "acme").empty());
    CHECK(world.http.requests.empty());

    test::World down;
    know_workspace(down, id_1, "online");
    know_workspace(down, id_2, "degraded");
    const auto seen = down.look("workspace_activity", "acme");
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].health == Health::unknown);
    CHECK(seen[0].reason == Reason::connect_refused);
    CHECK(down.http.requests.size() == 1);
}

TEST_CASE("one workspace that is not found does not end the round") {
    test::World world;
    know_workspace(world, id_1, "online");
    know_workspace(world, id_2, "online");
    world.http.on(activity_call(id_1), json_answer(404, R"({"error":"workspace not found"})"));
    world.http.on(activity_call(id_2), json_answer(200, "[]"));
    CHECK(world.look("workspace_activity", "acme").size() == 2);
}

TEST_CASE("a history that is too large is asked for in a smaller piece") {
    test::World world;
    know_workspace(world, id_1, "online");
    world.http.on(activity_call(id_1), test::failure(Reason::body_too_large));
    world.http.on(
        "GET https://acme.test/workspaces/" + id_1 + "/activity?type=a2a_receive&limit=10",
        json_answer(200, "[" + request_row(5, "fine") + "]"));
    const auto seen = world.look("workspace_activity", "acme");
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].health == Health::healthy);
}
