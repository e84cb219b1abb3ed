// Why: many streams that were cut together must not come back together, and one that is cut again
// and again must not be a storm. Full jitter, doubled up to a cap, forgotten only after a stream
// has proved that it lasts.
#pragma once

#include "core/base/time.hpp"

namespace leverd::probes {

class Backoff {
  public:
    static constexpr Millis first{1'000};
    static constexpr Millis most{60'000};
    static constexpr Millis proven{60'000};  // up this long: the next wait is a short one again

    // How long to wait now; `chance` is uniform in [0, 1). The last stream was up for `up`.
    Millis next(Millis up, double chance);

  private:
    Millis bound_ = first;
};

}  // namespace leverd::probes
