// Why: the files themselves may be missing, huge, circular, hostile or no TOML at all; loading ends
// with a problem every time, never with a crash.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

#include "core/base/text.hpp"

#include <sys/stat.h>

#include <fmt/format.h>

namespace leverd::config {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) {
        text += part;
    }
    return text;
}

TEST_CASE("a file that cannot be read is one problem") {
    const Folder folder;
    CHECK(folder.plain(rendered(load(folder.path("none.toml"), vocabulary()))) ==
          "none.toml: error: cannot be read: No such file or directory");
    CHECK_FALSE(load(folder.path("none.toml"), vocabulary()).ok());

    REQUIRE(::mkfifo(folder.path("pipe.toml").c_str(), 0600) == 0);
    CHECK(folder.plain(rendered(load(folder.path("pipe.toml"), vocabulary()))) ==
          "pipe.toml: error: cannot be read: not a regular file");

    const auto exact = folder.write("exact.toml", std::string(1'048'576, '\n'));
    CHECK(load(exact, vocabulary()).ok());
    const auto big = folder.write("big.toml", std::string(1'048'577, '\n'));
    CHECK(folder.plain(rendered(load(big, vocabulary()))) ==
          "big.toml: error: is larger than 1048576 bytes\n"
          "hint: split it with include = [...]");
}

TEST_CASE("what is no TOML is one problem with its place") {
    CHECK_THAT(problems_of("[daemon\nlog_level = \"info\"\n"),
               StartsWith("leverd.toml:1:8: error: not valid TOML: table header: "));
    CHECK_THAT(problems_of("[="), StartsWith("leverd.toml:1:2: error: not valid TOML: "));
    CHECK_THAT(problems_of("x = \"\xff\""), Contains("not valid TOML"));
    CHECK_THAT(problems_of("[daemon]\nlog_level = \"info\"\nlog_level = \"info\"\n"),
               StartsWith("leverd.toml:3:"));
    CHECK_THAT(problems_of(std::string("a = 1\0b", 7)), Contains("not valid TOML"));
}

TEST_CASE("a syntax error in one file hides no other file's problems and invents none") {
    const Folder folder;
    folder.write("base.toml", "[[symptom]\n");
    const auto file = folder.write("leverd.toml", R"(include = ["base.toml"]
[[policy]]
id = "p"
symptom = "defined-in-the-broken-file"
lever = "tenant-redeploy"
subjects = ["*"]
mode = "recommended"
)");
    const std::string text = folder.plain(rendered(load(file, vocabulary())));
    CHECK_THAT(text, StartsWith("leverd.toml:7:8: error: unknown mode 'recommended'\n"));
    CHECK_THAT(text, Contains("\nbase.toml:1:11: error: not valid TOML"));
    CHECK_THAT(text, !Contains("unknown symptom"));
}

