// Why: the engine keeps what changed; a person who asks "and before that?" wants the last looks as
// they were. They are kept in memory only, few per subject, bad ones longer, and never more than a
// fixed number in all, so that no stack can fill the box with them.
#pragma once

#include "core/model/exchange.hpp"
#include "core/model/observation.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace leverd {

class Results {
  public:
    static constexpr std::size_t healthy_kept = 5;   // per probe and subject
    static constexpr std::size_t others_kept = 15;   // not healthy ones, beside those
    static constexpr std::size_t all_kept = 10'000;  // beyond, the oldest of all goes first

    struct Result {
        Observation seen;
        std::shared_ptr<const Exchange> answer;  // the look's last request; null: it made none
    };

    void add(Observation seen, std::shared_ptr<const Exchange> answer = nullptr);
    void forget(const Subject& subject);

    // Newest first; `subject` empty: of every subject of that probe.
    std::vector<Result> of(const std::string& probe, const Subject& subject,
                           std::size_t limit) const;
    std::size_t size() const { return size_; }

  private:
    using Key = std::pair<std::string, Subject>;  // probe, subject
    struct Numbered {
        std::uint64_t number = 0;
        Result result;
    };
    struct Kept {
        std::deque<Numbered> healthy;  // oldest first
        std::deque<Numbered> others;
    };
    void drop_oldest();

    std::map<Key, Kept> kept_;
    std::map<std::uint64_t, Key> order_;  // of everything kept: the first is the oldest
    std::uint64_t next_ = 0;
    std::size_t size_ = 0;
};

}  // namespace leverd
