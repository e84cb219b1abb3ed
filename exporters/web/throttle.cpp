// Why: see throttle.hpp.
#include "exporters/web/throttle.hpp"

#include <algorithm>

namespace leverd::exporters::web {

Millis Throttle::held(const std::string& peer, Instant now) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || now >= found->second.until) {
        return Millis{0};
    }
    return std::chrono::duration_cast<Millis>(found->second.until - now);
}

void Throttle::failed(const std::string& peer, Instant now) {
    Record& record = peers_[peer];
    if (record.failures > 0 && now - record.last > forgiven_after) {
        record = Record{};
    }
    ++record.failures;
    record.last = now;
    if (record.failures > free_tries) {
        const int doublings = std::min(record.failures - free_tries - 1, 10);
        record.until = now + std::min(first_delay * (1 << doublings), longest_delay);
    }
    if (peers_.size() > peers_max) {
        peers_.erase(std::min_element(
            peers_.begin(), peers_.end(),
            [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
    }
}

}  // namespace leverd::exporters::web
