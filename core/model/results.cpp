// Why: see results.hpp.
#include "core/model/results.hpp"

#include <algorithm>

namespace leverd {

void Results::add(Observation seen, std::shared_ptr<const Exchange> answer) {
    const Key key{seen.probe, seen.subject};
    Kept& kept = kept_[key];
    const bool healthy = seen.health == Health::healthy;
    auto& ring = healthy ? kept.healthy : kept.others;
    const std::uint64_t number = next_++;
    ring.push_back(Numbered{number, {std::move(seen), std::move(answer)}});
    order_.emplace(number, key);
    ++size_;
    if (ring.size() > (healthy ? healthy_kept : others_kept)) {
        order_.erase(ring.front().number);
        ring.pop_front();
        --size_;
    }
    if (size_ > all_kept) {
        drop_oldest();
    }
}

void Results::drop_oldest() {
    const auto oldest = order_.begin();
    const auto found = kept_.find(oldest->second);
    auto& ring =
        !found->second.healthy.empty() && found->second.healthy.front().number == oldest->first
            ? found->second.healthy
            : found->second.others;
    ring.pop_front();
    --size_;
    if (found->second.healthy.empty() && found->second.others.empty()) {
        kept_.erase(found);
    }
    order_.erase(oldest);
}

void Results::forget(const Subject& subject) {
    for (auto it = kept_.begin(); it != kept_.end();) {
        if (it->first.second != subject) {
            ++it;
            continue;
        }
        for (const auto* ring : {&it->second.healthy, &it->second.others}) {
            for (const Numbered& result : *ring) {
                order_.erase(result.number);
                --size_;
            }
        }
        it = kept_.erase(it);
    }
}

std::vector<Results::Result> Results::of(const std::string& probe, const Subject& subject,
                                         std::size_t limit) const {
    std::vector<const Numbered*> found;
    for (auto it = kept_.lower_bound(Key{probe, subject});
         it != kept_.end() && it->first.first == probe &&
         (subject.empty() || it->first.second == subject);
         ++it) {
        for (const auto* ring : {&it->second.healthy, &it->second.others}) {
            for (const Numbered& result : *ring) {
                found.push_back(&result);
            }
        }
    }
    std::sort(found.begin(), found.end(),
              [](const Numbered* a, const Numbered* b) { return a->number > b->number; });
    std::vector<Result> out;
    for (std::size_t i = 0; i < std::min(limit, found.size()); ++i) {
        out.push_back(found[i]->result);
    }
    return out;
}

}  // namespace leverd
