// Why: every coroutine has an owner. A task group starts them, counts them, cancels them together
// and can be waited for, so that nothing outlives what it uses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace leverd::net {

// What the end of a task means to everybody else, and so what is to be done about it.
enum class TaskRole {
    errand,      // a throw is said; only its own work is lost
    answerable,  // somebody waits for what it reports: after a throw nobody will be told
    vital,       // runs until it is cancelled: any other end is the end of what it did for all
};

// A task that threw (tasks report errors as values), or a vital one that ended uncancelled.
struct TaskDefect {
    std::string task;
    std::string what;
    TaskRole role = TaskRole::errand;
};

// What TaskDefect says of a vital task that did not throw.
inline constexpr std::string_view ended_by_itself = "it ended by itself";

// The words of what was thrown.
std::string what_of(const std::exception_ptr& thrown);

class TaskGroup {
  public:
    // `on_defect` may be empty.
    TaskGroup(boost::asio::any_io_executor executor,
              std::function<void(const TaskDefect&)> on_defect);
    ~TaskGroup();  // asserts that it is empty
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(std::string name, boost::asio::awaitable<void> task,
               TaskRole role = TaskRole::errand);
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
