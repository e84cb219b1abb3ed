// Why: a storm of events must cost a bounded set of wishes, and a quiet one must not wait.
#include "probes/hint_desk.hpp"

#include "core/net/task_group.hpp"
#include "tests/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <map>

using namespace leverd;
namespace asio = boost::asio;

namespace {

struct Desk {
    asio::io_context io;
    net::TaskGroup group{io.get_executor(),
                         [](const net::TaskDefect& defect) { FAIL_CHECK(defect.what); }};
    std::map<Hint, int> woken;
    std::function<void()> then;
    probes::HintDesk desk{io.get_executor(), [this](const Hint& hint) {
                              ++woken[hint];
                              if (then) {
                                  then();
                              }
                              return std::size_t{1};
                          }};

    void run() {
        group.spawn("desk", desk.run());
        io.run();
    }
};

}  // namespace

TEST_CASE("ten thousand events about one thing are one wish") {
    Desk d;
    d.then = [&d] { d.group.cancel(); };
    for (int i = 0; i < 10'000; ++i) {
        CHECK(d.desk.post({Hint{"canvas", ""}}) == 0);
    }
    CHECK(d.desk.waiting() == 1);
    d.run();
    CHECK(d.woken == std::map<Hint, int>{{Hint{"canvas", ""}, 1}});
}

TEST_CASE("a full desk drops and counts what it does not hold already") {
    Desk d;
    std::uint64_t dropped = 0;
    for (int i = 0; i < 10'000; ++i) {
        dropped += d.desk.post({Hint{"tenant_health", "t" + std::to_string(i)}});
    }
    CHECK(d.desk.waiting() == probes::HintDesk::waiting_max);
    CHECK(dropped == 10'000 - probes::HintDesk::waiting_max);
    CHECK(d.desk.post({Hint{"tenant_health", "t0"}}) == 0);
    d.then = [&d] { d.group.cancel(); };
    d.run();
    CHECK(d.woken.size() == probes::HintDesk::waiting_max);
    CHECK(d.desk.waiting() == 0);
}

TEST_CASE("a wish wakes an idle desk, and one that comes while wishes are handed over is kept") {
    Desk d;
    d.then = [&d] {
        if (d.woken.size() == 1) {
            d.desk.post({Hint{"second", ""}});
        } else {
            d.group.cancel();
        }
    };
    asio::post(d.io, [&d] { d.desk.post({Hint{"first", ""}}); });
    d.run();
    CHECK(d.woken == std::map<Hint, int>{{Hint{"first", ""}, 1}, {Hint{"second", ""}, 1}});
}
