// Why: everything that a test or a story can break, by one JSON object each.
#pragma once

#include "world.hpp"

#include <string>

namespace sandbox {

// Applies {"kind": ...}; the answer is empty, or why the fault was refused (nothing changed then).
// `result` receives what the fault made, e.g. {"digest": ...}.
std::string apply_fault(World& world, const json& fault, json& result);

// hosting_faults.cpp
std::string railway_deploy(World& world, const json& fault, json& result);
std::string railway_rollback(World& world, const json& fault, json& result);
std::string railway_reads(World& world, const json& fault, json& result);
std::string vercel_deploy(World& world, const json& fault, json& result);
std::string vercel_move(World& world, const json& fault, json& result);
std::string vercel_reads(World& world, const json& fault, json& result);

}  // namespace sandbox
