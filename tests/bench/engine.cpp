// Why: what one look costs in the engine, and what a subject that does nothing costs in memory,
// with the shipped rules and looks of the size that the probes make.
#include "policies/engine.hpp"
#include "config/load.hpp"
#include "tests/unit/config/fixture.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

using namespace leverd;

namespace {

constexpr double looks_target = 500'000;
constexpr double bytes_target = 1024;
constexpr int rounds = 5;
constexpr Millis pace{10'000};

Observation tenant_look(const std::string& slug) {
    Observation seen;
    seen.subject = Subject{"tenant/" + slug};
    seen.probe = "tenant_health";
    seen.health = Health::healthy;
    seen.attributes = {{"tenant", slug}};
    seen.facts = {{"certificate_days", 60}, {"auth_read", 1}, {"requests_total", 500}};
    return seen;
}

Observation status_look(const std::string& slug, int number) {
    Observation seen;
    seen.subject =
        Subject{fmt::format("workspace/{}/0b7c1f3e-0000-4000-8000-{:012}", slug, number)};
    seen.probe = "workspace_status";
    seen.health = Health::healthy;
    seen.attributes = {{"tenant", slug},
                       {"runtime", number % 2 == 0 ? "hermes" : "codex"},
                       {"name", fmt::format("agent-{}", number)}};
    seen.facts = {{"active_tasks", 1}, {"error_rate", 0}, {"children", 0}};
    return seen;
}

Observation activity_look(Observation seen) {
    seen.probe = "workspace_activity";
    seen.facts = {{"requests", 12},       {"failed", 0},         {"clean", 12},
                  {"provider_faults", 0}, {"failed_percent", 0}, {"clean_last", 1},
                  {"spread_seconds", 280}};
    return seen;
}

// The engine's half of the shipped config; of the levers only what a proof reads matters here.
Rules rules_of(const config::Config& config) {
    Rules rules;
    rules.runbook = config.runbook;
    rules.policies = config.policies;
    for (const auto& policy : config.policies.policies) {
        LeverContract contract;
        contract.id = policy.lever;
        if (!policy.lever.starts_with("tenant")) {
            rules.levers[policy.lever] = contract;
            continue;
        }
        contract.proof = {ProofStep{ProofStep::Who::target, "tenant_health", 2, "auth_read",
                                    Millis{0}, "requests_total"}};
        rules.levers[policy.lever] = contract;
    }
    return rules;
}

struct Fleet {
    std::vector<Event> looks;
    std::size_t subjects = 0;
};

Fleet fleet(int tenants, int workspaces) {
    Fleet made;
    for (int t = 0; t < tenants; ++t) {
        const auto slug = fmt::format("tenant-{:03}", t);
        made.looks.emplace_back(tenant_look(slug));
        for (int w = 0; w < workspaces; ++w) {
            const auto status = status_look(slug, t * workspaces + w);
            made.looks.emplace_back(status);
            made.looks.emplace_back(activity_look(status));
        }
    }
    for (const auto* above : {"control-plane", "reference/a", "reference/b", "reference/c"}) {
        Observation seen;
        seen.subject = Subject{above};
        seen.probe = seen.subject.name().empty() ? "control_plane" : "reference";
        seen.health = Health::healthy;
        made.looks.emplace_back(seen);
    }
    made.subjects =
        4 + static_cast<std::size_t>(tenants) * static_cast<std::size_t>(workspaces + 1);
    return made;
}

struct Run {
    Engine engine;
    Now now{at_millis(1'000'000), WallTime{Millis{1'800'000'000'000}}};
    std::size_t entries = 0;

    void turn(Event& event) {
        std::get<Observation>(event).seen = now;
        entries += engine.on(event, now).entries.size();
    }
    // Every look once and a Tick each second, as the driver does.
    void round(std::vector<Event>& looks) {
        const auto each = std::max<std::size_t>(1, looks.size() / 10);
        for (std::size_t i = 0; i < looks.size(); ++i) {
            if (i % each == 0) {
                now.at += pace / 10;
                now.wall += pace / 10;
                entries += engine.on(Tick{}, now).entries.size();
            }
            turn(looks[i]);
        }
    }
};

double looks_per_second(Run& run, std::vector<Event>& looks) {
    double best = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto began = std::clock();
        std::size_t done = 0;
        double took = 0;  // seconds of this process on a core, however busy the machine is
        while (took < 0.5) {
            run.round(looks);
            done += looks.size();
            took = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
        }
        best = std::max(best, static_cast<double>(done) / took);
    }
    return best;
}

// All tenants and all of their workspaces fail, stay down for a while and heal together.
struct Outage {
    double longest = 0;  // milliseconds of a turn
    double whole = 0;    // seconds of all turns
    std::int64_t most = 0;
    int open = 0;
    std::size_t pages = 0;
};

void break_looks(std::vector<Event>& looks, std::vector<Event>& good, bool broken) {
    if (!broken) {
        looks = good;
        return;
    }
    for (auto& event : looks) {
        auto& look = std::get<Observation>(event);
        if (look.probe == "tenant_health") {
            look.health = Health::failing;
            look.reason = Reason::connect_refused;
            look.facts.clear();
        } else if (look.probe == "workspace_activity") {
            look.health = Health::failing;
            look.reason = Reason::agent_errors;
            look.facts["failed_percent"] = 100;
            look.facts["failed"] = 12;
        }
    }
}

Outage outage(const Rules& rules, int tenants) {
    auto made = fleet(tenants, 3);
    auto looks = made.looks;
    Run run{Engine(rules)};
    Outage seen;
    const auto turn = [&](const Event& event) {
        const auto began = std::clock();
        const auto done = run.engine.on(event, run.now);
        const auto took = 1000.0 * static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
        seen.longest = std::max(seen.longest, took);
        seen.whole += took / 1000.0;
        for (const auto& entry : done.entries) {
            const auto* page = std::get_if<Paged>(&entry.body);
            seen.pages += page != nullptr && page->version <= 1 ? 1 : 0;
        }
    };
    const auto round = [&] {
        const auto each = std::max<std::size_t>(1, looks.size() / 40);
        for (std::size_t i = 0; i < looks.size(); ++i) {
            if (i % each == 0) {
                run.now.at += pace / 40;
                run.now.wall += pace / 40;
                // What stands above all is looked at oftener than the fleet.
                for (std::size_t above = looks.size() - 4; above < looks.size(); ++above) {
                    std::get<Observation>(looks[above]).seen = run.now;
                    turn(looks[above]);
                }
                turn(Tick{});
            }
            std::get<Observation>(looks[i]).seen = run.now;
            turn(looks[i]);
        }
    };
    for (int i = 0; i < 8; ++i) {
        run.round(looks);
    }
    break_looks(looks, made.looks, true);
    for (int i = 0; i < 6; ++i) {
        round();
    }
    break_looks(looks, made.looks, false);
    for (int i = 0; i < 18; ++i) {
        round();
    }
    seen.most = run.engine.effort().most;
    seen.open = run.engine.view().incidents_open;
    return seen;
}

// The longest turn at 10,000 tenants is what the loop is held up by; the exponent says how the
// whole grows from one size to the next.
bool say_outages(const Rules& rules, int largest) {
    constexpr double turn_target = 50;
    bool met = true;
    Outage before;
    for (int tenants = 1000; tenants <= largest; tenants *= 10) {
        const auto seen = outage(rules, tenants);
        fmt::print(
            "mass outage, {} tenants and {} workspaces: longest turn {:.1f} ms, {:.1f} s in "
            "all, most work in a turn {}, {} pages begun, {} incidents left open",
            tenants, 3 * tenants, seen.longest, seen.whole, seen.most, seen.pages, seen.open);
        if (before.whole > 0) {
            fmt::print(", grows with the power {:.2f}", std::log10(seen.whole / before.whole));
        }
        fmt::print("\n");
        met = met && (tenants != 10'000 || seen.longest <= turn_target) && seen.open == 0;
        before = seen;
    }
    return met;
}

bool say(const char* what, double value, const char* unit, double target, bool at_least) {
    const bool met = at_least ? value >= target : value <= target;
    fmt::print("{:44}{:>14.0f} {:8} target {} {:.0f}: {:.2f} times {}\n", what, value, unit,
               at_least ? "at least" : "at most", target,
               at_least ? value / target : target / value, met ? "met" : "NOT MET");
    return met;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2 && count != 3) {
        fmt::print(stderr,
                   "usage: bench_engine CONFIG [TENANTS]\n"
                   "TENANTS: of the largest mass outage, 10000 when not given; 0: none\n");
        return 64;
    }
    const auto loaded = config::load(arguments[1], config::vocabulary());
    if (!loaded.ok()) {
        fmt::print(stderr, "bench_engine: {} has problems: leverd check --config {}\n",
                   arguments[1], arguments[1]);
        return 78;
    }
    auto quiet = fleet(100, 20);
    Run run{Engine(rules_of(loaded.config))};
    const auto before = mallinfo2().uordblks;
    run.round(quiet.looks);
    const auto after = mallinfo2().uordblks;
    const auto bytes = static_cast<double>(after - before) / static_cast<double>(quiet.subjects);
    fmt::print("engine: {} subjects, {} looks in {}, shipped rules\n", quiet.subjects,
               quiet.looks.size(), format_duration(pace));
    bool met =
        say("quiet looks", looks_per_second(run, quiet.looks), "a second", looks_target, true);
    // One tenant is down and stays so: an incident is open all the time.
    auto& dead = std::get<Observation>(quiet.looks.front());
    dead.health = Health::failing;
    dead.reason = Reason::connect_refused;
    dead.facts.clear();
    for (int i = 0; i < 20; ++i) {
        run.round(quiet.looks);
    }
    met = say("looks while incidents are open", looks_per_second(run, quiet.looks), "a second",
              looks_target, true) &&
          met;
    fmt::print("  {} incidents open\n", run.engine.view().incidents_open);
    met = say("memory of a quiet subject (2 probes)", bytes, "bytes", bytes_target, false) && met;
    const int largest = count == 3 ? std::atoi(arguments[2]) : 10'000;
    met = say_outages(rules_of(loaded.config), largest) && met;
    return met ? 0 : 1;
}
