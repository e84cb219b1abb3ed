// Why: whoever guesses tokens must not get to guess thousands a second, and must not hold a seat
// while being slowed. After a few wrong ones a peer's tokens are not even looked at for a while,
// longer each time; other peers and the unix socket notice nothing.
#pragma once

#include "core/base/time.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <string>

namespace leverd::exporters::web {

class Throttle {
  public:
    static constexpr int free_tries = 5;  // a person may mistype
    static constexpr Millis first_delay{1'000};
    static constexpr Millis longest_delay{30'000};
    // Not by a right token: its owner may be the one who guesses a better one.
    static constexpr Millis forgiven_after{600'000};
    static constexpr std::size_t peers_max = 1'024;  // the one that failed longest ago is forgotten

    // How long this peer's tokens will not be looked at; zero: they will.
    Millis held(const std::string& peer, Instant now) const;
    void failed(const std::string& peer, Instant now);
    std::size_t size() const { return peers_.size(); }

  private:
    struct Record {
        int failures = 0;
        Instant last{};
        Instant until{};
    };
    std::map<std::string, Record> peers_;
};

}  // namespace leverd::exporters::web
