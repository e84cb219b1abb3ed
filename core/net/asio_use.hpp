// Why: leverd awaits in one way: an operation ends with an error code and never with an exception,
// also when the coroutine was cancelled.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace leverd::net {

inline constexpr auto tuple_token = boost::asio::as_tuple(boost::asio::use_awaitable);

// Asio makes every co_await of a cancelled coroutine throw unless told otherwise, and the setting
// belongs to the whole chain of callers. A function that must not throw reads it, clears it and
// puts it back; not in a helper, since calling one would already throw:
//   const bool threw = co_await boost::asio::this_coro::throw_if_cancelled();
//   co_await boost::asio::this_coro::throw_if_cancelled(false);
//   ...
//   co_await boost::asio::this_coro::throw_if_cancelled(threw);

// True once the owner cancelled the coroutine that this state belongs to (it is taken with
// `co_await boost::asio::this_coro::cancellation_state` and stays current). A cancellation that
// comes between two operations aborts neither, so every step asks before it starts.
inline bool is_cancelled(const boost::asio::cancellation_state& state) {
    return state.cancelled() != boost::asio::cancellation_type::none;
}

// The same about the calling coroutine. Take the answer to a named local before testing it: g++ 12
// resumes at the wrong place after a co_await inside the condition of an if or a while.
inline boost::asio::awaitable<bool> is_cancelled() {
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    co_return is_cancelled(state);
}

}  // namespace leverd::net
