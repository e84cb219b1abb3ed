// Why: see hint_desk.hpp.
#include "probes/hint_desk.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/http.hpp"

#include <utility>

namespace leverd::probes {
namespace asio = boost::asio;

HintDesk::HintDesk(asio::any_io_executor executor, std::function<std::size_t(const Hint&)> wake)
    : wake_(std::move(wake)), timer_(std::move(executor)) {}

std::uint64_t HintDesk::post(const std::vector<Hint>& hints) {
    std::uint64_t dropped = 0;
    const bool idle = waiting_.empty();
    for (const Hint& hint : hints) {
        if (waiting_.size() < waiting_max) {
            waiting_.insert(hint);
        } else if (!waiting_.contains(hint)) {
            ++dropped;
        }
    }
    if (idle && !waiting_.empty()) {
        timer_.cancel();
    }
    return dropped;
}

asio::awaitable<void> HintDesk::run() {
    co_await asio::this_coro::throw_if_cancelled(false);
    bool cancelled = false;
    while (!cancelled) {
        if (waiting_.empty()) {
            timer_.expires_at(net::Deadline::max());
            co_await timer_.async_wait(net::tuple_token);
        }
        for (const Hint& hint : std::exchange(waiting_, {})) {
            wake_(hint);
        }
        // Not to be cut short by post(): while this waits, wishes pile up as one.
        asio::steady_timer pause(timer_.get_executor(), pace);
        co_await pause.async_wait(net::tuple_token);
        cancelled = co_await net::is_cancelled();
    }
}

}  // namespace leverd::probes
