// Why: programs of the configuration run as a user that can reach neither leverd's secrets nor its
// state nor its process. leverd has no right to change the user, so a unit of that user does it,
// one instance for each run (systemd/leverd-exec.socket), which systemd ends with all it started.
#pragma once

#include "config/config.hpp"
#include "core/base/result.hpp"
#include "core/net/process.hpp"

#include <memory>
#include <string>
#include <vector>

namespace leverd {

struct HelperOptions {
    std::string config;
    std::string caller;  // the user, by name or number, who may ask; root may, too
};

// Serves the one connection that is standard input and returns the exit code.
int run_exec_helper(const HelperOptions& options);

// What stands in the configuration under this name, ready to be run here.
struct HelperProgram {
    net::ProcessRequest request;
    std::shared_ptr<const void> holds;  // what it needs while it runs
};
Result<HelperProgram> program_called(const config::Config& config,
                                     const std::vector<std::string>& called);

}  // namespace leverd
