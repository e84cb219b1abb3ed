// Why: what must be looked at again at some time. A queue, so that asking "what is due" costs
// nothing for all that is not.
#pragma once

#include "core/base/time.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace leverd {

template <class Key>
class Alarms {
  public:
    // The earlier of two wishes for one key counts.
    void wake(const Key& key, Instant at) {
        const auto [held, fresh] = at_.try_emplace(key, at);
        if (!fresh) {
            if (held->second <= at) {
                return;
            }
            queue_.erase({held->second, key});
            held->second = at;
        }
        queue_.emplace(at, key);
    }
    void forget(const Key& key) {
        const auto held = at_.find(key);
        if (held != at_.end()) {
            queue_.erase({held->second, key});
            at_.erase(held);
        }
    }
    // In the order of the keys; each rings once.
    std::vector<Key> take_due(Instant now) {
        std::vector<Key> due;
        while (!queue_.empty() && queue_.begin()->first <= now) {
            due.push_back(queue_.begin()->second);
            at_.erase(due.back());
            queue_.erase(queue_.begin());
        }
        std::ranges::sort(due);
        return due;
    }
    std::optional<Instant> next() const {
        return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first);
    }
    std::size_t size() const { return queue_.size(); }

  private:
    std::map<Key, Instant> at_;
    std::set<std::pair<Instant, Key>> queue_;
};

// The same for keys that know themselves when they ring, which saves a copy of each: what was asked
// for and is not wanted any more stays in the queue, and whoever takes it compares the times.
template <class Key>
class LooseAlarms {
  public:
    void add(const Key& key, Instant at) {
        queue_.emplace_back(at, key);
        std::ranges::push_heap(queue_, std::greater{});
    }
    // In the order of the keys, each with the time it was added for.
    std::vector<std::pair<Key, Instant>> take_due(Instant now) {
        std::vector<std::pair<Key, Instant>> due;
        while (!queue_.empty() && queue_.front().first <= now) {
            std::ranges::pop_heap(queue_, std::greater{});
            due.emplace_back(std::move(queue_.back().second), queue_.back().first);
            queue_.pop_back();
        }
        std::ranges::sort(due);
        return due;
    }

  private:
    std::vector<std::pair<Instant, Key>> queue_;  // a heap, the earliest in front
};

}  // namespace leverd
