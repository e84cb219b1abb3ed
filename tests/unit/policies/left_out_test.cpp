// Why: a target that flaps for a day must not fill the ledger, and a restart in the middle must not
// take it for steady; a target that reports every second with a deadline must not, either.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

using namespace leverd;
using namespace std::chrono_literals;
using leverd::test::Bench;
using leverd::test::small_rules;

namespace {

const Subject acme{"tenant/acme"};

std::vector<Observed> looks_at(const Bench& bench, const Subject& subject) {
    std::vector<Observed> found;
    for (const auto& seen : bench.entries<Observed>()) {
        if (seen.observation.subject == subject) {
            found.push_back(seen);
        }
    }
    return found;
}

// Bad and good in turn, a second apart.
void flap(Bench& bench, std::chrono::seconds how_long) {
    for (int i = 0; i < how_long.count(); ++i) {
        bench.advance(1s);
        if (i % 2 == 0) {
            bench.bad("acme");
        } else {
            bench.good("acme", 100);
        }
    }
}

bool flaps(const Bench& bench) {
    for (const auto& [signal, subject] : bench.view().flapping) {
        if (subject == acme) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("a flapping target adds an entry a minute, not one per look") {
    Bench bench;
    bench.settle();
    flap(bench, 60s);
    REQUIRE(flaps(bench));
    const auto before = looks_at(bench, acme).size();
    flap(bench, 1800s);
    const auto looks = looks_at(bench, acme);
    CHECK(looks.size() - before <= 32);
    std::int64_t all = 0;
    for (std::size_t i = before; i < looks.size(); ++i) {
        all += 1 + looks[i].left_out;
    }
    CHECK(all >= 1700);  // nothing is only left out; the rest of the last minute is still to come
    CHECK(all <= 1800);
}

TEST_CASE("a restart in the middle of flapping goes on with it, and steady looks end it") {
    Bench bench;
    bench.settle();
    flap(bench, 600s);
    REQUIRE(flaps(bench));
    bench.restart();
    CHECK(flaps(bench));
    bench.advance(1s);
    bench.tick();
    CHECK(flaps(bench));  // the changes of the minutes before are known
    flap(bench, 120s);
    CHECK(flaps(bench));
    for (int i = 0; i < 240; ++i) {
        bench.advance(30s);
        bench.all_good();
    }
    CHECK_FALSE(flaps(bench));
    bench.restart();
    CHECK_FALSE(flaps(bench));
    CHECK(bench.view().subjects.at(acme).detectors.empty());
}

TEST_CASE("a target that goes down for good while it flaps is in the ledger at once") {
    Bench bench;
    bench.settle();
    flap(bench, 601s);
    bench.kill("acme", 3);
    const auto raised = [&] {
        return bench.view().symptoms.contains({"tenant-unreachable", acme});
    };
    REQUIRE(raised());
    bench.restart();
    CHECK(raised());
    bench.kill("acme", 1);
    CHECK(raised());
    CHECK(bench.view().subjects.at(acme).detectors.begin()->second.raised);
}

TEST_CASE("looks with a deadline are kept coarsely, and a restart neither misses nor invents one") {
    auto rules = small_rules();
    Signal silent;
    silent.id = "job-silent";
    silent.subject_kind = "job";
    silent.probe = "heartbeat";
    silent.silent_after = 10min;
    silent.clear_looks = 1;
    rules.runbook.signals.push_back(silent);
    Bench bench(rules);
    bench.settle();
    const Subject job{"job/backup"};
    const auto is_silent = [&] {
        return bench.view().subjects.at(job).looks.find("heartbeat")->reason == Reason::silent;
    };
    for (int i = 0; i < 3600; ++i) {
        bench.advance(1s);
        bench.look("job/backup", "heartbeat", Health::healthy);
    }
    // A twentieth of ten minutes is thirty seconds.
    CHECK(looks_at(bench, job).size() <= 3600 / 30 + 2);
    bench.restart();
    const auto tick_for = [&](std::chrono::seconds how_long) {
        for (int i = 0; i < how_long.count() / 5; ++i) {
            bench.advance(5s);
            bench.all_good();
            bench.tick();
        }
    };
    tick_for(600s - 5s);
    CHECK_FALSE(is_silent());
    tick_for(45s);
    CHECK(is_silent());
}
