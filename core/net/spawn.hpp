// Why: what happens between fork and exec may only make system calls, so it has a file of its own.
// Private to core/net.
#pragma once

#include "core/net/process.hpp"

#include <string>

#include <sys/types.h>

namespace leverd::net {

// A program that runs behind its keeper (keeper.hpp). The descriptors belong to the caller.
struct Child {
    pid_t keeper = -1;
    int gone = -1;     // a pidfd of the keeper: readable once nothing is left of the program
    int ended = -1;    // reading end: a ProgramEnd, once the program itself ended
    int control = -1;  // writing end: the words to the keeper
    int out = -1;      // reading ends
    int err = -1;
};

struct SpawnFault {
    int code = 0;  // errno
    std::string step;
};

// True: `child` runs, in a session of its own. False: nothing runs, see `fault`.
bool spawn_child(const ProcessRequest& request, Child& child, SpawnFault& fault);

}  // namespace leverd::net
