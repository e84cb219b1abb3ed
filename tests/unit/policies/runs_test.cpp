// Why: how looks become runs decides everything that follows. Thresholds, k-of-n, silence and
// flapping are checked here against what they are for, and against a naive model.
#include "policies/flapping.hpp"
#include "policies/fold.hpp"

#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <random>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;
using namespace std::chrono_literals;

namespace {

constexpr const char* beat = "job/nightly";

Rules with_window(int looks, int of) {
    auto rules = small_rules();
    rules.runbook.signals[0].looks = looks;
    rules.runbook.signals[0].of = of;
    return rules;
}

Rules with_heartbeat() {
    auto rules = small_rules();
    Signal silent;
    silent.id = "job-silent";
    silent.subject_kind = "job";
    silent.probe = "heartbeat";
    silent.silent_after = 10min;
    silent.clear_looks = 1;
    rules.runbook.signals.push_back(silent);
    Symptom row;
    row.id = "job-missing";
    row.title = "a job did not call";
    row.subject_kind = "job";
    row.any = {"job-silent"};
    row.levers.push_back({"**", "none", {}});
    rules.runbook.symptoms.push_back(row);
    return rules;
}

void look_at(Bench& bench, char value) {
    bench.advance(1s);
    if (value == '1') {
        bench.bad("acme");
    } else if (value == '0') {
        bench.good("acme");
    } else {
        bench.look("tenant/acme", "tenant_health", Health::unknown, Reason::rate_limited);
    }
}

bool tripped_after(const Rules& rules, const std::string& looks) {
    Bench bench(rules);
    for (const char value : looks) {
        look_at(bench, value);
    }
    return bench.view().tripped.contains({"tenant-health", Subject{"tenant/acme"}});
}

void steady(Bench& bench, Millis how_long) {
    for (Millis done{0}; done < how_long; done += 5s) {
        bench.advance(5s);
        bench.all_good();
    }
}

}  // namespace

TEST_CASE("a change of the failure's reason does not reset the run") {
    Bench bench;
    bench.settle();
    bench.bad("acme", Reason::connect_timeout);
    bench.bad("acme", Reason::http_5xx);
    bench.bad("acme", Reason::dns_not_found);
    CHECK(bench.view().tripped.size() == 1);
}

TEST_CASE("1-0-1-0-1 trips 3 of 5 and not 3 in a row") {
    CHECK(tripped_after(with_window(3, 5), "10101"));
    CHECK_FALSE(tripped_after(with_window(3, 0), "10101"));
    CHECK_FALSE(tripped_after(with_window(3, 5), "1100001"));
    CHECK(tripped_after(with_window(3, 5), "11??00??1"));
}

TEST_CASE("k of n agrees with a naive model on random looks, unknown ones left out") {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        const int of = 2 + static_cast<int>(random() % 7);
        const int looks = 1 + static_cast<int>(random() % static_cast<unsigned>(of));
        auto rules = with_window(looks, of);
        rules.runbook.signals[0].clear_looks = 2;
        Bench bench(rules);
        std::string judged;
        bool raised = false;
        for (int i = 0; i < 40; ++i) {
            const char value = "10?0"[random() % 4];
            look_at(bench, value);
            if (value == '?') {
                continue;
            }
            judged += value;
            const auto from = judged.size() > static_cast<std::size_t>(of)
                                  ? judged.size() - static_cast<std::size_t>(of)
                                  : 0;
            const auto bad =
                std::count(judged.begin() + static_cast<std::ptrdiff_t>(from), judged.end(), '1');
            if (!raised) {
                raised = bad >= looks;
            } else if (judged.ends_with("00")) {
                raised = false;
                judged.clear();
            }
            CAPTURE(round, i, of, looks, judged);
            REQUIRE(bench.view().tripped.contains({"tenant-health", Subject{"tenant/acme"}}) ==
                    raised);
        }
    }
}

TEST_CASE("silence is found at the deadline, also when leverd was killed in between") {
    Bench bench(with_heartbeat());
    bench.settle();
    bench.look(beat, "heartbeat", Health::healthy);
    const auto heard = bench.now().at;
    steady(bench, 4min);
    bench.look(beat, "heartbeat", Health::healthy);
    steady(bench, 5min);
    bench.restart();
    steady(bench, 4min + 50s);
    CHECK(bench.entries<SymptomRaised>().empty());
    REQUIRE(bench.engine().next_wake().has_value());
    // The ledger may know an older call than the last, by a twentieth of the deadline.
    bench.advance(50s);
    bench.all_good();
    bench.tick();
    REQUIRE(bench.entries<SymptomRaised>().size() == 1);
    CHECK(bench.entries<SymptomRaised>()[0].evidence.find("nothing heard for 10m") !=
          std::string::npos);
    CHECK(bench.now().at - heard < 15min);
    bench.look(beat, "heartbeat", Health::healthy);
    CHECK(bench.entries<SymptomCleared>().size() == 1);
}

