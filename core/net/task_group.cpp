// Why: see task_group.hpp.
#include "core/net/task_group.hpp"

#include "core/net/asio_use.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cassert>
#include <cstdint>
#include <exception>
#include <map>
#include <vector>

namespace leverd::net {
namespace asio = boost::asio;

struct TaskGroup::State {
    struct Task {
        std::string name;
        std::shared_ptr<asio::cancellation_signal> stop;
        TaskRole role = TaskRole::errand;
    };
    struct KeepUntilRun {
        std::shared_ptr<asio::cancellation_signal> stop;
        void operator()() const {}
    };

    State(asio::any_io_executor e, std::function<void(const TaskDefect&)> report)
        : executor(std::move(e)), on_defect(std::move(report)), emptied(executor) {}

    void ended(std::uint64_t id, const std::exception_ptr& thrown);

    asio::any_io_executor executor;
    std::function<void(const TaskDefect&)> on_defect;
    std::map<std::uint64_t, Task> tasks;
    std::uint64_t next_id = 1;
    bool cancelled = false;
    asio::steady_timer emptied;  // never expires; cancelled when the last task ended
};

void TaskGroup::State::ended(std::uint64_t id, const std::exception_ptr& thrown) {
    const auto found = tasks.find(id);
    if (found == tasks.end()) {
        return;
    }
    const Task task = std::move(found->second);
    tasks.erase(found);
    // First what whoever waits depends on: what follows needs memory, which may be what is missing.
    if (tasks.empty()) {
        emptied.cancel();
    }
    if (cancelled) {
        // A cancellation from outside the loop is queued and points into the signal; the signal
        // goes behind it in the same queue.
        asio::post(executor, KeepUntilRun{task.stop});
    }
    const bool missed = task.role == TaskRole::vital && !cancelled;
    if (on_defect && (thrown || missed)) {
        on_defect({task.name, thrown ? what_of(thrown) : std::string(ended_by_itself), task.role});
    }
}

namespace {

// A cancelled task runs on to its own end and is never thrown out of a co_await.
asio::awaitable<void> run_task(asio::awaitable<void> task) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await std::move(task);
}

}  // namespace

std::string what_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

TaskGroup::TaskGroup(asio::any_io_executor executor,
                     std::function<void(const TaskDefect&)> on_defect)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_defect))) {
    state_->emptied.expires_at(asio::steady_timer::time_point::max());
}

TaskGroup::~TaskGroup() {
    assert(state_->tasks.empty());
}

void TaskGroup::spawn(std::string name, asio::awaitable<void> task, TaskRole role) {
    if (state_->cancelled) {
        return;
    }
    const auto id = state_->next_id++;
    auto stop = std::make_shared<asio::cancellation_signal>();
    State::Task& entry = state_->tasks[id];
    entry.name = std::move(name);
    entry.role = role;
    entry.stop = std::move(stop);
    auto on_end = [state = state_, id](std::exception_ptr thrown) { state->ended(id, thrown); };
    try {
        asio::co_spawn(state_->executor, run_task(std::move(task)),
                       asio::bind_cancellation_slot(entry.stop->slot(), std::move(on_end)));
    } catch (...) {
        state_->tasks.erase(id);  // what never began cannot be waited for
        throw;
    }
}

void TaskGroup::cancel() {
    state_->cancelled = true;
    std::vector<std::uint64_t> ids;
    for (const auto& [id, task] : state_->tasks) {
        ids.push_back(id);
    }
    // By id, because what one cancellation runs may end another task.
    for (const auto id : ids) {
        const auto found = state_->tasks.find(id);
        if (found != state_->tasks.end()) {
            found->second.stop->emit(asio::cancellation_type::terminal);
        }
    }
}

asio::awaitable<void> TaskGroup::join() {
    const auto state = state_;
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!state->tasks.empty()) {
        co_await state->emptied.async_wait(tuple_token);
    }
    co_await asio::this_coro::throw_if_cancelled(threw);
}

std::size_t TaskGroup::size() const {
    return state_->tasks.size();
}

}  // namespace leverd::net
