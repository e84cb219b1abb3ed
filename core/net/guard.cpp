// Why: see guard.hpp.
#include "core/net/guard.hpp"

#include "core/net/asio_use.hpp"

#include <chrono>

namespace leverd::net {

Guard::Guard(const boost::asio::any_io_executor& executor, Deadline deadline,
             boost::asio::ip::tcp::socket& socket, boost::asio::cancellation_state owner)
    : owner_(owner), timer_(executor, deadline), state_(std::make_shared<State>()) {
    state_->socket = &socket;
    // The handler may already be queued when the guard goes; then the socket is null.
    timer_.async_wait([state = state_, deadline](boost::system::error_code ec) {
        if (ec || state->socket == nullptr) {
            return;
        }
        const auto over = std::chrono::steady_clock::now() - deadline;
        state->late = std::chrono::duration_cast<Millis>(over);
        boost::system::error_code ignored;
        state->socket->close(ignored);
    });
}

Guard::~Guard() {
    state_->socket = nullptr;
    timer_.cancel();
}

std::optional<Fault> Guard::stopped(Phase phase) const {
    if (state_->late) {
        return timed_out(phase, *state_->late);
    }
    if (is_cancelled(owner_)) {
        return cancelled_fault();
    }
    return std::nullopt;
}

Fault Guard::explain(boost::system::error_code ec, Phase phase) const {
    std::optional<Fault> stop = stopped(phase);
    return stop ? std::move(*stop) : io_fault(ec, phase);
}

}  // namespace leverd::net
