// Why: lever B, the rollback of one workspace template image; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_template_rollback();

}  // namespace leverd::levers
