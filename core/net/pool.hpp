// Why: a connection that is kept spares the handshakes of the next look; how many and how long is
// bounded, because each one is a descriptor here and a slot over there. Private to core/net.
#pragma once

#include "core/net/http.hpp"
#include "core/net/resolver.hpp"
#include "core/net/stream.hpp"

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace leverd::net {

struct Kept {
    std::unique_ptr<Stream> stream;  // null: none
    Deadline opened{};
};

class Pool {
  public:
    explicit Pool(const TransportOptions& options)
        : connections_max_(options.idle_connections_max),
          idle_for_(options.idle_for),
          age_max_(options.connection_age_max) {}

    // The newest idle connection to the target that is still alive and young. A connection that the
    // other side closed, or on which it spoke unasked, is dropped.
    Kept take(const std::string& key);
    // At most two are kept for one target; the older one goes.
    void give(std::string key, Kept kept);
    // The name stands for these addresses now: what leads elsewhere is dropped.
    void keep_only(const std::string& key, const Addresses& addresses);
    // Closes what has been idle for too long and, once a second, what the other side has closed.
    void sweep();
    std::size_t size() const { return idle_.size(); }

  private:
    struct Idle {
        std::string key;
        Kept kept;
        Deadline since;
    };
    using Rows = std::list<Idle>;
    Rows::iterator drop(Rows::iterator row);

    std::size_t connections_max_;
    Millis idle_for_;
    Millis age_max_;
    Deadline dead_sought_{};
    Rows idle_;  // oldest first
    // Of each target, oldest first: with hundreds of targets each request would go through them
    // all.
    std::unordered_map<std::string, std::vector<Rows::iterator>> of_target_;
};

}  // namespace leverd::net
