// Why: what the doors hand over and what connections share. Private to the server.
#pragma once

#include "exporters/web/access.hpp"
#include "exporters/web/server.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace leverd::exporters::web {

// One type for TCP and unix sockets, so that everything above is compiled once.
using AnySocket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                   boost::asio::any_io_executor>;

struct Core {
    Core(net::TaskGroup& group, Backend& door, WebOptions given)
        : tasks(group),
          backend(door),
          options(std::move(given)),
          token(options.token.value_or(Secret{})) {}

    net::TaskGroup& tasks;
    Backend& backend;
    WebOptions options;
    Secret token;  // the one that counts now, also for connections that are open; empty: none
};

using Counter = std::shared_ptr<std::size_t>;

// Counted as long as it lives.
class Seat {
  public:
    explicit Seat(Counter counter) : counter_(std::move(counter)) { ++*counter_; }
    Seat(Seat&& other) noexcept : counter_(std::move(other.counter_)) {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
        if (counter_) {
            --*counter_;
        }
    }

  private:
    Counter counter_;
};

struct Door {
    Access access;
    Counter connections = std::make_shared<std::size_t>(0);
    Counter refusals = std::make_shared<std::size_t>(0);
    Counter streams = std::make_shared<std::size_t>(0);
};

inline constexpr std::size_t refusals_max = 16;  // beyond: closed without a word

// Serves requests until either side has enough.
boost::asio::awaitable<void> session(std::shared_ptr<Core> core, AnySocket socket, Access access,
                                     Seat seat, Counter streams);
// Says 503 and closes.
boost::asio::awaitable<void> refuse(AnySocket socket, Seat seat);

}  // namespace leverd::exporters::web
