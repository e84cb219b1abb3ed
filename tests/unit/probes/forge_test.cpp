// Why: the forge decides whether the freeze counts as holding, so every answer that wire-contracts
// 5 knows is played to it, and the day on which every call became 401.
#include "core/stack/forge.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

using namespace leverd;
using test::answer;
using test::json_answer;

namespace {

const std::string base = "https://forge.test";
const std::string core = "Molecule-AI/molecule-core";
const std::string workflow_url = base + "/repos/" + core + "/actions/workflows/publish.yml";

struct Bench {
    Bench() {
        access.http = &http;
        access.url = base;
        access.token = Secret("forge-secret");
        access.dialect = &stack::github_dialect;
        access.memory = &memory;
        access.clock = &clock;
    }
    stack::Read<stack::Workflow> workflow() {
        stack::Forge forge(access);
        return test::run(forge.workflow(core, "publish.yml", net::deadline_in(Millis{2'000})));
    }

    test::FakeHttp http;
    test::FixedClock clock;
    stack::ForgeMemory memory;
    stack::ForgeAccess access;
};

}  // namespace

TEST_CASE("an unchanged answer is asked for by its ETag and costs nothing") {
    Bench bench;
    auto first = json_answer(200, R"({"state":"disabled_manually"})");
    first.headers["etag"] = "W/\"abc\"";
    bench.http.on("GET " + workflow_url, first);
    bench.http.on("GET " + workflow_url, answer(304));
    REQUIRE(bench.workflow().has_value());
    const auto again = bench.workflow();
    REQUIRE(again.has_value());
    CHECK(again->state == "disabled_manually");
    CHECK(test::header_of(bench.http.requests[0], "If-None-Match").empty());
    CHECK(test::header_of(bench.http.requests[1], "If-None-Match") == "W/\"abc\"");
    CHECK(test::header_of(bench.http.requests[0], "X-GitHub-Api-Version") == "2022-11-28");
    CHECK(bench.http.requests[0].bearer.has_value());
}

TEST_CASE("a forge that asks for a pause is left alone until it is over") {
    Bench bench;
    auto slow_down = json_answer(403, R"({"message":"secondary rate limit"})");
    slow_down.headers["retry-after"] = "30";
    bench.http.on("GET " + workflow_url, slow_down);
    bench.http.on("GET " + workflow_url, json_answer(200, R"({"state":"active"})"));
    CHECK(bench.workflow().error().reason == Reason::rate_limited);
    bench.clock.value.at += Millis{29'000};
    const auto held = bench.workflow();
    CHECK(held.error().reason == Reason::rate_limited);
    CHECK(held.error().origin == Origin::local);
    CHECK(bench.http.requests.size() == 1);
    bench.clock.value.at += Millis{1'001};
    CHECK(bench.workflow().has_value());
}

TEST_CASE("how long a rate limit asks to wait") {
    struct Row {
        const char* name;
        int status;
        test::Headers headers;
        std::string body;
        std::optional<Millis> pause;
    };
    const WallTime now{Millis{1'000'000'000'000}};
    const std::vector<Row> rows{
        {"a right that lacks", 403, {}, R"({"message":"Resource not accessible"})", std::nullopt},
        {"not a limit", 200, {{"x-ratelimit-remaining", "0"}}, "", std::nullopt},
        {"retry-after first",
         429,
         {{"retry-after", "7"},
          {"x-ratelimit-remaining", "0"},
          {"x-ratelimit-reset", "1000000900"}},
         "",
         Millis{7'000}},
        {"spent until reset",
         403,
         {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1000000090"}},
         "",
         Millis{90'000}},
        {"reset is over",
         403,
         {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "999999000"}},
         "",
         Millis{1'000}},
        {"not said", 429, {}, "", Millis{60'000}},
        {"only words", 403, {}, "You have exceeded a secondary rate limit", Millis{60'000}},
        {"absurd", 429, {{"retry-after", "99999999999999"}}, "", Millis{60'000}},
        {"a day", 429, {{"retry-after", "86400"}}, "", Millis{3'600'000}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(stack::asked_pause(answer(row.status, row.body, row.headers), now) == row.pause);
    }
}

TEST_CASE("no odd name reaches a URL of the forge") {
    Bench bench;
    stack::Forge forge(bench.access);
    const auto deadline = net::deadline_in(Millis{2'000});
    CHECK(test::run(forge.workflow("a/../b", "x.yml", deadline)).has_error());
    CHECK(test::run(forge.workflow("a/b/c", "x.yml", deadline)).has_error());
    CHECK(test::run(forge.workflow("a/b", "x.yml?y", deadline)).has_error());
    CHECK(test::run(forge.workflow("a/b", "../x.yml", deadline)).has_error());
    CHECK(test::run(forge.merged("a/b", "x&y=z", deadline)).has_error());
    CHECK(bench.http.requests.empty());
}

TEST_CASE("runs are read alike from both forges") {
    Bench bench;
    const std::string rows = R"({"total_count":2,"workflow_runs":[
        {"id":7,"name":"ci","path":".github/workflows/ci.yml","head_sha":"ABCDEF0123456789",
         "head_branch":"main","event":"push","status":"completed","conclusion":"success",
         "created_at":"2026-05-06T17:00:00Z"},
        {"id":8,"path":"publish.yml@refs/heads/main","head_sha":"no","status":"in_progress",
         "conclusion":null,"started_at":"2026-05-06T17:30:00Z"}]})";
    for (const auto* dialect : {&stack::github_dialect, &stack::gitea_dialect}) {
        CAPTURE(dialect->name);
        bench.access.dialect = dialect;
        const std::string page = dialect == &stack::github_dialect ? "per_page" : "limit";
        bench.http.on("GET " + base + "/repos/" + core + "/actions/runs?" + page +
                          "=20&branch=main&status=queued",
                      json_answer(200, rows));
        stack::Forge forge(bench.access);
        stack::RunQuery query;
        query.branch = "main";
        query.status = "queued";
        const auto runs = test::run(forge.runs(core, query, net::deadline_in(Millis{2'000})));
        REQUIRE(runs.has_value());
        REQUIRE(runs->size() == 2);
        CHECK(runs->at(0).id == "7");
        CHECK(runs->at(0).file == "ci.yml");
        CHECK(runs->at(0).sha == "abcdef0123456789");
        CHECK(runs->at(0).conclusion == "success");
        CHECK(runs->at(1).file == "publish.yml");
        CHECK(runs->at(1).sha.empty());
        CHECK(runs->at(1).conclusion.empty());
        CHECK(runs->at(1).created.has_value());
    }
}

TEST_CASE("one word for state and result is taken apart") {
    struct Row {
        const char* status;
        const char* read;
        const char* conclusion;
    };
    for (const Row& row :
         {Row{"success", "completed", "success"}, Row{"failure", "completed", "failure"},
          Row{"cancelled", "completed", "cancelled"}, Row{"running", "in_progress", ""},
          Row{"waiting", "queued", ""}, Row{"blocked", "queued", ""}, Row{"odd", "odd", ""}}) {
        CAPTURE(row.status);
        Bench bench;
        bench.access.dialect = &stack::gitea_dialect;
        bench.http.on("GET " + base + "/repos/" + core + "/actions/runs?limit=20",
                      json_answer(200, R"({"workflow_runs":[{"id":1,"workflow_id":"publish.yml",
                          "run_started_at":"2026-05-06T17:00:00Z","status":")" +
                                           std::string(row.status) + "\"}]}"));
        stack::Forge forge(bench.access);
        const auto runs =
            test::run(forge.runs(core, stack::RunQuery{}, net::deadline_in(Millis{2'000})));
        REQUIRE(runs.has_value());
        CHECK(runs->at(0).file == "publish.yml");
        CHECK(runs->at(0).status == row.read);
        CHECK(runs->at(0).conclusion == row.conclusion);
        CHECK(runs->at(0).created.has_value());
    }
}

TEST_CASE("only what was merged into the base counts as merged") {
    Bench bench;
    bench.http.on("GET " + base + "/repos/" + core +
                      "/pulls?state=closed&base=staging&sort=updated&direction=desc&per_page=100",
                  json_answer(200, R"([
            {"number":1,"title":"closed","merged_at":null,"base":{"ref":"staging"}},
            {"number":2,"title":"old","merged_at":"2026-05-01T00:00:00Z","base":{"ref":"staging"}},
            {"number":3,"title":"other","merged_at":"2026-05-02T00:00:00Z","base":{"ref":"main"}},
            {"number":4,"title":"new","merged_at":"2026-05-03T00:00:00Z","base":{"ref":"staging"}}
        ])"));
    stack::Forge forge(bench.access);
    const auto merges = test::run(forge.merged(core, "staging", net::deadline_in(Millis{2'000})));
    REQUIRE(merges.has_value());
    REQUIRE(merges->size() == 2);
    CHECK(merges->at(0).number == 4);
    CHECK(merges->at(1).number == 2);
}

TEST_CASE("an answer that is no state is not believed") {
    for (const auto& odd : {json_answer(200, "[]"), json_answer(200, "{}"),
                            json_answer(200, R"({"state":7})"), json_answer(200, "{"),
                            answer(200, "<html>", {{"content-type", "text/html"}}), answer(404)}) {
        Bench bench;
        bench.http.on("GET " + workflow_url, odd);
        CHECK(bench.workflow().has_error());
    }
}
