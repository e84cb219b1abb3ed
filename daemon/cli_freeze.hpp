// Why: a freeze is only worth what its receipt says. Capturing one and comparing it with the
// registry need no running daemon: they are done before and after one runs.
#pragma once

#include "daemon/cli_verbs.hpp"

#include <string>

namespace leverd::cli {

struct FreezeOptions {
    std::string config;
    std::string directory;  // capture: where the receipt goes
    bool json = false;
};

// Receipt and registry side by side. Exit::failed when an image moved, cannot be read, or is not in
// the receipt.
Report freeze_show(const FreezeOptions& options);
// Writes digests-<TS>.txt for every watched image and both platform images, in the freeze scripts'
// grammar. All of them or none: a receipt with a hole is written by nobody.
Report freeze_capture(const FreezeOptions& options);

}  // namespace leverd::cli
