// Why: a scenario file in, a typed scenario or all its problems out, worded like those of the
// configuration.
#pragma once

#include "config/load.hpp"
#include "core/model/scenario.hpp"

#include <filesystem>
#include <vector>

namespace leverd::config {

struct LoadedScenario {
    Scenario scenario;
    std::vector<Problem> problems;
    bool ok() const;
};

// Paths in the file are relative to it. Never throws. `vocabulary` names the probe kinds and levers
// that exist.
LoadedScenario load_scenario(const std::filesystem::path& path, const Vocabulary& vocabulary);

}  // namespace leverd::config
