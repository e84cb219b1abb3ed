// Why: in this executable the machine's clocks are a number. What waits, waits in the loop's one
// system call; when nothing else is left to do the number jumps to when the wait would have ended.
// So the product's own timers, deadlines and clocks run unchanged, and hours pass in seconds.
#pragma once

#include "core/base/time.hpp"

#include <cstdint>

namespace leverd::sim::virtual_time {

// All clocks back to where every world begins.
void reset();
// Milliseconds since the machine booted.
std::int64_t uptime();
// Time passes and nobody runs: the process is not there or is stopped.
void pass(Millis gap);
// The calendar alone is set.
void step_calendar(Millis by);

}  // namespace leverd::sim::virtual_time
