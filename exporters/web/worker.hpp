// Why: large texts are made on a thread of their own, from copies, so that the engine's loop only
// waits for what it alone may read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <utility>

namespace leverd::exporters::web {

class Worker {
  public:
    // Ends what was begun, then its thread.
    ~Worker() { pool_.join(); }
    boost::asio::thread_pool& pool() { return pool_; }

  private:
    boost::asio::thread_pool pool_{1};
};

template <class T>
boost::asio::awaitable<T> run_there(std::function<T()> work) {
    co_return work();
}

// What `work` gives. It may touch nothing but what it owns. Without a worker: here and now.
template <class T>
boost::asio::awaitable<T> elsewhere(Worker* worker, std::function<T()> work) {
    if (worker == nullptr) {
        co_return work();
    }
    auto there = run_there<T>(std::move(work));
    co_return co_await boost::asio::co_spawn(worker->pool(), std::move(there),
                                             boost::asio::use_awaitable);
}

}  // namespace leverd::exporters::web
