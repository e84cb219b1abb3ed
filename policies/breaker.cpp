// Why: see breaker.hpp.
#include "policies/breaker.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

// Incidents with a cause of their own that opened in the last `within`.
int causes_since(const State& state, Instant from) {
    return static_cast<int>(std::ranges::count_if(state.incidents, [&](const auto& item) {
        return item.second.opened.at > from && item.second.end != "absorbed" &&
               item.second.symptom != by_hand_symptom;
    }));
}

struct Proofs {
    int helped = 0;
    std::string did_not;  // the first intent that was judged otherwise
};

Proofs proofs_since(const State& state, Instant from) {
    Proofs proofs;
    for (const auto& [id, held] : state.intents) {
        if (!held.verdict || held.judged.at <= from || held.fired.at < from) {
            continue;
        }
        if (held.verdict->kind == VerdictKind::recovered) {
            proofs.helped += 1;
        } else if (proofs.did_not.empty()) {
            proofs.did_not = id;
        }
    }
    return proofs;
}

void half_open(Work& work, std::int64_t allowed, std::string why) {
    work.record(BreakerChanged{BreakerPhase::half_open, allowed, std::move(why)});
}

// One lever, seen to help, then two, then four ...
void ramp(Work& work, const StormRules& rules) {
    const auto breaker = work.state.breaker;
    const auto proofs = proofs_since(work.state, breaker.since.at);
    if (!proofs.did_not.empty()) {
        work.record(BreakerChanged{BreakerPhase::open, 0,
                                   fmt::format("{} did not help after the storm", proofs.did_not)});
    } else if (proofs.helped >= breaker.allowed) {
        if (breaker.allowed * 2 > rules.ramp) {
            work.record(BreakerChanged{BreakerPhase::closed, 0, "the levers help again"});
        } else {
            half_open(work, breaker.allowed * 2,
                      fmt::format("{} in flight helped", breaker.allowed));
        }
    } else {
        const bool calm = std::ranges::none_of(work.state.incidents, [](const auto& item) {
            return item.second.phase == IncidentPhase::open;
        });
        if (calm && work.now.at - breaker.since.at >= rules.quiet) {
            work.record(BreakerChanged{BreakerPhase::closed, 0, "nothing is left to do"});
        }
    }
}

}  // namespace

void settle_breaker(Work& work) {
    const auto& rules = work.rules.policies.storm;
    const auto& breaker = work.state.breaker;
    if (rules.incidents == 0) {
        if (breaker.phase != BreakerPhase::closed) {
            work.record(BreakerChanged{BreakerPhase::closed, 0, "the config has no storm rule"});
        }
        return;
    }
    const int causes = causes_since(work.state, work.now.at - rules.within);
    if (breaker.phase != BreakerPhase::open && causes >= rules.incidents &&
        causes_since(work.state, std::max(work.now.at - rules.within, breaker.since.at)) > 0) {
        work.record(BreakerChanged{BreakerPhase::open, 0,
                                   fmt::format("{} separate incidents within {}, limit {}", causes,
                                               format_duration(rules.within), rules.incidents)});
    } else if (breaker.phase == BreakerPhase::open) {
        const bool quiet = work.now.at - breaker.since.at >= rules.quiet &&
                           causes_since(work.state, work.now.at - rules.quiet) == 0;
        if (quiet) {
            half_open(work, 1, fmt::format("no new incident for {}", format_duration(rules.quiet)));
        }
    } else if (breaker.phase == BreakerPhase::half_open) {
        ramp(work, rules);
    }
}

}  // namespace leverd
