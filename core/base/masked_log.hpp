// Why: a log line is where a secret would hide longest, so the logger itself masks: whatever a line
// is made of, nothing that leverd holds leaves with it.
#pragma once

#include <spdlog/formatter.h>

#include <memory>

namespace leverd {

// Formats as `inner` does, then masks.
std::unique_ptr<spdlog::formatter> masked(std::unique_ptr<spdlog::formatter> inner);

}  // namespace leverd
