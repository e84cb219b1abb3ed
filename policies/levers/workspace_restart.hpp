// Why: the gentlest lever for one bad workspace, a restart that keeps it; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_workspace_restart();

}  // namespace leverd::levers
