// Why: a page that nobody got is the one thing that leverd cannot page for; what it says about it
// elsewhere is the same everywhere.
#pragma once

#include "core/model/delivery.hpp"

#include <string>
#include <vector>

namespace leverd {

// One line per sink that has not taken everything.
std::vector<std::string> delivery_lines(const std::vector<SinkReport>& sinks, Now now);

}  // namespace leverd