TEST_CASE("what a box in doubt did not hear is no silence, and the deadline moves by that time") {
    Bench bench(with_heartbeat());
    bench.settle();
    bench.look(beat, "heartbeat", Health::healthy);
    steady(bench, 8min);
    for (Millis done{0}; done < 5min; done += 10s) {
        bench.advance(10s);
        for (int i = 0; i < 3; ++i) {
            bench.reference(i, false);
        }
        bench.tick();
    }
    REQUIRE_FALSE(bench.view().observer.trusted);
    const auto quiet = [&](Millis how_long) {
        for (Millis done{0}; done < how_long; done += 5s) {
            bench.advance(5s);
            bench.all_good();
            bench.tick();
        }
    };
    quiet(60s);
    bench.restart();
    quiet(50s);
    CHECK(bench.entries<SymptomRaised>().empty());
    quiet(50s);  // with the twentieth of the deadline that a restart adds
    CHECK(bench.entries<SymptomRaised>().size() == 1);
}

TEST_CASE("a stop of the process is no silence of the others") {
    Bench bench(with_heartbeat());
    bench.settle();
    bench.look(beat, "heartbeat", Health::healthy);
    steady(bench, 8min);
    bench.advance(15min);
    bench.look("observer", "self", Health::unknown, Reason::ok,
               {{"lateness_ms", 15.0 * 60'000}, {"clock_step_ms", 0}});
    bench.tick();
    CHECK_FALSE(bench.view().observer.trusted);
    bench.restart();
    bench.advance(500ms);
    bench.look("observer", "self", Health::unknown, Reason::ok,
               {{"lateness_ms", 0}, {"clock_step_ms", 0}});
    const auto quiet = [&](Millis how_long) {
        for (Millis done{0}; done < how_long; done += 5s) {
            bench.advance(5s);
            bench.all_good();
            bench.tick();
        }
    };
    quiet(110s);
    CHECK(bench.view().observer.trusted);
    CHECK(bench.entries<SymptomRaised>().empty());
    quiet(50s);  // with the twentieth of the deadline that a restart adds
    CHECK(bench.entries<SymptomRaised>().size() == 1);
}

TEST_CASE("the next wake is no later than the deadline of a silence") {
    Bench bench(with_heartbeat());
    bench.look(beat, "heartbeat", Health::healthy);
    const auto deadline = bench.now().at + 10min;
    bench.advance(9min + 50s);
    bench.tick();
    REQUIRE(bench.engine().next_wake().has_value());
    CHECK(*bench.engine().next_wake() <= deadline);
}

TEST_CASE("the weight of a change falls with its age") {
    FlapRules rules;
    const auto now = at_millis(10'000'000);
    CHECK(flap_score(rules, {now, now, now}, now) == Approx(3));
    CHECK(flap_score(rules, {now - rules.window}, now) == Approx(0.5));
    CHECK(flap_score(rules, {now - rules.window - 1ms}, now) == Approx(0));
}

TEST_CASE("flapping holds disruptive levers: one page, over when it was steady, no lever between") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 3; ++i) {
        bench.advance(5s);
        bench.bad("acme");
        bench.advance(5s);
        bench.good("acme");
    }
    bench.advance(5s);
    bench.bad("acme");
    REQUIRE(bench.view().flapping.size() == 1);
    bench.kill("acme");
    REQUIRE(bench.newest("tenant/acme").has_value());
    CHECK(bench.newest("tenant/acme")->reason == "flapping");
    CHECK(bench.asked<FireLever>().empty());
    const auto alarms = [&](bool resolved) {
        const auto pages = bench.entries<Paged>();
        return std::ranges::count_if(pages, [&](const Paged& page) {
            return (page.status == PageStatus::resolved) == resolved;
        });
    };
    for (int i = 0; i < 150; ++i) {
        bench.kill("acme", 1);
    }
    CHECK(alarms(false) == 1);
    CHECK(alarms(true) == 0);
    steady(bench, 40min);
    CHECK(bench.view().flapping.empty());
    CHECK(alarms(false) == 1);  // it was watched while it flapped: over at once
    CHECK(alarms(true) == 1);
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("flapping survives a restart") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 4; ++i) {
        bench.bad("acme");
        bench.advance(1s);
        bench.good("acme");
    }
    REQUIRE(bench.view().flapping.size() == 1);
    bench.restart();
    CHECK(bench.view().flapping.size() == 1);
}
