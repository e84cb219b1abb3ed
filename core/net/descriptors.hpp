// Why: when descriptors are short, the doors, the ledger and the stop switch must still get theirs:
// a look that cannot have one says so, a person who cannot reach leverd learns nothing.
#pragma once

namespace leverd::net {

// What outgoing connections and programs leave free for everything else.
inline constexpr int descriptors_reserved = 8;

// False when a descriptor of this number cuts into the reserve. The kernel gives out the lowest
// number that is free, so a high one says that nearly all below it are taken.
bool leaves_reserve(int descriptor);

}  // namespace leverd::net
