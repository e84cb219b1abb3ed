// Why: lever E, the control-plane rollback that a person does on Railway; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_control_plane_rollback();

}  // namespace leverd::levers
