// Why: a program may start others, leave its group and ignore every polite word, and none of that
// may hold up the daemon's only loop. So each program has a keeper: a process of ours between the
// daemon and the program that inherits whatever the program leaves behind, ends it, and reaps it.
// Waiting is the keeper's business; the daemon only watches descriptors. Private to core/net.
#pragma once

#include <sys/types.h>

namespace leverd::net {

// How the program ended, as the keeper writes it into the status pipe: once, when it ended.
struct ProgramEnd {
    int code = 0;    // si_code of waitid
    int status = 0;  // si_status
};

// Says to a keeper: ask the program politely to end. Closing the pipe, also by dying, says: end
// everything now.
constexpr char ask_to_end = 'T';

// Everything in the daemon's image that a keeper may use after the fork: system calls only.
struct Keeper {
    int control = -1;  // reads the daemon's words
    int status = -1;   // writes a ProgramEnd
};

// Turns the calling process, fresh from fork, into the keeper of what `begin` becomes. `begin` runs
// in the program's process and never returns. Every descriptor that is not the keeper's is closed
// in the keeper.
[[noreturn]] void keep(const Keeper& keeper, void (*begin)(const void*), const void* argument);

}  // namespace leverd::net
