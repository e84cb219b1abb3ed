// Why: a freeze is only worth what its receipts say. Capturing them and comparing them with the
// registry need no running daemon: they are done before and after one runs. Where one runs, it is
// asked for what only it can know.
#pragma once

#include "daemon/cli_verbs.hpp"

#include <string>

namespace leverd::cli {

struct FreezeOptions {
    std::string config;
    std::string directory;                           // capture: where the receipts go
    std::string socket = "/run/leverd/leverd.sock";  // show
    bool json = false;
};

// Receipt, registry, what tenants run and what was last in service while all was well, side by
// side. The last two are leverd's own knowledge: without a daemon on the socket they are said to be
// unknown. Exit::failed when an image moved, cannot be read, or is not in the receipt.
Report freeze_show(const FreezeOptions& options);
// Writes digests-<TS>.txt for every watched image and both platform images, and
// disabled-workflows-<TS>.txt for every workflow of [stack.forge] and of the older receipt that is
// switched off by hand, both in the freeze scripts' grammar (wire-contracts 10). All or nothing: a
// receipt with a hole is written by nobody. Without workflows to ask for there is no second file.
Report freeze_capture(const FreezeOptions& options);

}  // namespace leverd::cli
