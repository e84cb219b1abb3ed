// Why: see backoff.hpp.
#include "probes/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace leverd::probes {

Millis Backoff::next(Millis up, double chance) {
    if (up >= proven) {
        bound_ = first;
    }
    const double part = static_cast<double>(bound_.count()) * std::clamp(chance, 0.0, 1.0);
    bound_ = std::min(most, bound_ * 2);
    return Millis{static_cast<Millis::rep>(std::llround(part))};
}

}  // namespace leverd::probes
