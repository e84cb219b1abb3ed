// Why: what a person may do with levers by hand: read their contracts, see what one would do, and
// fire it through the daemon's own guards.
#pragma once

#include "daemon/cli_verbs.hpp"

#include <string>

namespace leverd::cli {

// The contract of every lever.
Report levers(const CliOptions& options);

struct FireAsked {
    std::string lever;
    std::string subject;
    std::string from;  // the intent whose loss is to be made good; empty: the lever as such
    std::string why;
    std::string confirm;  // the exact slug, where the lever touches a tenant
    bool dry_run = false;
    int wait_ms = 900'000;  // for the outcome; then it counts as unknown
    int look_every_ms = 500;
};
// Exit::refused when a guard holds it or nothing was sent, Exit::unknown when nobody knows the
// outcome, Exit::failed when the target refused for certain.
Report fire(const CliOptions& options, const FireAsked& asked);
// Makes the workspace anew that the intent `asked.from` deleted and could not recreate: the same
// door, guards and exit codes.
Report recreate(const CliOptions& options, FireAsked asked);

}  // namespace leverd::cli
