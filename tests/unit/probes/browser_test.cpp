// Why: the browser's log is free text; what counts as a crash of the page must be its own uncaught
// exception and nothing that others say.
#include "probes/browser_load.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

using namespace leverd;

TEST_CASE("an exception of the page's own script is a crash, other noise is none") {
    struct Row {
        const char* name;
        std::string dom;
        std::string log;
        bool thrown;
    };
    const std::string prefix = "[12:34:0506/180000.1:INFO:CONSOLE(7)] ";
    const std::string ours = ", source: https://app.test/_next/a.js (7)\n";
    const std::vector<Row> rows{
        {"quiet", "<html>", "", false},
        {"thrown", "<html>", prefix + "\"Uncaught TypeError: x is null\"" + ours, true},
        {"newer log", "<html>", "[1:2:INFO:CONSOLE:7] \"Uncaught Error: x\"" + ours, true},
        {"a rejected promise", "<html>", prefix + "\"Uncaught (in promise) Error: x\"" + ours,
         false},
        {"a stranger's script", "<html>",
         prefix + "\"Uncaught Error: x\", source: https://app.test.evil/a.js (7)\n", false},
        {"the page quotes one", "<html>", prefix + "\"I saw an Uncaught Error\"" + ours, false},
        {"not the console", "<html>", "[1:2:ERROR:gpu.cc(1)] \"Uncaught x\"" + ours, false},
        {"the error page", "<h2>Application error: a client-side exception has occurred</h2>", "",
         true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const auto thrown = probes::client_exception(row.dom, row.log, "https://app.test/home");
        CHECK(thrown.has_value() == row.thrown);
    }
    const auto words = probes::client_exception(
        "", prefix + "\"Uncaught " + std::string(9'000, 'x') + "\"" + ours, "https://app.test/");
    REQUIRE(words);
    CHECK(words->size() <= 300);
}

TEST_CASE("a browser that is not there is said, with the next step") {
    test::World world;
    world.config.canvas.url = "https://app.test/";
    world.config.canvas.marker = "mark";
    world.http.on("GET https://app.test/",
                  test::answer(200, "mark", {{"content-type", "text/html"}}));
    CHECK(world.look("canvas", "")[0].health == Health::healthy);
    world.config.canvas.browser = true;
    world.config.canvas.browser_program = "/nonexistent/chromium";
    const auto seen = world.look("canvas", "");
    CHECK(seen[0].health == Health::unknown);
    CHECK(seen[0].reason == Reason::browser_missing);
    CHECK(seen[0].evidence.find("apt-get install chromium") != std::string::npos);
}
