// Why: the driver decides in which order the engine hears things: that the process was held up
// before its clock moves, and that a turn is durable before its effects.
#include "daemon/driver.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <new>
#include <optional>
#include <utility>

using namespace leverd;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

class HandClock final : public Clock {
  public:
    Now now() const override {
        if (broken) {
            throw std::bad_alloc();
        }
        return at;
    }
    bool broken = false;
    Now at{at_millis(1'000'000), WallTime{Millis{1'800'000'000'000}}};
};

// Says in `seen` what reached the disk, and refuses when told to.
class ToldLedger final : public Ledger {
  public:
    asio::awaitable<Result<LedgerReport>> append(std::vector<Entry> entries) override {
        if (refuse) {
            co_return Error{"no space left", ""};
        }
        for (auto& entry : entries) {
            seen.push_back(std::move(entry));
        }
        LedgerReport report;
        report.witnessed = witnessed;
        co_return report;
    }
    asio::awaitable<Result<std::vector<StoredEntry>>> read(std::int64_t, std::size_t) override {
        co_return std::vector<StoredEntry>{};
    }
    bool refuse = false;
    bool witnessed = true;
    std::vector<Entry> seen;
};

Rules with_deadline() {
    auto rules = test::small_rules();
    Signal silent;
    silent.id = "job-silent";
    silent.subject_kind = "job";
    silent.probe = "heartbeat";
    silent.silent_after = 10min;
    rules.runbook.signals.push_back(silent);
    return rules;
}

Observation beat(const Now& now) {
    Observation look;
    look.subject = Subject{"job/nightly"};
    look.probe = "heartbeat";
    look.health = Health::healthy;
    look.seen = now;
    return look;
}

struct Bench {
    asio::io_context loop;
    HandClock clock;
    Engine engine{with_deadline()};
    ToldLedger ledger;
    std::vector<Effect> performed;
    std::optional<Observation> report;
    Driver driver{loop.get_executor(), clock, engine, ledger, hooks()};

    DriverHooks hooks() {
        DriverHooks made;
        made.overdue = [this] { return std::exchange(report, std::nullopt); };
        made.perform = [this](const Effect& effect) { performed.push_back(effect); };
        made.recorded = [](const Entry&) {};
        made.committed = [](std::chrono::duration<double>) {};
        made.turned = [this] {
            ++turns;
            driver.stop();
        };
        return made;
    }
    // One turn with this event.
    void turn(Event event) {
        driver.post(std::move(event));
        run();
    }
    void run() {
        asio::co_spawn(loop, driver.run(), [](std::exception_ptr e) { CHECK_FALSE(e); });
        loop.restart();
        loop.run();
    }
    int turns = 0;
};

}  // namespace

TEST_CASE("that the process was held up is heard before any deadline is judged") {
    Bench bench;
    bench.turn(beat(bench.clock.at));
    bench.clock.at.at += 15min;
    bench.clock.at.wall += 15min;
    Observation self;
    self.subject = Subject{"observer"};
    self.probe = "self";
    self.facts = {{"lateness_ms", 15.0 * 60'000}, {"clock_step_ms", 0}};
    self.seen = bench.clock.at;
    SECTION("with the report") {
        bench.report = self;
        bench.turn(beat(bench.clock.at));
        CHECK_FALSE(bench.engine.view().observer.trusted);
        CHECK(bench.engine.view().tripped.empty());
        for (const auto& entry : bench.ledger.seen) {
            const auto* look = std::get_if<Observed>(&entry.body);
            CHECK((look == nullptr || look->observation.reason != Reason::silent));
        }
    }
    SECTION("without it the deadline would have been judged") {
        bench.turn(beat(bench.clock.at));
        bool silent = false;
        for (const auto& entry : bench.ledger.seen) {
            const auto* look = std::get_if<Observed>(&entry.body);
            silent = silent || (look != nullptr && look->observation.reason == Reason::silent);
        }
        CHECK(silent);
    }
}

TEST_CASE("bad news about the ledger goes before all looks that wait") {
    Bench bench;
    for (int i = 0; i < 1'000; ++i) {
        bench.driver.post(beat(bench.clock.at));
    }
    bench.ledger.refuse = true;
    bench.turn(LedgerHealth{false});
    CHECK_FALSE(bench.engine.view().ledger_writable);
    CHECK(bench.turns == 1);
}

TEST_CASE("a witness that can be written again is heard of without anything new to write") {
    Bench bench;
    bench.ledger.witnessed = false;
    bench.turn(beat(bench.clock.at));
    bench.turn(Tick{});
    REQUIRE_FALSE(bench.engine.view().ledger_writable);
    bench.turn(Tick{});
    const auto written = bench.ledger.seen.size();
    bench.ledger.witnessed = true;
    bench.turn(Tick{});
    bench.turn(Tick{});
    CHECK(bench.engine.view().ledger_writable);
    CHECK(bench.ledger.seen.size() <= written + 1);  // the end of its page at most
}

TEST_CASE("a stop is heard although thousands of looks wait, and what was done is still told") {
    Bench bench;
    for (int i = 0; i < 10'000; ++i) {
        bench.driver.post(beat(bench.clock.at));
    }
    bench.driver.post(StopCommand{true, "somebody", "a test", Millis{0}});
    bench.driver.post(VetoCommand{"tenant/acme", {}, Millis{0}, "somebody", "a test"});
    bench.driver.stop();
    bench.run();
    CHECK(bench.driver.queue_depth() == 0);
    CHECK(bench.engine.view().stop.stopped);
    CHECK(bench.engine.view().vetoes.size() == 1);
    CHECK(bench.turns <= 2);
}

TEST_CASE("whoever submits an event gets the entries of its own turn") {
    Bench bench;
    std::optional<Submitted> told;
    asio::co_spawn(bench.loop, bench.driver.submit(VetoCommand{"*", {}, Millis{0}, "me", "why"}),
                   [&told](std::exception_ptr, Submitted done) { told = std::move(done); });
    bench.loop.poll();
    bench.run();
    REQUIRE(told);
    CHECK(told->durable);
    REQUIRE(told->entries.size() == 1);
    CHECK(std::get<VetoSet>(told->entries.front().body).id == "v-1");
}

TEST_CASE("an engine that throws ends the driver's task with what it threw") {
    Bench bench;
    bench.clock.broken = true;
    std::exception_ptr thrown;
    asio::co_spawn(bench.loop, bench.driver.run(), [&thrown](std::exception_ptr e) { thrown = e; });
    bench.loop.run();
    CHECK(thrown);
}
