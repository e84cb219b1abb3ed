// Why: how an answer travels from the ledger's thread to the coroutine that waits for it. The slot
// outlives both sides; the coroutine takes its channel back when it dies, so an answer that comes
// late finds nobody and does nothing. Private to core/ledger.
#pragma once

#include "core/base/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace leverd::ledger {

using Bell = boost::asio::experimental::concurrent_channel<void(boost::system::error_code)>;

template <class T>
class Reply {
  public:
    // From the ledger's thread. The first answer counts. When there is no memory even for this the
    // process ends: better than a waiter who is told something else than what is on the disk.
    void deliver(Result<T> value) noexcept {
        const std::lock_guard guard(mutex_);
        if (value_) {
            return;
        }
        value_.emplace(std::move(value));
        if (bell_ != nullptr) {
            bell_->try_send(boost::system::error_code{});
        }
    }

    // From the waiting coroutine.
    void listen(Bell* bell) {
        const std::lock_guard guard(mutex_);
        bell_ = bell;
    }
    std::optional<Result<T>> take() {
        const std::lock_guard guard(mutex_);
        return std::exchange(value_, std::nullopt);
    }

  private:
    std::mutex mutex_;
    std::optional<Result<T>> value_;
    Bell* bell_ = nullptr;
};

// Connects a bell to a reply for as long as the waiting coroutine lives.
template <class T>
class Listening {
  public:
    Listening(std::shared_ptr<Reply<T>> reply, Bell* bell) : reply_(std::move(reply)) {
        reply_->listen(bell);
    }
    ~Listening() { reply_->listen(nullptr); }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

  private:
    std::shared_ptr<Reply<T>> reply_;
};

// Completes on the executor of the awaiting coroutine. What was handed to the ledger cannot be
// called back, so a cancelled coroutine waits for the answer too: it is certain, and a disk away.
// `submit` runs before this first suspends.
template <class T, class Submit>
boost::asio::awaitable<Result<T>> ask(std::shared_ptr<Reply<T>> reply, Submit submit) {
    namespace asio = boost::asio;
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    Bell bell(executor, 1);
    const Listening<T> listening(reply, &bell);
    submit();
    std::optional<Result<T>> answer;
    while (!answer) {
        const auto token = asio::as_tuple(asio::use_awaitable);
        (void)co_await bell.async_receive(token);
        answer = reply->take();
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(*answer);
}

}  // namespace leverd::ledger
