// Why: turns a loaded config into the engine's rules, and names what this build can do, so that the
// config loader can reject what nothing implements.
#pragma once

#include "config/load.hpp"
#include "policies/engine.hpp"

namespace leverd {

config::Vocabulary vocabulary();
Rules make_rules(const config::Config& config);

}  // namespace leverd
