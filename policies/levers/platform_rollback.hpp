// Why: lever A, the rollback of both platform images; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_platform_rollback();

}  // namespace leverd::levers
