// Why: what happens between fork and exec may only make system calls, so it has a file of its own.
// Private to core/net.
#pragma once

#include "core/net/process.hpp"

#include <string>

#include <sys/types.h>

namespace leverd::net {

// A program that runs. The descriptors belong to the caller.
struct Child {
    pid_t pid = -1;
    int exited = -1;  // a pidfd: readable once it ended
    int out = -1;     // reading ends, not blocking
    int err = -1;
};

struct SpawnFault {
    int code = 0;  // errno
    std::string step;
};

// True: `child` runs as the leader of its own process group. False: nothing runs, see `fault`.
bool spawn_child(const ProcessRequest& request, Child& child, SpawnFault& fault);

}  // namespace leverd::net
