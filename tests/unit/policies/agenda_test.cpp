// Why: the work of a turn follows what changed. Counted, so that no clock and no machine decides;
// and whatever is not looked at must not have mattered, which the sim's distrustful engine shows.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include "policies/state/alarms.hpp"

#include <fmt/format.h>
#include <string>
#include <vector>

using namespace leverd;
using namespace std::chrono_literals;

namespace {

constexpr int looks_to_trip = 3;

// One row over tenants and one over the edge that they share.
Rules fleet_rules() {
    auto rules = test::small_rules();
    auto mass = rules.runbook.symptoms[2];
    mass.id = "mass-failure";
    mass.title = mass.id;
    mass.subject_kind = "edge";
    mass.group = GroupRule{"tenant", 2, {}, 30, 10min, false, {}, Millis{0}};
    mass.levers = {{"**", "none", {}}};
    rules.runbook.symptoms.push_back(mass);
    rules.runbook.topology = {{"tenant", {"edge", "platform", "control-plane"}},
                              {"edge", {"platform", "control-plane"}},
                              {"platform", {"control-plane", "image/platform"}}};
    return rules;
}

std::string slug(int number) {
    return fmt::format("t{:05}", number);
}

struct Fleet {
    explicit Fleet(int tenants_many) : tenants(tenants_many) {}

    int tenants;
    test::Bench bench{fleet_rules()};

    void above() {
        for (int i = 0; i < 3; ++i) {
            bench.reference(i, true);
        }
        bench.look("control-plane", "control_plane", Health::healthy);
    }
    // One look at each, a tenth of them between two ticks.
    void round(bool works, int count) {
        for (int i = 0; i < count; ++i) {
            if (i % std::max(1, count / 10) == 0) {
                bench.advance(500ms);
                above();
                bench.tick();
            }
            if (works) {
                bench.good(slug(i));
            } else {
                bench.bad(slug(i));
            }
        }
    }
    void quiet() {
        above();
        round(true, tenants);
        bench.advance(61s);
        above();
        round(true, tenants);
    }
    std::int64_t work() const {
        const auto& effort = bench.engine().effort();
        return effort.symptoms + effort.incidents;
    }
};

struct Outage {
    std::int64_t failing = 0;  // rows and cases looked at until all have failed
    std::int64_t healing = 0;
    std::int64_t most = 0;  // in one turn
    int open_after = 0;
    std::size_t symptoms_after = 0;
    int opened = 0;
    bool doubted = false;
};

Outage outage(int tenants) {
    Fleet fleet(tenants);
    fleet.quiet();
    Outage seen;
    const auto before = fleet.work();
    for (int i = 0; i < looks_to_trip; ++i) {
        fleet.round(false, tenants);
    }
    const auto between = fleet.work();
    for (int i = 0; i < 3; ++i) {
        fleet.round(true, tenants);
    }
    // Past the clearing time: what was linked is over, and so is its case.
    for (int i = 0; i < 3; ++i) {
        fleet.bench.advance(60s);
        fleet.round(true, tenants);
    }
    seen.failing = between - before;
    seen.healing = fleet.work() - between;
    seen.most = fleet.bench.engine().effort().most;
    seen.open_after = fleet.bench.view().incidents_open;
    seen.symptoms_after = fleet.bench.view().symptoms.size();
    seen.opened = static_cast<int>(fleet.bench.entries<IncidentOpened>().size());
    for (const auto& one : fleet.bench.entries<ObserverChanged>()) {
        seen.doubted = seen.doubted || !one.trusted;
    }
    return seen;
}

}  // namespace

TEST_CASE("an alarm rings once, at the earlier of two times") {
    Alarms<std::string> alarms;
    alarms.wake("b", at_millis(20));
    alarms.wake("a", at_millis(30));
    alarms.wake("b", at_millis(10));
    alarms.wake("b", at_millis(40));
    CHECK(alarms.next() == at_millis(10));
    CHECK(alarms.take_due(at_millis(9)).empty());
    CHECK(alarms.take_due(at_millis(30)) == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(alarms.next().has_value());
    alarms.wake("c", at_millis(5));
    alarms.forget("c");
    CHECK(alarms.take_due(at_millis(99)).empty());
}

TEST_CASE("a mass outage costs what fails, not its square") {
    const auto small = outage(40);
    const auto big = outage(160);
    for (const auto& [one, tenants] : {std::pair{small, 40}, std::pair{big, 160}}) {
        CHECK(one.open_after == 0);
        CHECK(one.symptoms_after == 0);
        CHECK_FALSE(one.doubted);
        // Nothing but the outage itself and those that failed before it was seen as one.
        CHECK(one.opened <= tenants / 2);
    }
    CHECK(big.failing <= small.failing * 4 * 3 / 2);
    CHECK(big.healing <= small.healing * 4 * 3 / 2);
}

TEST_CASE("a quiet fleet with one case open is not looked through at each turn") {
    Fleet fleet(60);
    fleet.quiet();
    for (int i = 0; i < looks_to_trip; ++i) {
        fleet.above();
        fleet.bench.bad(slug(0));
        fleet.bench.advance(1s);
        fleet.bench.tick();
    }
    fleet.bench.advance(5s);
    fleet.above();
    fleet.bench.tick();
    REQUIRE(fleet.bench.view().incidents_open == 1);
    const auto before = fleet.work();
    for (int i = 0; i < 20; ++i) {
        fleet.bench.advance(250ms);
        fleet.bench.tick();
    }
    CHECK(fleet.work() - before <= 20);
}
