// Why: a page that is not delivered, delivered twice, or delivered in the wrong order is a person
// who is told wrong. All in virtual time: an outage of hours takes no time here.
#include "exporters/pager/outbox.hpp"

#include "tests/catch.hpp"

#include <algorithm>

using namespace leverd;
using exporters::AttemptEnd;
using exporters::Outbox;

namespace {

constexpr std::int64_t begin_ms = 1'778'000'000'000;

struct Bench {
    Outbox outbox{1};
    Now now{at_millis(1'000'000), WallTime{Millis{begin_ms}}};
    std::vector<OutboxRow> disk;

    explicit Bench(std::vector<Outbox::Sink> sinks = {{"pager", "a", Millis{0}}}) {
        outbox.declare(sinks, now);
        keep();
    }
    void pass(Millis d) {
        now.at += d;
        now.wall += d;
    }
    void keep() {
        for (auto& row : outbox.take_changes()) {
            std::erase_if(
                disk, [&](const auto& old) { return old.sink == row.sink && old.key == row.key; });
            if (!row.json.empty()) {
                disk.push_back(row);
            }
        }
    }
    // A new process that finds what the last one kept.
    void restart(std::vector<Outbox::Sink> sinks = {{"pager", "a", Millis{0}}}) {
        keep();
        outbox = Outbox{2};
        outbox.restore(disk, now);
        outbox.declare(sinks, now);
    }
    Paged page(std::int64_t version, PageStatus status, const std::string& key = "i-1") const {
        Paged made;
        made.key = key;
        made.version = version;
        made.status = status;
        made.severity = Severity::critical;
        made.title = "tenant/acme: unreachable";
        made.text = "version " + std::to_string(version);
        made.since = Now{at_millis(990'000), WallTime{Millis{begin_ms - 10'000}}};
        made.at = now;
        made.ended = status == PageStatus::firing ? Now{} : now;
        return made;
    }
    void put(std::int64_t version, PageStatus status, const std::string& key = "i-1") {
        outbox.put(page(version, status, key), now);
        keep();
    }
    void end(const Outbox::Attempt& attempt, AttemptEnd::Kind kind, Millis retry_after = {}) {
        AttemptEnd ended;
        ended.kind = kind;
        ended.words = kind == AttemptEnd::Kind::accepted ? "200" : "503";
        ended.retry_after = retry_after;
        outbox.ended(attempt, ended, now);
        keep();
    }
    // Answers everything that goes within `d` with `kind`; what went, as "key/version/status".
    std::vector<std::string> run(Millis d, AttemptEnd::Kind kind) {
        std::vector<std::string> sent;
        const auto until = now.at + d;
        while (now.at <= until) {
            while (const auto attempt = outbox.take(now)) {
                const auto& page = attempt->message.page;
                sent.push_back(page.key + "/" + std::to_string(page.version));
                end(*attempt, kind);
            }
            const auto due = outbox.next_due();
            const auto next = due == Instant::max() ? until + Millis{1} : due;
            pass(std::max(next - now.at, Millis{1}));
        }
        return sent;
    }
    std::size_t undelivered() const { return outbox.report(now)[0].undelivered; }
};

using Sent = std::vector<std::string>;
constexpr auto accepted = AttemptEnd::Kind::accepted;
constexpr auto failed = AttemptEnd::Kind::failed;
constexpr auto rejected = AttemptEnd::Kind::rejected;
constexpr Millis minute{60'000};

}  // namespace

TEST_CASE("a sink that is down for hours gets the newest version once it is back, once") {
    Bench b;
    b.put(1, PageStatus::firing);
    const auto tried = b.run(3 * 60 * minute, failed);
    CHECK(tried.size() > 100);
    CHECK(tried.size() < 500);
    CHECK(b.undelivered() == 1);
    b.put(2, PageStatus::firing);
    CHECK(b.run(2 * minute, accepted) == Sent{"i-1/2"});
    CHECK(b.undelivered() == 0);
    CHECK(b.run(24 * 60 * minute, accepted).empty());
}

TEST_CASE("a resolve never overtakes the firing that is on its way") {
    Bench b;
    b.put(1, PageStatus::firing);
    const auto first = b.outbox.take(b.now);
    REQUIRE(first);
    b.put(2, PageStatus::resolved);
    b.pass(minute);
    CHECK_FALSE(b.outbox.take(b.now));
    b.end(*first, accepted);
    const auto second = b.outbox.take(b.now);
    REQUIRE(second);
    CHECK(second->message.page.version == 2);
    CHECK(second->message.told->version == 1);
    CHECK_FALSE(exporters::is_late(second->message));
}

