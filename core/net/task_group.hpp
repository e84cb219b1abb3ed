// Why: every coroutine has an owner. A task group starts them, counts them, cancels them together
// and can be waited for, so that nothing outlives what it uses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

namespace leverd::net {

class TaskGroup {
  public:
    // `on_exception` hears of a task that threw (a defect; tasks report errors as values).
    TaskGroup(boost::asio::any_io_executor executor,
              std::function<void(const std::string& task, const std::string& what)> on_exception);
    ~TaskGroup();  // asserts that it is empty
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(std::string name, boost::asio::awaitable<void> task);
    // Emits terminal cancellation to every running task. New tasks are refused from then on.
    void cancel();
    // Completes when the group is empty.
    boost::asio::awaitable<void> join();
    std::size_t size() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace leverd::net
