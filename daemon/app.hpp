// Why: the whole process, wired in one straight line: make -> start -> stop, with reload in
// between. Everything but main() lives here or below, so that tests run what production runs.
#pragma once

#include "config/load.hpp"
#include "core/base/result.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace leverd {

// DESIGN 9: what the process says to its caller.
enum class Exit : int {
    ok = 0,
    failed = 1,
    refused = 4,
    unknown = 5,
    unreachable = 6,
    locked = 7,
    usage = 64,
    config = 78,
};

struct StartFailure {
    Exit code = Exit::failed;
    Error error;
};

class App {
  public:
    // Reads everything, opens everything, binds everything; nothing is looked at or fired yet.
    static boost::system::result<std::unique_ptr<App>, StartFailure> make(
        const std::filesystem::path& config_path, config::Config config);
    ~App();

    // Runs until SIGTERM or SIGINT. SIGHUP reloads.
    Exit run();

  private:
    struct Impl;
    explicit App(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

std::string_view version();

}  // namespace leverd
