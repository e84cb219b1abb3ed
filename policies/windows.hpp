// Why: when a lever may not fire, or only may, is a matter of local time and of people who answer
// for it. The zone knows daylight saving; this only compares.
#pragma once

#include "core/model/policy.hpp"
#include "core/model/subject.hpp"

#include <string>
#include <vector>

namespace leverd {

// Open at this moment. A window past midnight belongs to the day on which it starts.
bool is_open(const Window& window, WallTime now);

bool applies(const Window& window, const Subject& subject, const std::string& lever);

// "Mon Tue 22:00-06:00 Europe/Berlin".
std::string describe(const Window& window);

}  // namespace leverd