TEST_CASE("a case that began and ended while the sink was down arrives as one message") {
    Bench b;
    b.put(1, PageStatus::firing);
    (void)b.run(5 * minute, failed);
    b.put(2, PageStatus::recovered);
    b.put(3, PageStatus::resolved);
    (void)b.run(minute, failed);
    b.pass(minute);
    const auto attempt = b.outbox.take(b.now);
    REQUIRE(attempt);
    CHECK(attempt->message.page.version == 3);
    const auto words = exporters::worded(attempt->message);
    CHECK(words.status == PageStatus::resolved);
    CHECK(words.text.starts_with("It was broken from 2026-05-05 "));
    CHECK(words.text.ends_with("version 3"));
    b.end(*attempt, accepted);
    CHECK(b.run(60 * minute, accepted).empty());
}

TEST_CASE("what was accepted is not sent again after a restart, what was not is") {
    Bench b;
    b.put(1, PageStatus::firing, "i-1");
    b.put(1, PageStatus::firing, "i-2");
    CHECK(b.run(minute, accepted).size() == 2);
    const auto open = b.page(1, PageStatus::firing, "i-1");
    b.put(2, PageStatus::resolved, "i-2");
    const auto over = b.page(2, PageStatus::resolved, "i-2");
    (void)b.run(minute, failed);
    b.restart();
    CHECK(b.undelivered() == 1);
    // The engine asks for every page that it keeps.
    b.put(1, PageStatus::firing, "i-1");
    CHECK(b.run(2 * minute, accepted).size() == 2);  // it is newer by its time
    b.restart();
    b.outbox.put(open, b.now);
    b.outbox.put(over, b.now);
    CHECK(b.undelivered() == 0);
}

TEST_CASE("the same page asked for again at a start goes nowhere") {
    Bench b;
    const auto open = b.page(1, PageStatus::firing, "i-1");
    const auto over = b.page(2, PageStatus::resolved, "i-2");
    b.outbox.put(open, b.now);
    b.outbox.put(over, b.now);
    CHECK(b.run(minute, accepted).size() == 2);
    for (int start = 0; start < 3; ++start) {
        b.restart();
        CHECK_FALSE(b.outbox.put(open, b.now));
        CHECK_FALSE(b.outbox.put(over, b.now));
        CHECK(b.run(10 * minute, accepted).empty());
    }
}

TEST_CASE("an engine that lost versions, because its ledger could not be written, is still heard") {
    Bench b;
    b.put(5, PageStatus::resolved);
    CHECK(b.run(minute, accepted) == Sent{"i-1/5"});
    b.restart();
    b.put(3, PageStatus::firing);
    CHECK(b.run(minute, accepted) == Sent{"i-1/3"});
    b.put(5, PageStatus::firing);
    CHECK(b.run(minute, accepted) == Sent{"i-1/5"});
}

TEST_CASE("without anything kept, what is open may come again, and nothing is lost") {
    Bench b;
    b.put(1, PageStatus::firing);
    CHECK(b.run(minute, accepted).size() == 1);
    b.keep();
    b.disk.clear();
    b.restart();
    b.put(1, PageStatus::firing);
    CHECK(b.run(minute, accepted).size() == 1);
}

TEST_CASE("a rejected page is tried slowly and said, and other words are tried at once") {
    Bench b;
    b.put(1, PageStatus::firing);
    const auto tried = b.run(60 * minute, rejected);
    CHECK(tried.size() >= 4);
    CHECK(tried.size() < 12);
    const auto report = b.outbox.report(b.now);
    CHECK(report[0].undelivered == 1);
    CHECK(report[0].rejected == tried.size());
    CHECK(b.now.at - report[0].oldest->at >= 60 * minute);
    b.put(2, PageStatus::firing);
    const auto attempt = b.outbox.take(b.now);
    REQUIRE(attempt);
    CHECK(attempt->message.page.version == 2);
}

TEST_CASE("a message that one sink only chokes on holds up no other") {
    Bench b;
    b.put(1, PageStatus::firing, "poison");
    int others = 0;
    for (int i = 0; i < 50; ++i) {
        b.put(1, PageStatus::firing, "i-" + std::to_string(i));
        const auto until = b.now.at + minute;
        while (b.now.at < until) {
            while (const auto attempt = b.outbox.take(b.now)) {
                const bool bad = attempt->message.page.key == "poison";
                others += bad ? 0 : 1;
                b.end(*attempt, bad ? failed : accepted);
            }
            b.pass(Millis{250});
        }
        CHECK(others == i + 1);
    }
}

TEST_CASE("Retry-After is heeded, for the whole sink") {
    Bench b;
    b.put(1, PageStatus::firing, "i-1");
    const auto attempt = b.outbox.take(b.now);
    REQUIRE(attempt);
    b.end(*attempt, failed, 2 * minute);
    b.put(1, PageStatus::firing, "i-2");
    b.pass(2 * minute - Millis{1});
    CHECK_FALSE(b.outbox.take(b.now));
    b.pass(Millis{1});
    CHECK(b.outbox.take(b.now));
}

