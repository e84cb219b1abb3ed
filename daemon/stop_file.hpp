// Why: the stop switch as a file works with everything else down, so it must not fail open: only
// when the file is certainly not there may levers go.
#pragma once

#include <string>

namespace leverd {

struct StopFile {
    bool stopped = false;
    bool unreadable = false;  // nobody can tell; then it is stopped
    std::string why;          // "/…/STOP exists", or why nobody can tell; empty: it is not there
};

// One system call. Whatever keeps it from being answered counts as stopped.
StopFile read_stop_file(const std::string& path);

}  // namespace leverd
