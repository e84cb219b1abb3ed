// Why: a test drives one event loop by hand: client and servers share it, so that nothing depends
// on threads.
#pragma once

#include "core/base/time.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace leverd::net::test {

using Steady = std::chrono::steady_clock;

struct Loop {
    boost::asio::io_context io;

    // Runs the loop until the coroutine ended and gives its value; throws when it takes a minute.
    template <class T>
    T run(boost::asio::awaitable<T> task) {
        std::optional<T> result;
        std::exception_ptr thrown;
        bool ended = false;
        boost::asio::co_spawn(io, keep(std::move(task), &result), [&](std::exception_ptr e) {
            thrown = e;
            ended = true;
        });
        turn_until([&] { return ended; });
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        return std::move(*result);
    }

    template <class Condition>
    void turn_until(Condition holds) {
        const auto limit = Steady::now() + std::chrono::minutes(1);
        while (!holds()) {
            io.restart();
            io.run_one_for(std::chrono::seconds(1));
            if (Steady::now() > limit) {
                throw std::runtime_error("the test's loop did not get there within a minute");
            }
        }
    }

  private:
    template <class T>
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task,
                                             std::optional<T>* result) {
        result->emplace(co_await std::move(task));
    }
};

inline Millis since(Steady::time_point start) {
    return std::chrono::duration_cast<Millis>(Steady::now() - start);
}

}  // namespace leverd::net::test
