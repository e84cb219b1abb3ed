// Why: a secret that was rotated and is not in force is found at three in the morning unless a
// reload says so.
#pragma once

#include "daemon/snapshot.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace leverd {

// Secrets of which the running process keeps an old value until it is restarted, a line for each.
// systemd hands a service copies of its credentials when it starts; that the original changed since
// is seen by its time only, for leverd may not read it. Originals are looked for in `credentials`
// beside the config file, where the unit has them, and in systemd's own stores.
std::vector<std::string> secrets_left_behind(const Snapshot& begun_with, const Snapshot& now,
                                             const std::filesystem::path& config_path);

// Secrets whose value is another one than before.
std::vector<std::string> secrets_taken_up(const Snapshot& before, const Snapshot& now);

}  // namespace leverd
