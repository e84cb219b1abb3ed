// Why: see clock.hpp.
#include "clock.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace sandbox {

namespace {

std::tm utc(std::int64_t wall) {
    const std::time_t seconds = static_cast<std::time_t>(wall / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return parts;
}

}  // namespace

std::int64_t steady_ms() {
    using std::chrono::steady_clock;
    static const steady_clock::time_point start = steady_clock::now();
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start)
        .count();
}

std::int64_t wall_ms() {
    using std::chrono::system_clock;
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               system_clock::now().time_since_epoch())
        .count();
}

std::string rfc3339(std::int64_t wall, bool fraction) {
    const std::tm parts = utc(wall);
    char text[32];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string out(text, size);
    if (fraction) {
        char tail[8];
        std::snprintf(tail, sizeof tail, ".%03d", static_cast<int>(wall % 1000));
        out += tail;
    }
    return out + "Z";
}

std::string receipt_stamp(std::int64_t wall) {
    const std::tm parts = utc(wall);
    char text[32];
    const std::size_t size = std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
    return std::string(text, size);
}

}  // namespace sandbox
