// Why: stop and start of one tenant's machine, for what a redeploy cannot mend; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_tenant_restart();

}  // namespace leverd::levers
