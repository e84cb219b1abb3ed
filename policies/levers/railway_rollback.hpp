// Why: lever E with a Railway token: one mutation, followed to the end; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

bool has_railway_token(const config::Config& config);
std::unique_ptr<Lever> make_railway_rollback(LeverContract contract);

}  // namespace leverd::levers
