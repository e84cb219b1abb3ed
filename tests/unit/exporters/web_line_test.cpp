// Why: that one costly answer does not hold up another is a matter of order, so order is what is
// tested: no clock is read here.
#include "exporters/web/line.hpp"
#include "exporters/web/worker.hpp"
#include "tests/catch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>
#include <thread>
#include <vector>

using namespace leverd;
using boost::asio::awaitable;
using exporters::web::Line;
using exporters::web::Response;

namespace {

struct Room {
    boost::asio::io_context io;
    net::TaskGroup tasks{io.get_executor(), {}};
    Line line{io.get_executor(), tasks, "test", 3};
    std::vector<std::string> log;
    int at_work = 0;
    int at_work_most = 0;
};

awaitable<Response> work(Room& room, std::string name) {
    room.at_work_most = std::max(room.at_work_most, ++room.at_work);
    room.log.push_back("begin " + name);
    for (int i = 0; i < 3; ++i) {
        co_await boost::asio::post(room.io, boost::asio::use_awaitable);
    }
    room.log.push_back("end " + name);
    --room.at_work;
    Response out;
    out.body = name;
    co_return out;
}

awaitable<void> ask(Room& room, std::string key, std::string name, std::vector<Response>& out) {
    Line::Work how = [&room, name] { return work(room, name); };
    Response got = co_await room.line.ask(key, std::move(how));
    out.push_back(std::move(got));
}

awaitable<Response> fail() {
    throw std::runtime_error("no memory");
    co_return Response{};
}

awaitable<void> ask_and_fail(Room& room, std::vector<Response>& out) {
    Line::Work how = fail;
    Response got = co_await room.line.ask("bad", std::move(how));
    out.push_back(std::move(got));
}

// What nobody expects: it ends the line's own task.
awaitable<Response> break_the_line(Room& room) {
    co_await boost::asio::post(room.io, boost::asio::use_awaitable);
    throw 42;
    co_return Response{};
}

awaitable<void> ask_and_break(Room& room, std::vector<Response>& out) {
    Line::Work how = [&room] { return break_the_line(room); };
    Response got = co_await room.line.ask("bad", std::move(how));
    out.push_back(std::move(got));
}

awaitable<void> find_thread(exporters::web::Worker* worker, std::thread::id& out) {
    std::function<std::thread::id()> look = [] { return std::this_thread::get_id(); };
    out = co_await exporters::web::elsewhere<std::thread::id>(worker, std::move(look));
}

}  // namespace

TEST_CASE("when the line's own task dies, whoever waits is told and the next one is served") {
    Room room;
    std::vector<Response> got;
    room.tasks.spawn("ask", ask_and_break(room, got));
    room.tasks.spawn("ask", ask(room, "waits", "waits", got));
    room.io.run_for(std::chrono::minutes(1));
    REQUIRE(got.size() == 2);
    CHECK(got[0].status == 503);
    CHECK(got[1].status == 503);
    room.io.restart();
    room.tasks.spawn("ask", ask(room, "next", "next", got));
    room.io.run_for(std::chrono::minutes(1));
    REQUIRE(got.size() == 3);
    CHECK(got[2].body == "next");
}

TEST_CASE("costly answers are made one at a time, in order, and the line is bounded") {
    Room room;
    std::vector<Response> got;
    for (int i = 0; i < 20; ++i) {
        const std::string key = "k" + std::to_string(i);
        room.tasks.spawn("ask", ask(room, key, key, got));
    }
    room.io.run();
    REQUIRE(got.size() == 20);
    CHECK(room.at_work_most == 1);
    std::size_t answered = 0;
    for (const Response& response : got) {
        answered += response.status == 200 ? 1 : 0;
        if (response.status == 503) {
            CHECK(response.headers.at(0).first == "Retry-After");
        }
    }
    CHECK(answered == room.line.begun());
    CHECK(room.line.refused() == 20 - answered);
    CHECK(answered >= 3);
    CHECK(answered <= 5);
    CHECK(room.log[0] == "begin k0");
    CHECK(room.log[1] == "end k0");
    CHECK(room.log[2] == "begin k1");
}

TEST_CASE("what else is ready runs between two costly answers") {
    Room room;
    std::vector<Response> got;
    room.tasks.spawn("ask", ask(room, "a", "a", got));
    room.tasks.spawn("ask", ask(room, "b", "b", got));
    std::size_t looks = 0;
    std::function<void()> look = [&] {
        room.log.push_back("look");
        if (++looks < 12) {
            boost::asio::post(room.io, look);
        }
    };
    boost::asio::post(room.io, look);
    room.io.run();
    const auto at = [&room](const std::string& what) {
        return std::find(room.log.begin(), room.log.end(), what);
    };
    CHECK(std::count(at("end a"), at("begin b"), "look") >= 1);
    CHECK(std::count(at("begin a"), at("end a"), "look") >= 1);
}

TEST_CASE("a question that waits already is answered together with the next same one") {
    Room room;
    std::vector<Response> got;
    for (int i = 0; i < 20; ++i) {
        room.tasks.spawn("ask", ask(room, "/metrics", std::to_string(i), got));
    }
    room.io.run();
    REQUIRE(got.size() == 20);
    for (const Response& response : got) {
        CHECK(response.status == 200);
    }
    CHECK(room.line.begun() <= 2);
    CHECK(room.line.begun() + room.line.shared() == 20);
}

TEST_CASE("an answer that cannot be made is said so, and the line goes on") {
    Room room;
    std::vector<Response> got;
    room.tasks.spawn("ask", ask_and_fail(room, got));
    room.tasks.spawn("ask", ask(room, "good", "good", got));
    room.io.run();
    REQUIRE(got.size() == 2);
    CHECK(got[0].status == 503);
    CHECK(got[1].body == "good");
}

TEST_CASE("large texts are made on another thread") {
    boost::asio::io_context io;
    exporters::web::Worker worker;
    std::thread::id there;
    net::TaskGroup tasks(io.get_executor(), {});
    tasks.spawn("look", find_thread(&worker, there));
    io.run();
    CHECK(there != std::this_thread::get_id());
    CHECK(there != std::thread::id{});
}
