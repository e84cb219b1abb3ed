// Why: everything that a test or a story can break, by one JSON object each.
#pragma once

#include "world.hpp"

#include <string>

namespace sandbox {

// Applies {"kind": ...}; the answer is empty, or why the fault was refused (nothing changed then).
// `result` receives what the fault made, e.g. {"digest": ...}.
std::string apply_fault(World& world, const json& fault, json& result);

}  // namespace sandbox
