// Why: should a secret ever get into leverd's own words, these are the last doors: log, ledger
// file, page and metric label. (The web's door is tested with its server.)
#include "core/base/masked_log.hpp"
#include "core/ledger/sqlite_ledger.hpp"
#include "exporters/pager/alertmanager/alertmanager.hpp"
#include "exporters/pager/sink.hpp"
#include "tests/catch.hpp"
#include "tests/unit/secrets/echo_world.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

using namespace leverd;
using namespace leverd::test;

namespace {

Now at() {
    return StillClock().now();
}

std::string bytes_below(const std::filesystem::path& folder) {
    std::string all;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
        std::ostringstream bytes;
        bytes << std::ifstream(file.path(), std::ios::binary).rdbuf();
        all += bytes.str();
    }
    return all;
}

}  // namespace

TEST_CASE("no log line holds a secret") {
    EchoWorld world;
    std::ostringstream written;
    spdlog::logger logger("test", std::make_shared<spdlog::sinks::ostream_sink_st>(written));
    logger.set_formatter(masked(std::make_unique<spdlog::pattern_formatter>("level=%l %v")));
    for (const EchoForm& form : echo_forms()) {
        world.echo(Echo::body_of_500, form);
        logger.error("event=x what=\"{}\" more=yes", world.worn("api"));
    }
    CHECK(world.leaked(written.str()).empty());
    CHECK(written.str().find("level=error event=x what=\"[masked]\" more=yes\n") !=
          std::string::npos);
}

TEST_CASE("no page holds a secret") {
    EchoWorld world;
    for (const EchoForm& form : echo_forms()) {
        world.echo(Echo::body_of_500, form);
        exporters::Message message;
        message.page.key = "c-1";
        message.page.title = "it said " + world.worn("cp");
        message.page.text = "and " + world.worn("probe");
        CAPTURE(form.name);
        for (const char* kind : {"webhook", "alertmanager"}) {
            CAPTURE(kind);
            exporters::PageSink sink;
            sink.settings.id = "s";
            sink.settings.kind = kind;
            sink.settings.url = "https://pager.test/";
            const auto request = exporters::find_sink_kind(kind)->request(sink, message, at().wall);
            CHECK(world.leaked(request.url + request.body).empty());
        }
    }
}

TEST_CASE("no byte of the ledger's files holds a secret") {
    EchoWorld world;
    const auto folder =
        std::filesystem::temp_directory_path() / ("leverd-sinks-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    {
        auto ledger = SqliteLedger::open(folder);
        REQUIRE(ledger.has_value());
        std::vector<Entry> entries;
        for (const EchoForm& form : echo_forms()) {
            world.echo(Echo::body_of_500, form);
            entries.push_back({at(), Outcome{"i-1", OutcomeKind::failed, world.worn("hook"), {}}});
            entries.push_back({at(), Approval{"d-1", "h", true, "me", "use " + world.worn("cp")}});
        }
        CHECK(run_one((*ledger)->append(std::move(entries))).has_value());
    }
    const std::string bytes = bytes_below(folder);
    CHECK(bytes.find("[masked]") != std::string::npos);
    CHECK(world.leaked(bytes).empty());
    CHECK(verify_ledger(folder).has_value());
    std::filesystem::remove_all(folder);
}