TEST_CASE("text that would overflow a recursive parser is refused before it") {
    CHECK_THAT(problems_of(repeated("a.", 100'000) + "b = 1"),
               StartsWith("leverd.toml:1:32: error: a line holds more than 15 dots"));
    CHECK_THAT(problems_of("x = " + repeated("[", 100'000)),
               StartsWith("leverd.toml:1:21: error: brackets are nested deeper than 16"));
    CHECK_THAT(problems_of("x = " + repeated("{a=", 100'000)),
               StartsWith("leverd.toml:1:53: error: brackets are nested deeper than 16"));
    // A string that ends in quotes of its own must not hide what follows it.
    CHECK_THAT(problems_of("x = [\"\"\"a\"\"\"\", {" + repeated("a.", 100'000) + "b = 1}]"),
               Contains("a line holds more than 15 dots"));
    // Dots and brackets in strings and comments are only text.
    CHECK(problems_of("[stack.canvas]\nurl = \"https://c.example/" + repeated("a.", 40) + "\"\n# " +
                      repeated("[.", 99) + "\n") == "");
}

TEST_CASE("a line that is too long is shown cut, and a flood of problems ends") {
    const std::string text = problems_of("[daemon]\n" + std::string(5'000, 'k') + " = 1\n");
    CHECK(text.size() < 800);
    std::string flood;
    for (int i = 0; i < 5'000; ++i) {
        flood += fmt::format("k{} = 1\n", i);
    }
    const std::string flooded = problems_of(flood);
    CHECK_THAT(flooded, Contains("more than 200 problems; the others are not shown"));
    CHECK(flooded.size() < 60'000);
}

TEST_CASE("control characters of a file never reach the terminal") {
    const std::string text = problems_of("[daemon]\nlog_level = \"\\u001b[31mred\"\n");
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK_THAT(text, StartsWith("leverd.toml:2:13: error: unknown log level '?[31mred'"));
}

TEST_CASE("includes are relative to the file that includes, and go in order") {
    const Folder folder;
    folder.write("sub/a.toml", "include = [\"b.toml\"]\n[daemon]\nlog_level = \"debug\"\n");
    folder.write("sub/b.toml", "[freeze]\nreceipt = \"digests.txt\"\n");
    const std::string root = "include = [\"sub/a.toml\"]\n";
    const Loaded loaded = load(folder.write("leverd.toml", root), vocabulary());
    CHECK(rendered(loaded) == "");
    CHECK(loaded.config.daemon.log_level == "debug");
    CHECK(loaded.config.freeze.receipt == folder.path("sub/digests.txt").string());
    REQUIRE(loaded.config.files.size() == 3);
    CHECK(loaded.config.files[0] == folder.path("leverd.toml").string());
    CHECK(loaded.config.files[1] == folder.path("sub/a.toml").string());
    CHECK(loaded.config.files[2] == folder.path("sub/b.toml").string());
    CHECK(loaded.config.hash ==
          sha256_hex(root + "include = [\"b.toml\"]\n[daemon]\nlog_level = \"debug\"\n"
                            "[freeze]\nreceipt = \"digests.txt\"\n"));
}

TEST_CASE("includes that go wrong point at the include") {
    const Folder folder;
    folder.write("a.toml", "include = [\"b.toml\"]\n");
    folder.write("b.toml", "include = [\"./a.toml\"]\n");
    const auto problems = [&](std::string_view text) {
        return folder.plain(rendered(load(folder.write("leverd.toml", text), vocabulary())));
    };
    CHECK(problems("include = [\"a.toml\"]\n") ==
          "b.toml:1:12: error: includes go in a circle: a.toml -> b.toml -> a.toml\n"
          "    include = [\"./a.toml\"]\n"
          "               ^");
    CHECK(problems("include = [\"leverd.toml\"]\n") ==
          "leverd.toml:1:12: error: includes go in a circle: leverd.toml -> leverd.toml\n"
          "    include = [\"leverd.toml\"]\n"
          "               ^");
    folder.write("c.toml", "");
    CHECK(problems("include = [\"c.toml\", \"./c.toml\"]\n") ==
          "leverd.toml:1:22: error: 'c.toml' is included twice\n"
          "    include = [\"c.toml\", \"./c.toml\"]\n"
          "                         ^");
    CHECK(problems("include = [\"gone.toml\"]\n") ==
          "leverd.toml:1:12: error: 'gone.toml' cannot be read: No such file or directory\n"
          "    include = [\"gone.toml\"]\n"
          "               ^");
    for (int i = 0; i < 10; ++i) {
        folder.write(fmt::format("d{}.toml", i), fmt::format("include = [\"d{}.toml\"]\n", i + 1));
    }
    CHECK(problems("include = [\"d0.toml\"]\n") ==
          "d7.toml:1:12: error: includes go deeper than 8\n"
          "    include = [\"d8.toml\"]\n"
          "               ^");
}

TEST_CASE("a setting may stand in one file only") {
    const Folder folder;
    folder.write("a.toml", "[daemon]\nlog_level = \"info\"\nprobes_in_flight = 8\n");
    const auto file =
        folder.write("leverd.toml", "include = [\"a.toml\"]\n[daemon]\nlog_level = \"debug\"\n");
    CHECK(folder.plain(rendered(load(file, vocabulary()))) ==
          "a.toml:2:13: error: duplicate setting '[daemon] log_level'\n"
          "    log_level = \"info\"\n"
          "                ^\n"
          "hint: the first one is at leverd.toml:3:13");
}

}  // namespace
}  // namespace leverd::config
