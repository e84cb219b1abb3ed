// Why: the documents tell a person at night to ask the journal for warnings. A line without its
// priority is not found, and one with a priority where nobody takes it off is noise.
#include "daemon/log.hpp"
#include "tests/catch.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace leverd {
namespace {

std::string logged(bool journal, spdlog::level::level_enum level, const std::string& text) {
    std::ostringstream out;
    spdlog::logger logger("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
    logger.set_level(spdlog::level::trace);
    logger.set_formatter(log::line_formatter(journal));
    logger.log(level, "{}", text);
    return out.str();
}

TEST_CASE("each log level reaches the journal with its own priority") {
    using spdlog::level::level_enum;
    const std::vector<std::pair<level_enum, std::string>> levels{
        {spdlog::level::critical, "<2>level=critical event=x\n"},
        {spdlog::level::err, "<3>level=error event=x\n"},
        {spdlog::level::warn, "<4>level=warning event=x\n"},
        {spdlog::level::info, "<6>level=info event=x\n"},
        {spdlog::level::debug, "<7>level=debug event=x\n"},
        {spdlog::level::trace, "<7>level=trace event=x\n"},
    };
    for (const auto& [level, line] : levels) {
        CHECK(logged(true, level, "event=x") == line);
    }
}

TEST_CASE("outside the journal no log line has a priority") {
    CHECK(logged(false, spdlog::level::err, "event=x") == "level=error event=x\n");
}

TEST_CASE("a line break in a log message cannot begin an entry of its own") {
    CHECK(logged(true, spdlog::level::warn, "what=\"a\n<0>level=critical b\r\"") ==
          "<4>level=warning what=\"a\\n<0>level=critical b\\r\"\n");
}

TEST_CASE("each line of an error for people has the priority") {
    CHECK(log::with_priority(spdlog::level::err, "leverd: no\n  next: yes\n", true) ==
          "<3>leverd: no\n<3>  next: yes\n");
    CHECK(log::with_priority(spdlog::level::err, "leverd: no\n", false) == "leverd: no\n");
    CHECK(log::with_priority(spdlog::level::err, "", true).empty());
}

TEST_CASE("standard error is the journal only when it is the stream that systemd named") {
    struct stat file{};
    REQUIRE(fstat(STDERR_FILENO, &file) == 0);
    const auto name = std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
    setenv("JOURNAL_STREAM", name.c_str(), 1);
    CHECK(log::to_journal());
    setenv("JOURNAL_STREAM", "1:1", 1);
    CHECK_FALSE(log::to_journal());
    unsetenv("JOURNAL_STREAM");
    CHECK_FALSE(log::to_journal());
}

}  // namespace
}  // namespace leverd
