// Why: what a person does with leverd's memory: check it, let old entries go, and say that the
// history which was found is the one to go on with.
#pragma once

#include "daemon/cli_verbs.hpp"

#include <string>

namespace leverd::cli {

struct LedgerAsked {
    std::string config;
    std::string state;     // directory; empty: the config's
    std::string at_least;  // "N:HASH", as `leverd status` prints it; empty: nothing to compare with
};

// Reads a running daemon's ledger as well as a copy. Exit::ok only when everything is in place.
Report verify_history(const LedgerAsked& asked);
// Removes what is older than [ledger] keep, and gives the space back. Needs that no daemon runs.
Report compact_history(const LedgerAsked& asked);
// Asks the running daemon.
Report accept_history(const CliOptions& options, const std::string& why);

}  // namespace leverd::cli
