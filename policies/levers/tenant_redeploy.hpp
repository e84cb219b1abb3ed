// Why: lever C, the redeploy of one wedged tenant; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_tenant_redeploy();

}  // namespace leverd::levers
