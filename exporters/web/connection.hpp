// Why: what the doors hand over and what connections share. Private to the server.
#pragma once

#include "exporters/web/access.hpp"
#include "exporters/web/line.hpp"
#include "exporters/web/seats.hpp"
#include "exporters/web/server.hpp"
#include "exporters/web/throttle.hpp"
#include "exporters/web/worker.hpp"

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
    Core(const boost::asio::any_io_executor& executor, net::TaskGroup& group, Backend& door,
         WebOptions given);

    net::TaskGroup& tasks;
    Backend& backend;
    WebOptions options;
    Throttle throttle;
    WebFigures figures;
    Line views;
    Line history;
    Line scrapes;
    Worker worker;  // ends before what its work could still be for
};

using Counter = std::shared_ptr<std::size_t>;

// Counted as long as it lives.
class Counted {
  public:
    explicit Counted(Counter counter) : counter_(std::move(counter)) { ++*counter_; }
    Counted(Counted&& other) noexcept : counter_(std::move(other.counter_)) {}
    Counted& operator=(Counted&&) = delete;
    ~Counted() {
        if (counter_) {
            --*counter_;
        }
    }

  private:
    Counter counter_;
};

struct Door {
    Access access;
    std::shared_ptr<Seats> seats;
    Counter refusals = std::make_shared<std::size_t>(0);
    Counter streams = std::make_shared<std::size_t>(0);
};

inline constexpr std::size_t refusals_max = 16;  // beyond: closed without a word

// Serves requests until either side has enough, or somebody else needs the seat more.
boost::asio::awaitable<void> session(std::shared_ptr<Core> core, AnySocket socket, Access access,
                                     std::unique_ptr<Seat> seat, Counter streams);
// Says 503 and closes.
boost::asio::awaitable<void> refuse(AnySocket socket, Counted seat);

}  // namespace leverd::exporters::web
