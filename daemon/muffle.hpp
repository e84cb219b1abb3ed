// Why: what anybody outside can cause a thousand times a second must not fill the journal, and must
// not go unsaid either: the first is told at once, the rest by number.
#pragma once

#include "core/base/time.hpp"

#include <cstdint>
#include <optional>

namespace leverd {

class Muffle {
  public:
    explicit Muffle(Millis pace = Millis{60'000}) : pace_(pace) {}

    // How many happened since the last time that this said something, this one included; nothing
    // while it is too early to say something again.
    std::optional<std::uint64_t> heard(Instant now) {
        ++unsaid_;
        if (said_ && now - *said_ < pace_) {
            return std::nullopt;
        }
        said_ = now;
        const std::uint64_t count = unsaid_;
        unsaid_ = 0;
        return count;
    }

  private:
    Millis pace_;
    std::optional<Instant> said_;
    std::uint64_t unsaid_ = 0;
};

}  // namespace leverd
