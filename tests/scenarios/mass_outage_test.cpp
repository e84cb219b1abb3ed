// Why: the outage that leverd is made for, with the shipped rules: a whole fleet fails within ten
// seconds and heals within ten. It is one case about the outage itself, no lever of a member fires,
// nothing is left over, and the work follows what changed. MASS_TENANTS=<n> plays a larger fleet.
#include "config/load.hpp"
#include "policies/engine.hpp"
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

using namespace leverd;
using namespace std::chrono_literals;

namespace {

constexpr int workspaces = 3;

Rules shipped_rules() {
    const auto path = std::string(LEVERD_SOURCE_DIR) + "/config/leverd.toml";
    const auto loaded = config::load(path, config::vocabulary());
    Rules rules;
    rules.runbook = loaded.config.runbook;
    rules.policies = loaded.config.policies;
    for (const auto& policy : rules.policies.policies) {
        rules.levers[policy.lever].id = policy.lever;
    }
    return rules;
}

struct World {
    explicit World(int tenants_many) : tenants(tenants_many), engine(shipped_rules()) {
        take(engine.resume(Started{"test", "test", "boot", 0}, now));
    }

    int tenants;
    Engine engine;
    Now now{at_millis(10'000'000), WallTime{Millis{1'800'000'000'000}}};
    int fired = 0;
    int opened = 0;
    bool doubted = false;
    std::vector<Paged> pages;
    std::map<std::string, std::string> ends;  // of incidents

    void take(const Turn& turn) {
        for (const auto& effect : turn.effects) {
            fired += std::holds_alternative<FireLever>(effect) ? 1 : 0;
        }
        for (const auto& entry : turn.entries) {
            opened += std::holds_alternative<IncidentOpened>(entry.body) ? 1 : 0;
            if (const auto* closed = std::get_if<IncidentClosed>(&entry.body)) {
                ends[closed->incident] = closed->end;
            }
            if (const auto* page = std::get_if<Paged>(&entry.body)) {
                pages.push_back(*page);
            }
            const auto* observer = std::get_if<ObserverChanged>(&entry.body);
            doubted = doubted || (observer != nullptr && !observer->trusted);
        }
    }
    void advance(Millis by) {
        now.at += by;
        now.wall += by;
    }
    void look(Observation seen) {
        seen.seen = now;
        take(engine.on(seen, now));
    }
    void plain(const std::string& subject, const std::string& probe) {
        Observation seen;
        seen.subject = Subject{subject};
        seen.probe = probe;
        seen.health = Health::healthy;
        look(seen);
    }
    void above() {
        for (const auto* reference : {"reference/a", "reference/b", "reference/c"}) {
            plain(reference, "reference");
        }
        plain("control-plane", "control_plane");
    }
    void look_at_tenant(int number, bool works) {
        const auto slug = fmt::format("t{:05}", number);
        Observation seen;
        seen.subject = Subject{"tenant/" + slug};
        seen.probe = "tenant_health";
        seen.attributes = {{"tenant", slug}};
        seen.health = works ? Health::healthy : Health::failing;
        seen.reason = works ? Reason::ok : Reason::connect_refused;
        if (works) {
            seen.facts = {{"requests_total", 5}, {"auth_read", 1}};
        }
        look(seen);
        for (int i = 0; i < workspaces; ++i) {
            Observation agent;
            agent.subject = Subject{fmt::format("workspace/{}/{}", slug, i)};
            agent.probe = "workspace_activity";
            agent.attributes = {{"tenant", slug}, {"runtime", i % 2 == 0 ? "hermes" : "codex"}};
            agent.health = works ? Health::healthy : Health::failing;
            agent.reason = works ? Reason::ok : Reason::agent_errors;
            agent.facts = {
                {"requests", 12}, {"failed_percent", works ? 0 : 100}, {"spread_seconds", 280}};
            look(agent);
        }
    }
    // Everything once within ten seconds.
    void round(bool works) {
        constexpr int steps = 40;
        const int each = std::max(1, tenants / steps);
        for (int i = 0; i < tenants; ++i) {
            if (i % each == 0) {
                advance(10s / steps);
                above();
                take(engine.on(Tick{}, now));
            }
            look_at_tenant(i, works);
        }
        above();
        take(engine.on(Tick{}, now));
    }
    std::int64_t work() const { return engine.effort().symptoms + engine.effort().incidents; }
    // Past the observer's dwell, everything is well.
    void quiet() {
        round(true);
        advance(2min);
        above();
        round(true);
    }
};

std::int64_t play(int tenants) {
    CAPTURE(tenants);
    World world(tenants);
    world.quiet();
    const auto before = world.work();
    for (int i = 0; i < 5; ++i) {
        world.round(false);
    }
    const auto& state = world.engine.view();
    CHECK_FALSE(world.doubted);
    CHECK(world.fired == 0);
    const SymptomKey mass{"mass-failure", Subject{"edge"}};
    REQUIRE(state.symptoms.contains(mass));
    const auto id = state.symptoms.at(mass).incident;
    CHECK(state.incidents_open == 1);
    for (int i = 0; i < tenants; ++i) {
        const SymptomKey key{"tenant-unreachable", Subject{fmt::format("tenant/t{:05}", i)}};
        REQUIRE(state.symptoms.contains(key));
        REQUIRE(state.symptoms.at(key).incident == id);
    }
    const auto about = [&](std::string_view kind) {
        return std::ranges::count_if(world.pages, [&](const Paged& page) {
            return page.incident == id ? kind == "edge" : page.subject.kind() == kind;
        });
    };
    CHECK(about("tenant") == 0);
    CHECK(about("workspace") == 0);

    for (int i = 0; i < 3; ++i) {
        world.round(true);
    }
    world.advance(world.engine.rules().runbook.clearing_time);
    world.round(true);
    CHECK_FALSE(world.doubted);
    CHECK(state.incidents_open == 0);
    CHECK(world.ends[id] == "self_healed");  // it did not go: nobody looks at the edge itself
    CHECK(state.symptoms.empty());
    CHECK(state.tripped.empty());
    CHECK(state.index.uneasy.empty());
    CHECK(state.index.uneasy_below.empty());
    CHECK(state.index.tallies.empty());
    CHECK(state.index.loose.empty());
    CHECK(state.agenda.waiting.lists().empty());
    CHECK(state.agenda.case_alarms.size() == 0);
    return world.work() - before;
}

}  // namespace

TEST_CASE("a fleet that fails and heals within seconds is one case, and costs what changed") {
    const char* wanted = std::getenv("MASS_TENANTS");
    const int large = wanted == nullptr ? 800 : std::atoi(wanted);
    const int small = std::max(50, large / 4);
    const auto few = play(small);
    const auto many = play(large);
    const double grown = static_cast<double>(large) / small;
    fmt::print("mass outage: {} rows and cases looked at for {} tenants, {} for {}\n", few, small,
               many, large);
    CHECK(static_cast<double>(many) <= 1.25 * grown * static_cast<double>(few));
    // Each of the subjects fails and heals once; a handful of questions belong to each.
    CHECK(many <= 40LL * large * (1 + workspaces));
}
