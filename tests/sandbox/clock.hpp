// Why: the sandbox plays a live system, so it reads real clocks, but in this one place only.
#pragma once

#include <cstdint>
#include <string>

namespace sandbox {

// Milliseconds on the steady clock since the first call.
std::int64_t steady_ms();

// Milliseconds since the Unix epoch.
std::int64_t wall_ms();

// "2026-05-06T08:05:00.123Z"; `fraction` false drops the milliseconds.
std::string rfc3339(std::int64_t wall, bool fraction = true);

// "20260506-080500", the stamp of the freeze receipts, in UTC.
std::string receipt_stamp(std::int64_t wall);

}  // namespace sandbox
