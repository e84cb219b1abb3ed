// Why: lever C for several tenants at once with an explicit tag; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_fleet_redeploy();

}  // namespace leverd::levers
