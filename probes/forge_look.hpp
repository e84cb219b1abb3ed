// Why: both looks at the forge reach it the same way and must tell a bad token from a forge that
// is gone. What they learn about the forge itself is one observation about subject "forge".
#pragma once

#include "core/stack/forge.hpp"
#include "probes/common.hpp"

namespace leverd::probes {

stack::Forge forge_of(const Context& context);

// The subject "forge" after a look. No problem: it answers. A 401 asks once more without our token
// (Forge::loss) before it is called a bad token. What only concerns one repository (404) is no
// fault of the forge. Awaited by the caller's frame, which outlives `forge`.
boost::asio::awaitable<Observation> judge_forge(stack::Forge& forge, std::string repository,
                                                std::optional<stack::Problem> problem, Task task,
                                                net::Deadline deadline);

}  // namespace leverd::probes
