// Why: nothing may outlive what it uses: every coroutine is counted, cancelled and waited for.
#include "core/net/task_group.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "tests/catch.hpp"
#include "tests/unit/net/loop.hpp"

#include <stdexcept>
#include <vector>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using test::Loop;

asio::awaitable<void> note_pause(Millis d, std::vector<bool>* results) {
    results->push_back(co_await pause(d));
}

// Goes on after its cancellation, as a task does that puts things in order before it ends.
asio::awaitable<void> pause_twice(std::vector<bool>* results) {
    results->push_back(co_await pause(Millis{60'000}));
    results->push_back(co_await pause(Millis{60'000}));
}

asio::awaitable<void> throw_soon() {
    co_await pause(Millis{1});
    throw std::runtime_error("broken on purpose");
}

asio::awaitable<bool> join(TaskGroup* group) {
    co_await group->join();
    co_return true;
}

TEST_CASE("a group runs its tasks to their end and join waits for all of them") {
    Loop loop;
    TaskGroup group(loop.io.get_executor(), nullptr);
    std::vector<bool> results;
    group.spawn("a", note_pause(Millis{1}, &results));
    group.spawn("b", note_pause(Millis{20}, &results));
    CHECK(group.size() == 2);
    CHECK(loop.run(join(&group)));
    CHECK(group.size() == 0);
    CHECK(results == std::vector<bool>{true, true});
    CHECK(loop.run(join(&group)));  // of an empty group
}

TEST_CASE("cancel reaches every task, also between its steps, and refuses new ones") {
    Loop loop;
    TaskGroup group(loop.io.get_executor(), nullptr);
    std::vector<bool> results;
    group.spawn("a", note_pause(Millis{60'000}, &results));
    group.spawn("b", pause_twice(&results));
    SECTION("after they started") {
        loop.io.run_for(Millis{5});
    }
    SECTION("before they started") {}
    const auto start = test::Steady::now();
    group.cancel();
    group.spawn("late", note_pause(Millis{0}, &results));
    CHECK(group.size() == 2);
    CHECK(loop.run(join(&group)));
    CHECK(results == std::vector<bool>{false, false, false});
    CHECK(test::since(start) < Millis{10'000});
}

asio::awaitable<void> end_at_once() {
    co_return;
}

TEST_CASE("a task may end between its cancellation and the loop's next turn") {
    Loop loop;
    TaskGroup group(loop.io.get_executor(), nullptr);
    for (int i = 0; i < 100; ++i) {
        group.spawn("brief", end_at_once());
    }
    group.cancel();  // queued behind the tasks, since the loop does not run now
    CHECK(loop.run(join(&group)));
}

TEST_CASE("a task that throws is named and does not take the others along") {
    Loop loop;
    std::vector<std::string> heard;
    TaskGroup group(loop.io.get_executor(), [&](const TaskDefect& defect) {
        heard.push_back(defect.task + ": " + defect.what);
        CHECK(defect.role == TaskRole::answerable);
    });
    std::vector<bool> results;
    group.spawn("broken", throw_soon(), TaskRole::answerable);
    group.spawn("sound", note_pause(Millis{20}, &results));
    CHECK(loop.run(join(&group)));
    CHECK(heard == std::vector<std::string>{"broken: broken on purpose"});
    CHECK(results == std::vector<bool>{true});
}

TEST_CASE("a vital task that ends by itself is told, and one that is cancelled is not") {
    Loop loop;
    std::vector<std::string> heard;
    TaskGroup group(loop.io.get_executor(), [&](const TaskDefect& defect) {
        CHECK(defect.role == TaskRole::vital);
        heard.push_back(defect.task + ": " + defect.what);
    });
    std::vector<bool> results;
    group.spawn("errand", note_pause(Millis{1}, &results));
    group.spawn("ends", note_pause(Millis{1}, &results), TaskRole::vital);
    CHECK(loop.run(join(&group)));
    CHECK(heard == std::vector<std::string>{"ends: it ended by itself"});
    group.spawn("goes on", note_pause(Millis{60'000}, &results), TaskRole::vital);
    group.cancel();
    CHECK(loop.run(join(&group)));
    CHECK(heard.size() == 1);
}

TEST_CASE("several may wait for the same group, and one that is cancelled waits on") {
    Loop loop;
    TaskGroup inner(loop.io.get_executor(), nullptr);
    TaskGroup outer(loop.io.get_executor(), nullptr);
    std::vector<bool> results;
    inner.spawn("work", note_pause(Millis{30}, &results));
    outer.spawn("waits", inner.join());
    outer.spawn("waits too", inner.join());
    loop.io.run_for(Millis{5});
    outer.cancel();
    loop.turn_until([&] { return outer.size() == 0; });
    CHECK(inner.size() == 0);
    CHECK(results == std::vector<bool>{true});
}

}  // namespace
}  // namespace leverd::net
