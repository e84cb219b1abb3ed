// Why: time in which leverd itself was not there is nobody's silence, and a process that is killed
// again and again must still find one.
#include "policies/observer.hpp"
#include "policies/silence.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using namespace std::chrono_literals;
using leverd::test::Bench;
using leverd::test::small_rules;

namespace {

const Subject job("job/nightly");

Rules with_deadline() {
    auto rules = small_rules();
    Signal silent;
    silent.id = "job-silent";
    silent.subject_kind = "job";
    silent.probe = "heartbeat";
    silent.silent_after = 10min;
    silent.clear_looks = 1;
    rules.runbook.signals.push_back(silent);
    rules.listened_every = 30s;
    return rules;
}

bool is_silent(const Bench& bench) {
    return bench.view().subjects.at(job).looks.find("heartbeat")->reason == Reason::silent;
}

void listen(Bench& bench, Millis time) {
    for (Millis gone{0}; gone < time; gone += 10s) {
        bench.advance(10s);
        bench.look("observer", std::string(self_probe), Health::healthy);
        bench.all_good();
        bench.tick();
    }
}

// Nobody is there.
void be_away(Bench& bench, Millis time) {
    bench.advance(time);
    bench.restart(time);
}

Bench called_once() {
    Bench bench(with_deadline());
    bench.settle();
    bench.look(job.text(), "heartbeat", Health::healthy);
    return bench;
}

}  // namespace

TEST_CASE("a restart moves the alarm of a silence by as long as nobody listened") {
    auto bench = called_once();
    listen(bench, 5min);
    be_away(bench, 2min);
    listen(bench, 4min);
    CHECK_FALSE(is_silent(bench));
    // The call may have been half a minute later than the one that the ledger holds.
    listen(bench, 1min + 40s);
    CHECK(is_silent(bench));
    const auto* look = bench.view().subjects.at(job).looks.find("heartbeat");
    CHECK(look->evidence.find("the 2m00s in which leverd was not running do not count") !=
          std::string::npos);
}

TEST_CASE("an absence longer than the deadline makes nobody silent in the first second") {
    auto bench = called_once();
    be_away(bench, 3h);
    listen(bench, 9min);
    CHECK_FALSE(is_silent(bench));
    bench.look(job.text(), "heartbeat", Health::healthy);
    listen(bench, 9min);
    CHECK_FALSE(is_silent(bench));
    listen(bench, 2min);
    CHECK(is_silent(bench));
}

TEST_CASE("a process that is killed every minute still finds a silence") {
    auto bench = called_once();
    int minutes = 0;
    for (; minutes < 30 && !is_silent(bench); ++minutes) {
        listen(bench, 50s);
        be_away(bench, 10s);
    }
    CHECK(minutes >= 12);
    CHECK(minutes <= 14);
}

TEST_CASE("while nothing else is written, the ledger shows now and then that leverd listened") {
    auto bench = called_once();
    listen(bench, 2min);
    const auto before = bench.ledger().size();
    listen(bench, 5min);
    std::size_t marks = 0;
    Instant last = bench.ledger()[before - 1].now.at;
    for (auto at = before; at < bench.ledger().size(); ++at) {
        const auto& entry = bench.ledger()[at];
        CHECK(entry.now.at - last <= 40s);
        last = entry.now.at;
        marks += 1;
    }
    CHECK(marks >= 7);
    CHECK(marks <= 11);
}

TEST_CASE("a process that ends says when it listened last") {
    auto bench = called_once();
    listen(bench, 1min);
    Engine ending(with_deadline());
    for (const auto& entry : bench.ledger()) {
        ending.restore(entry);
    }
    auto now = bench.now();
    now.at += 17s;
    now.wall += 17s;
    const auto turn = ending.leave(now);
    REQUIRE(turn.entries.size() == 1);
    CHECK(turn.entries[0].now.at == now.at);
    CHECK(std::holds_alternative<Observed>(turn.entries[0].body));
}

TEST_CASE("absences add up, and only what lies behind the asked moment counts") {
    State state;
    CHECK(away_since(state, at_millis(0)) == Millis{0});
    note_absence(state, at_millis(10'000), 2s);
    note_absence(state, at_millis(20'000), 5s);
    note_absence(state, at_millis(30'000), Millis{0});
    CHECK(away_since(state, at_millis(1'000)) == 7s);
    CHECK(away_since(state, at_millis(9'000)) == 6s);
    CHECK(away_since(state, at_millis(10'000)) == 5s);
    CHECK(away_since(state, at_millis(16'000)) == 4s);
    CHECK(away_since(state, at_millis(20'000)) == Millis{0});
}
