// Why: lever F with a Vercel token: one request, its job followed to the end; see the .cpp.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

bool has_vercel_token(const config::Config& config);
std::unique_ptr<Lever> make_vercel_rollback(LeverContract contract);

}  // namespace leverd::levers
