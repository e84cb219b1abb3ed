// Why: lever D, delete one workspace and provision it anew; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_workspace_reprovision();

}  // namespace leverd::levers