TEST_CASE("one sink's outage is not the other's, and a sink in trouble gets one at a time") {
    Bench b({{"pager", "a", Millis{0}}, {"mail", "b", Millis{0}}});
    for (int i = 0; i < 20; ++i) {
        b.put(1, PageStatus::firing, "i-" + std::to_string(i));
    }
    std::size_t mailed = 0;
    for (int step = 0; step < 100; ++step) {
        std::vector<Outbox::Attempt> under_way;
        while (auto attempt = b.outbox.take(b.now)) {
            under_way.push_back(std::move(*attempt));
        }
        const auto to_pager = std::ranges::count(under_way, "pager", &Outbox::Attempt::sink);
        CHECK(to_pager <= (step == 0 ? 4 : 1));
        for (const auto& attempt : under_way) {
            const bool mail = attempt.sink == "mail";
            mailed += mail ? 1 : 0;
            b.end(attempt, mail ? accepted : failed);
        }
        b.pass(Millis{1'000});
    }
    CHECK(mailed == 20);
    for (const auto& sink : b.outbox.report(b.now)) {
        CHECK(sink.undelivered == (sink.sink == "pager" ? 20 : 0));
    }
}

TEST_CASE("a new sink is told what is open, not what is over; another address is a new sink") {
    Bench b;
    b.put(1, PageStatus::firing, "i-1");
    b.put(1, PageStatus::firing, "i-2");
    (void)b.run(minute, accepted);
    b.put(2, PageStatus::resolved, "i-2");
    (void)b.run(minute, accepted);
    const std::vector<Outbox::Sink> moved{{"pager", "elsewhere", Millis{0}}};
    b.outbox.declare(moved, b.now);
    b.put(1, PageStatus::firing, "i-1");
    b.put(2, PageStatus::resolved, "i-2");
    CHECK(b.run(minute, accepted) == Sent{"i-1/1"});
    b.restart(moved);
    b.put(2, PageStatus::resolved, "i-1");
    CHECK(b.run(minute, accepted) == Sent{"i-1/2"});
}

TEST_CASE("an open page is renewed where the sink forgets, and a renewal is no undelivered page") {
    const std::vector<Outbox::Sink> sinks{{"alerts", "a", minute}};
    Bench b(sinks);
    b.put(1, PageStatus::firing);
    CHECK(b.run(10 * minute, accepted).size() >= 10);
    (void)b.run(10 * minute, failed);
    CHECK(b.undelivered() == 0);
    b.put(2, PageStatus::resolved);
    const auto last = b.run(10 * minute, accepted);
    CHECK(last == Sent{"i-1/2"});
    b.restart(sinks);
    CHECK(b.run(60 * minute, accepted).empty());
}

TEST_CASE("what is over and told is forgotten in the end") {
    Bench b;
    for (int i = 0; i < 100; ++i) {
        b.put(1, PageStatus::resolved, "i-" + std::to_string(i));
    }
    (void)b.run(10 * minute, accepted);
    CHECK(b.disk.size() == 101);
    b.pass(Outbox::told_kept + minute);
    b.put(1, PageStatus::firing, "i-200");
    CHECK(b.disk.size() == 2);
}

TEST_CASE("rows that cannot be read cost a repetition, not a start") {
    Bench b;
    b.put(1, PageStatus::firing);
    (void)b.run(minute, accepted);
    for (auto& row : b.disk) {
        row.json = row.key.empty() ? row.json : "{\"accepted\":7}";
    }
    b.restart();
    b.put(1, PageStatus::firing);
    CHECK(b.run(minute, accepted) == Sent{"i-1/1"});
}

TEST_CASE("what sinks were told is known over a restart, in its newest version") {
    Bench b({{"pager", "a", Millis{0}}, {"second", "b", Millis{0}}});
    b.put(1, PageStatus::firing);
    (void)b.run(minute, accepted);
    b.put(2, PageStatus::resolved);
    b.put(1, PageStatus::firing, "i-2");
    b.restart({{"pager", "a", Millis{0}}});
    const auto told = b.outbox.told();
    REQUIRE(told.size() == 2);
    CHECK(told[0].key == "i-1");
    CHECK(told[0].version == 2);
    CHECK(told[1].key == "i-2");
}

TEST_CASE("the end of a page whose history is lost is not told as a time of its own") {
    Bench b;
    auto page = b.page(1, PageStatus::firing);
    b.put(1, PageStatus::firing);
    (void)b.run(minute, failed);
    page.status = PageStatus::resolved;
    page.version = 3;
    page.state = "no_history";
    page.text = "Closed, and nobody saw whether it is over.";
    b.outbox.put(page, b.now);
    b.pass(2 * minute);
    const auto attempt = b.outbox.take(b.now);
    REQUIRE(attempt);
    CHECK(exporters::worded(attempt->message).text == page.text);
}
