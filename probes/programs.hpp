// Why: which program a look runs is said once, for leverd itself and for the helper that runs it as
// another user.
#pragma once

#include "config/checks.hpp"
#include "core/net/process.hpp"

#include <memory>
#include <string>

namespace leverd::probes {

net::ProcessRequest command_program(const config::CommandCheck& check);

// A headless Chromium with a profile of its own, which is gone with `profile`: nothing of one load
// is known to the next.
struct BrowserProgram {
    net::ProcessRequest request;
    std::shared_ptr<const std::string> profile;  // its directory; null: none could be made
};
// The program to use; empty: none is installed.
std::string browser_path(const config::Canvas& settings);
BrowserProgram browser_program(const config::Canvas& settings);

}  // namespace leverd::probes
