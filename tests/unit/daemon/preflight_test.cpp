// Why: what is legal and makes leverd useless must be said before it is found out at night.
#include "daemon/preflight.hpp"

#include "tests/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

using namespace leverd;
namespace fs = std::filesystem;

namespace {

struct Box {
    Box() {
        std::string name = (fs::temp_directory_path() / "leverd-preflight-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
        fs::create_directories(folder / "state");
        fs::permissions(folder / "state", fs::perms::owner_all);
        config.daemon.state_directory = (folder / "state").string();
        config.daemon.socket = (folder / "leverd.sock").string();
        config.probes.emplace_back();
        config.notify.emplace_back();
    }
    ~Box() {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }
    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;

    std::vector<std::string> warnings(const FileUser& user = FileUser::current()) const {
        std::vector<std::string> out;
        for (const auto& finding : preflight(config, user, false)) {
            if (finding.warning) {
                out.push_back(render(finding));
            }
        }
        return out;
    }

    fs::path folder;
    config::Config config;
};

bool says(const std::vector<std::string>& warnings, const std::string& words) {
    return std::ranges::any_of(warnings, [&](const std::string& one) {
        return one.find(words) != std::string::npos && one.find("\nhint: ") != std::string::npos;
    });
}

}  // namespace

TEST_CASE("check warns where nothing is looked at, and where pages reach nobody") {
    Box box;
    CHECK(box.warnings().empty());
    box.config.probes.clear();
    CHECK(says(box.warnings(), "nothing is looked at: there is no [[probe]]"));
    CHECK(box.warnings().size() == 1);
    box.config.notify.clear();
    CHECK(says(box.warnings(), "pages reach nobody: there is no [[notify]]"));
    CHECK(box.warnings().size() == 2);
    CHECK(may_start(preflight(box.config, FileUser::current(), false)));
}

TEST_CASE("check warns where the socket or the state directory can have no place") {
    Box box;
    box.config.daemon.socket = (box.folder / "nowhere/leverd.sock").string();
    CHECK(says(box.warnings(), "cannot be made, so no command would reach leverd: " +
                                   (box.folder / "nowhere").string() + " is not there"));
    box.config.daemon.socket = (box.folder / "leverd.sock").string();
    // The folders above it are made at the start, so only the one that is there counts.
    box.config.daemon.state_directory = (box.folder / "new/state").string();
    CHECK(box.warnings().empty());
    const auto file = box.folder / "file";
    fs::copy_file("/proc/self/comm", file);
    box.config.daemon.state_directory = (file / "state").string();
    CHECK(says(box.warnings(), file.string() + " is not a directory"));
    box.config.daemon.socket = (file / "leverd.sock").string();
    CHECK(box.warnings().size() == 2);
}

TEST_CASE("check warns where leverd's user may not write what is there") {
    Box box;
    const FileUser somebody{4711, 4711};
    box.config.daemon.state_directory = (box.folder / "new").string();
    fs::permissions(box.folder, fs::perms::owner_all);
    const auto closed = box.folder.string() + " cannot be written by user 4711";
    CHECK(says(box.warnings(somebody), "cannot be used: " + closed));
    CHECK(says(box.warnings(somebody), "no command would reach leverd: " + closed));
    fs::permissions(box.folder, fs::perms::all);
    CHECK(box.warnings(somebody).empty());
}

TEST_CASE("check is silent about the places that the shipped unit makes at its start") {
    Box box;
    box.config.daemon.state_directory = "/var/lib/leverd-that-is-not-there";
    box.config.daemon.socket = "/run/leverd-that-is-not-there/leverd.sock";
    CHECK(box.warnings(FileUser{4711, 4711}).empty());
}
