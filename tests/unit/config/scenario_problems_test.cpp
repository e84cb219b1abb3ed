// Why: a scenario that is misread passes for the wrong reason, so every mistake in one is found, at
// its place and with the next step.
#include "config/scenario.hpp"
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

using namespace leverd;

namespace {

std::string problems_of_scenario(std::string_view toml) {
    const config::Folder folder;
    const auto loaded = config::load_scenario(folder.write("s.toml", toml), config::vocabulary());
    std::string text;
    for (const auto& problem : loaded.problems) {
        text += (text.empty() ? "" : "\n") + config::render(problem);
    }
    return folder.plain(text);
}

constexpr std::string_view head = "name = \"n\"\nfired = 0\n";

struct Mistake {
    std::string_view what;
    std::string toml;
    std::string_view part;
};

}  // namespace

TEST_CASE("scenario: every mistake is named with its place") {
    const std::string h(head);
    const std::vector<Mistake> mistakes{
        {"no name", "fired = 0\n", "needs 'name'"},
        {"nothing expected", "name = \"n\"\n", "expects nothing, so it cannot fail"},
        {"misspelt key", h + "fird = 1\n", "s.toml:3:1: error: unknown key 'fird'"},
        {"misspelt table", h + "[[gren]]\nprobe = \"canvas\"\n", "did you mean 'green'?"},
        {"no subject", h + "[[green]]\nprobe = \"canvas\"\n",
         "s.toml:3:1: error: a subject is missing"},
        {"unknown probe", h + "[[green]]\nsubject = \"canvas\"\nprobe = \"canvass\"\n",
         "did you mean 'canvas'?"},
        {"unknown reason",
         h + "[[look]]\nfrom = \"1m\"\nsubject = \"canvas\"\nprobe = \"canvas\"\nreason = "
             "\"http_5x\"\n",
         "did you mean 'http_5xx'?"},
        {"no unit", h + "[[never]]\nto = \"5\"\n", "'to' must be a duration"},
        {"backwards",
         h + "[[look]]\nfrom = \"2m\"\nto = \"1m\"\nsubject = \"canvas\"\nprobe = \"canvas\"\n",
         "'to' is not after 'from'"},
        {"says nothing", h + "[[say]]\nat = \"1m\"\n", "[[say]] says nothing"},
        {"says two things", h + "[[say]]\nat = \"1m\"\nstop = \"a\"\nrestart = true\n",
         "more than one thing"},
        {"at and by", h + "[[expect]]\nat = \"1m\"\nby = \"2m\"\n", "'from' and 'by' say nothing"},
        {"plan", h + "[[lever]]\nlever = \"tenant-redeploy\"\nplan = \"no\"\n",
         "write plan = \"ok\" or plan = \"refused: why\""},
        {"mode", h + "[what_if]\nmode_ceiling = \"automatic\"\n", "unknown mode 'automatic'"},
        {"clock step", h + "[[say]]\nat = \"1m\"\nclock_step = \"back\"\n",
         "write clock_step = \"-1h\""},
        {"zone", h + "[clock]\nzone = \"Europe/Berlim\"\n", "Europe/Berlin"},
        {"syntax", "name = \n", "s.toml:1:"},
    };
    for (const auto& mistake : mistakes) {
        INFO(mistake.what);
        const auto problems = problems_of_scenario(mistake.toml);
        CHECK_THAT(problems, Catch::Contains(std::string(mistake.part)));
    }
}

TEST_CASE("scenario: what is written is what is read") {
    const config::Folder folder;
    const auto loaded = config::load_scenario(folder.write("s.toml", R"(name = "n"
config = "leverd.toml"
incidents = 2
pages = ["a", "b"]
[clock]
start = "2026-05-06T18:00"
zone = "Europe/Berlin"
[what_if]
mode_ceiling = "auto"
modes = { one = "approve" }
[[look]]
from = "90s"
subjects = ["tenant/a", "tenant/b"]
probe = "tenant_health"
health = "unknown"
facts = { requests = 3 }
[[say]]
at = "2m"
clock_step = "-1h"
[[never]]
to = "5m"
action = "fire"
)"),
                                              config::vocabulary());
    REQUIRE(loaded.ok());
    const auto& s = loaded.scenario;
    CHECK(s.config == folder.path("leverd.toml").string());
    CHECK(format_rfc3339(s.start) == "2026-05-06T16:00:00.000Z");
    CHECK(s.incidents == 2);
    CHECK(s.pages == std::vector<std::string>{"a", "b"});
    CHECK(s.what_if.mode_ceiling == Mode::automatic);
    REQUIRE(s.what_if.modes.size() == 1);
    CHECK(s.what_if.modes[0] == std::pair<std::string, Mode>{"one", Mode::approve});
    REQUIRE(s.looks.size() == 1);
    CHECK(s.looks[0].from == Millis{90'000});
    CHECK(s.looks[0].subjects.size() == 2);
    CHECK(s.looks[0].reason == Reason::rate_limited);
    CHECK(s.looks[0].facts.at("requests") > 2.5);
    REQUIRE(s.says.size() == 1);
    CHECK(s.says[0].step == Millis{-3'600'000});
    REQUIRE(s.expects.size() == 1);
    CHECK(s.expects[0].never);
    CHECK(s.expects[0].place.line == 20);
}
