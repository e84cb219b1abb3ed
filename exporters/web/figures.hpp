// Why: what the doors saw since the start, so that somebody who knocks too hard can be noticed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace leverd::exporters {

struct WebFigures {
    struct DoorCounts {
        std::uint64_t open = 0;  // connections now
        std::uint64_t refused = 0;
        std::uint64_t evicted_full = 0;
        std::uint64_t evicted_peer = 0;
        std::uint64_t reserved = 0;  // sat down on a reserved seat
    };
    std::map<std::string, DoorCounts> doors;             // "tcp", "unix"
    std::map<std::string, std::uint64_t> auth_failures;  // by reason
    std::map<int, std::uint64_t> bad_requests;           // not answered by a route, by status
    std::uint64_t reads_waiting = 0;                     // large answers that wait for their turn
    std::uint64_t reads_refused = 0;                     // large answers that found the line full
};

}  // namespace leverd::exporters
