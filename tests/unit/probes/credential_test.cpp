// Why: this look says whether a secret is good, so it must not be fooled by a route that never
// looks at it, must not blame the secret for a restart, and must not show it anywhere.
#include "config/checks.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace leverd {
namespace {

using test::answer;
using test::fact;
using test::json_answer;

const std::string url = "https://api.test/admin";
const std::string secret = "rotating-secret-value";

struct Desk : test::World {
    Desk() {
        check.url = url;
        check.login.bearer = "key";
        secrets.emplace("key", Secret(secret));
    }

    void says(int with, int without) {
        http.on("GET " + url, answer(with, "{\"echo\":\"" + secret + "\"}"));
        http.on("GET " + url, answer(without, "no"));
    }

    Observation look() {
        probes::Task task{"cp-admin", "", {}};
        task.settings.kind = "credential";
        task.settings.name = "cp-admin";
        task.settings.subject = "credential/cp-admin";
        task.settings.check = std::make_shared<const config::Check>(config::Check{check});
        const auto* row = probes::find_probe_kind("credential");
        const auto all = test::run(row->look(context, task, net::deadline_in(Millis{5'000})));
        REQUIRE(all.size() == 1);
        CHECK(all[0].subject == Subject("credential/cp-admin"));
        CHECK(all[0].evidence.find(secret) == std::string::npos);
        for (const auto& [name, value] : all[0].attributes) {
            CHECK(value.find(secret) == std::string::npos);
        }
        return all[0];
    }

    config::CredentialCheck check;
};

}  // namespace

TEST_CASE("a credential is judged by an answer to it, and by a route that refuses without it") {
    struct Row {
        const char* name;
        int with;
        int without;
        Health health;
        Reason reason;
        double valid;
    };
    const std::vector<Row> rows{
        {"valid", 200, 401, Health::healthy, Reason::ok, 1},
        {"valid, 403 without", 204, 403, Health::healthy, Reason::ok, 1},
        {"valid, hidden without", 200, 404, Health::healthy, Reason::ok, 1},
        {"refused", 401, 401, Health::failing, Reason::unauthorized, 0},
        {"forbidden", 403, 401, Health::failing, Reason::forbidden, 0},
        {"a route that does not check", 200, 200, Health::unknown, Reason::credential_untested, -1},
        {"nobody knows about the check", 200, 503, Health::unknown, Reason::http_5xx, -1},
        {"a restart", 503, 401, Health::unknown, Reason::http_5xx, -1},
        {"our pace", 429, 401, Health::unknown, Reason::rate_limited, -1},
        {"a wrong path", 404, 404, Health::unknown, Reason::not_found, -1},
        {"a redirect to a login page", 302, 302, Health::unknown, Reason::http_redirect, -1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Desk desk;
        desk.says(row.with, row.without);
        const Observation seen = desk.look();
        CHECK(seen.health == row.health);
        CHECK(seen.reason == row.reason);
        CHECK(fact(seen, "valid") == row.valid);
        CHECK(desk.http.requests[0].bearer.has_value());
        if (desk.http.requests.size() > 1) {
            CHECK_FALSE(desk.http.requests[1].bearer.has_value());
        }
    }
}

TEST_CASE("without an answer or a secret a credential is not judged") {
    Desk down;
    CHECK(down.look().health == Health::unknown);
    CHECK(down.look().reason == Reason::connect_refused);
    Desk missing;
    missing.secrets.clear();
    CHECK(missing.look().reason == Reason::credential_missing);
    CHECK(missing.look().health == Health::unknown);
    CHECK(missing.http.requests.empty());
}

TEST_CASE("the scope is what further routes accept") {
    struct Row {
        int status;
        Health health;
        Reason reason;
        const char* words;
    };
    const std::vector<Row> rows{
        {200, Health::healthy, Reason::ok, "1 further routes accept it"},
        {403, Health::degraded, Reason::forbidden, "it is valid and may not do this: "},
        {503, Health::healthy, Reason::ok, "its scope is not known"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.status);
        Desk desk;
        desk.check.also = {"https://api.test/write"};
        desk.says(200, 401);
        desk.http.on("GET https://api.test/write", answer(row.status));
        const Observation seen = desk.look();
        CHECK(seen.health == row.health);
        CHECK(seen.reason == row.reason);
        CHECK(seen.evidence.find(row.words) != std::string::npos);
    }
}

TEST_CASE("age counts from the operator's word, else from the secret's file") {
    const auto age = [](Desk& desk, int max_days) {
        desk.check.max_age = Millis{std::int64_t{max_days} * 86'400'000};
        desk.says(200, 401);
        return desk.look();
    };
    Desk said;  // the clock says 2026-05-06T18:00:00Z
    said.check.rotated = WallTime{said.clock.value.wall - Millis{10 * 86'400'000}};
    const Observation young = age(said, 90);
    CHECK(young.health == Health::healthy);
    CHECK(fact(young, "age_days") == 10);
    Desk old;
    old.check.rotated = said.check.rotated;
    const Observation due = age(old, 9);
    CHECK(due.health == Health::degraded);
    CHECK(due.reason == Reason::credential_old);
    Desk unknown;
    const Observation ageless = age(unknown, 1);
    CHECK(ageless.health == Health::healthy);
    CHECK(fact(ageless, "age_days") == -1);
    CHECK(ageless.evidence.find("nobody says when") != std::string::npos);

    std::string name = (std::filesystem::temp_directory_path() / "leverd-key-XXXXXX").string();
    const int fd = mkstemp(name.data());
    REQUIRE(fd >= 0);
    Desk file;
    const auto seconds = file.clock.value.wall.time_since_epoch().count() / 1000 - 2 * 86'400;
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    REQUIRE(::futimens(fd, times) == 0);
    ::close(fd);
    file.config.secrets["key"].file = name;
    CHECK(fact(age(file, 1), "age_days") == 2);
    std::filesystem::remove(name);
}

TEST_CASE("a query is refused with 200, and only an answer with data accepts a credential") {
    struct Row {
        const char* with;
        const char* without;
        Health health;
        Reason reason;
        double valid;
    };
    const char* data = R"({"data":{"projectToken":{"projectId":"p"}}})";
    const char* no = R"({"errors":[{"message":"Not Authorized"}],"data":null})";
    const std::vector<Row> rows{
        {data, no, Health::healthy, Reason::ok, 1},
        {no, no, Health::failing, Reason::unauthorized, 0},
        {data, data, Health::unknown, Reason::credential_untested, -1},
        {R"({"errors":[{"message":"Cannot query this field"}]})", no, Health::unknown,
         Reason::wrong_body, -1},
        {R"({"errors":[{"message":"Rate limit"}]})", no, Health::unknown, Reason::rate_limited, -1},
        {"<html>", no, Health::unknown, Reason::wrong_content_type, -1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.with);
        Desk desk;
        desk.check.header = "Project-Access-Token";
        desk.check.graphql = "query { projectToken { projectId } }";
        for (const char* body : {row.with, row.without}) {
            desk.http.on("POST " + url, *body == '<' ? answer(200, body) : json_answer(200, body));
        }
        const Observation seen = desk.look();
        CHECK(seen.health == row.health);
        CHECK(seen.reason == row.reason);
        CHECK(fact(seen, "valid") == row.valid);
        const auto told = seen.evidence.find("refused without it (200, Not Authorized)");
        CHECK((told != std::string::npos) == (row.health == Health::healthy));
        const auto& first = desk.http.requests[0];
        CHECK_FALSE(first.bearer.has_value());
        CHECK(first.headers.back() ==
              std::pair<std::string, std::string>(desk.check.header, secret));
        CHECK(first.body == R"({"query":"query { projectToken { projectId } }"})");
        if (desk.http.requests.size() > 1) {
            const auto& second = desk.http.requests[1];
            CHECK(second.body == first.body);
            CHECK(std::none_of(second.headers.begin(), second.headers.end(),
                               [&](const auto& h) { return h.second == secret; }));
        }
    }
}

}  // namespace leverd
