// Why: whether pages reach people is shown by metrics, status and readiness; one value says it to
// all of them.
#pragma once

#include "core/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace leverd {

// What one sink has not taken yet.
struct SinkReport {
    std::string sink;
    std::size_t undelivered = 0;  // pages; a message under way for a moment does not count
    std::optional<Now> oldest;    // since when the first of them waits
    std::string key;              // of that page
    std::string problem;          // what the last attempt came to; empty: it was accepted
    std::uint64_t accepted = 0;   // attempts since the start
    std::uint64_t rejected = 0;
    std::uint64_t failed = 0;
};

}  // namespace leverd
