// Why: lever F, the canvas rollback that a person does on Vercel; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

std::unique_ptr<Lever> make_canvas_rollback();

}  // namespace leverd::levers
