// Why: the sender itself: attempts are tasks with an owner, a hang holds up nobody else, and what
// was accepted is on the disk when the next process begins.
#include "exporters/pager/pager.hpp"

#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"
#include "tests/unit/levers/fake_http.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <map>
#include <memory>

using namespace leverd;
using namespace leverd::exporters;

namespace {

struct StillClock final : Clock {
    Now time{at_millis(1'000'000), WallTime{Millis{1'778'000'000'000}}};
    Now now() const override { return time; }
};

struct Bench {
    boost::asio::io_context io;
    StillClock clock;
    test::FakeHttp http;
    test::TempDirectory directory;
    std::unique_ptr<OutboxStore> store = std::make_unique<OutboxStore>(directory.root());
    std::vector<std::string> threw;
    std::unique_ptr<net::TaskGroup> tasks;
    std::unique_ptr<Pager> pager;
    std::vector<std::string> ends;

    Bench() { begin(); }
    ~Bench() { stop(); }
    void begin() {
        io.restart();
        tasks = std::make_unique<net::TaskGroup>(
            io.get_executor(),
            [this](const net::TaskDefect& defect) { threw.push_back(defect.task); });
        pager = std::make_unique<Pager>(io.get_executor(), clock, *tasks, store.get());
        pager->on_end([this](const Outbox::Attempt& attempt, const AttemptEnd& end) {
            ends.push_back(attempt.message.page.key + " " + end.words.substr(0, 3));
        });
        PageSink sink;
        sink.settings.id = "pager";
        sink.settings.kind = "webhook";
        sink.settings.url = "https://pager.test/hook";
        // The bench owns it.
        pager->use({sink}, std::shared_ptr<net::HttpTransport>(std::shared_ptr<void>(), &http));
        tasks->spawn("pager", pager->run());
    }
    // Whatever can happen without time passing.
    void turn() {
        io.restart();
        io.poll();
    }
    void stop() {
        tasks->cancel();
        io.restart();
        io.run();
        pager.reset();
        tasks.reset();
    }
    // A new process with the same state directory.
    void restart() {
        stop();
        store.reset();
        store = std::make_unique<OutboxStore>(directory.root());
        begin();
    }
    Paged page(std::int64_t version, PageStatus status = PageStatus::firing) const {
        Paged made;
        made.key = "i-1";
        made.version = version;
        made.status = status;
        made.text = "words";
        made.at = Now{at_millis(version), WallTime{Millis{version}}};
        return made;
    }
};

const std::string hook = "POST https://pager.test/hook";

}  // namespace

TEST_CASE("a page that was accepted is not sent again by the next process") {
    Bench b;
    b.http.script(hook, {test::no_body(204)});
    b.pager->put(b.page(1));
    b.turn();
    REQUIRE(b.http.seen.size() == 1);
    CHECK(b.ends == std::vector<std::string>{"i-1 204"});
    b.restart();
    CHECK_FALSE(b.pager->put(b.page(1)));
    b.turn();
    CHECK(b.http.seen.size() == 1);
    b.pager->put(b.page(2, PageStatus::resolved));
    b.turn();
    CHECK(b.http.seen.size() == 2);
    CHECK(b.threw.empty());
}

TEST_CASE("a resolve that was not delivered is delivered by the next process") {
    Bench b;
    b.http.script(hook, {test::no_body(204), test::no_body(503), test::no_body(204)});
    b.pager->put(b.page(1));
    b.turn();
    b.pager->put(b.page(2, PageStatus::resolved));
    b.turn();
    CHECK(b.ends == std::vector<std::string>{"i-1 204", "i-1 503"});
    CHECK(b.pager->report()[0].undelivered == 1);
    b.restart();
    b.turn();
    CHECK(b.ends.back() == "i-1 204");
    CHECK(b.http.seen.size() == 3);
    CHECK(b.pager->report()[0].undelivered == 0);
}

TEST_CASE("a lost reply may repeat the page under the same delivery id") {
    Bench b;
    b.http.script(hook, {test::lost(), test::no_body(200)});
    b.pager->put(b.page(1));
    b.turn();
    b.clock.time.at += Millis{2'000};
    b.clock.time.wall += Millis{2'000};
    b.pager->put(b.page(1));  // also wakes the sender, whose timer is a real one
    b.turn();
    REQUIRE(b.http.seen.size() == 2);
    CHECK(test::header_of(b.http.seen[0], "X-Watchdog-Delivery") ==
          test::header_of(b.http.seen[1], "X-Watchdog-Delivery"));
    CHECK(b.http.seen[0].body == b.http.seen[1].body);
}

TEST_CASE("a state directory that cannot be written keeps no page back") {
    Bench b;
    b.stop();
    b.store.reset();
    b.store = std::make_unique<OutboxStore>(b.directory.root() / "missing");
    CHECK_FALSE(b.store->problem().what.empty());
    b.begin();
    b.http.script(hook, {test::no_body(200)});
    b.pager->put(b.page(1));
    b.turn();
    CHECK(b.http.seen.size() == 1);
    CHECK_FALSE(b.pager->store_problem().hint.empty());
}

TEST_CASE("a test page says what was answered") {
    Bench b;
    b.http.script(hook, {test::no_body(200), test::no_body(200), test::answer(403, "who are you")});
    const auto accepted = test::run(b.pager->send_test("pager", "mara"));
    REQUIRE(accepted.has_value());
    CHECK(accepted->starts_with("accepted: 200"));
    REQUIRE(b.http.seen.size() == 2);
    CHECK(b.http.seen[0].body.find("mara") != std::string::npos);
    CHECK(b.http.seen[1].body.find("\"resolved\"") != std::string::npos);
    const auto refused = test::run(b.pager->send_test("pager", "mara"));
    REQUIRE(refused.has_error());
    CHECK(refused.error().what.find("403") != std::string::npos);
    const auto unknown = test::run(b.pager->send_test("pagr", "mara"));
    REQUIRE(unknown.has_error());
    CHECK(unknown.error().hint == "did you mean 'pager'?");
}
