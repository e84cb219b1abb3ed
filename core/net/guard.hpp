// Why: one helper races every operation on a socket against the absolute deadline, and tells the
// deadline, a shutdown and a real error apart.
#pragma once

#include "core/net/fault.hpp"
#include "core/net/http.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>

namespace leverd::net {

// Closes the socket at the deadline, which ends whatever waits on it. Destroy it before the socket.
class Guard {
  public:
    // `owner`: the cancellation state of the coroutine that makes the guard.
    Guard(const boost::asio::any_io_executor& executor, Deadline deadline,
          boost::asio::ip::tcp::socket& socket, boost::asio::cancellation_state owner);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    // Before a step: why it must not start, if so.
    std::optional<Fault> stopped(Phase phase) const;
    // After a step that ended in `ec`: what that means.
    Fault explain(boost::system::error_code ec, Phase phase) const;

  private:
    struct State {
        boost::asio::ip::tcp::socket* socket = nullptr;
        std::optional<Millis> late;  // set when the deadline passed
    };
    boost::asio::cancellation_state owner_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<State> state_;
};

}  // namespace leverd::net
