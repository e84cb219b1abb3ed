// Why: a watchdog that drains its tenant's rate limit makes the outage that it reports, and one
// that believes every header can be told to look away for ever.
#include "core/stack/tenant.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

using namespace leverd;

namespace {

net::HttpResponse limited(int status, const std::string& limit, const std::string& left,
                          const std::string& reset, const std::string& retry = {}) {
    test::Headers headers{{"x-ratelimit-limit", limit},
                          {"x-ratelimit-remaining", left},
                          {"x-ratelimit-reset", reset}};
    if (!retry.empty()) {
        headers["retry-after"] = retry;
    }
    return test::answer(status, "{}", std::move(headers));
}

}  // namespace

TEST_CASE("what a tenant's rate limit says decides how long it is left alone") {
    struct Row {
        const char* name;
        net::HttpResponse response;
        double limit;
        std::int64_t pause;  // ms
    };
    const std::vector<Row> rows{
        {"plenty", limited(200, "600", "540", "41"), 600, 0},
        {"a tenth", limited(200, "600", "60", "41"), 600, 0},
        {"less than a tenth", limited(200, "600", "59", "41"), 600, 41'000},
        {"nothing", limited(200, "600", "0", "0"), 600, 1'000},
        {"a clock instead of seconds", limited(200, "600", "0", "1778090400"), 600, 120'000},
        {"429 with a wish", limited(429, "600", "0", "41", "7"), 600, 7'000},
        {"429 with a window", limited(429, "600", "0", "41"), 600, 41'000},
        {"429 for an hour", limited(429, "600", "0", "41", "3600"), 600, 600'000},
        {"429 alone", test::answer(429), 0, 60'000},
        {"no headers", test::answer(200), 0, 0},
        {"garbage", limited(200, "many", "0", "41"), 0, 0},
        {"a limit of nothing", limited(200, "0", "0", "41"), 0, 0},
        {"negative", limited(200, "600", "-1", "41"), 600, 0},
        {"not a number", limited(200, "nan", "nan", "nan"), 0, 0},
        {"endless", limited(200, "600", "0", "inf"), 600, 0},
    };
    const Instant now = at_millis(5'000);
    for (const Row& row : rows) {
        CAPTURE(row.name);
        TenantPace pace;
        stack::note_pace(pace, row.response, now);
        CHECK(pace.limit == row.limit);
        CHECK((pace.not_before > now ? (pace.not_before - now).count() : 0) == row.pause);
        CHECK(pace.why.empty() == (row.pause == 0));
    }
}

TEST_CASE("every call of a look at a tenant tells the pace") {
    for (const std::string path : {"/health", "/workspaces", "/metrics", "/buildinfo"}) {
        CAPTURE(path);
        test::World world;
        world.http.on("GET https://acme.test/health", test::json_answer(200, R"({"status":"ok"})"));
        auto answer = limited(200, "600", "3", "41");
        answer.headers["content-type"] = "application/json";
        answer.body = R"({"status":"ok"})";
        world.http.on("GET https://acme.test" + path, answer);
        world.http.on("GET https://acme.test" + path, answer);
        if (path == "/health") {
            world.http = test::FakeHttp();
            world.http.on("GET https://acme.test/health", answer);
        }
        world.look("tenant_health", "acme");
        CHECK(world.inventory.paces.at("acme").limit == 600);
        CHECK(world.inventory.paces.at("acme").not_before == world.clock.value.at + Millis{41'000});
    }
}
