// Why: see breaker.hpp.
#include "policies/breaker.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <limits>

namespace leverd {
namespace {

// Different causes of which an incident opened after `from`, as far as `most`. One that comes back
// again and again is one cause: repetition is no plurality.
int causes_since(const State& state, Instant from, int most) {
    int count = 0;
    const auto& causes = state.index.causes;
    for (auto at = causes.rbegin(); at != causes.rend() && at->first > from && count < most; ++at) {
        count += 1;
    }
    return count;
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
        const bool calm = std::ranges::none_of(work.state.index.open_cases, [&](const auto& id) {
            return work.state.incidents.at(id).phase == IncidentPhase::open;
        });
        if (calm && work.now.at - breaker.since.at >= rules.quiet) {
            work.record(BreakerChanged{BreakerPhase::closed, 0, "nothing is left to do"});
        }
    }
}

std::string separate_text(int incidents) {
    return incidents == 1 ? "1 incident" : fmt::format("{} separate incidents", incidents);
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
    const auto from = work.now.at - rules.within;
    const bool many = causes_since(work.state, from, rules.incidents) >= rules.incidents;
    if (breaker.phase != BreakerPhase::open && many &&
        causes_since(work.state, std::max(from, breaker.since.at), 1) > 0) {
        work.record(BreakerChanged{
            BreakerPhase::open, 0,
            fmt::format(
                "{} within {}, limit {}",
                separate_text(causes_since(work.state, from, std::numeric_limits<int>::max())),
                format_duration(rules.within), rules.incidents)});
    } else if (breaker.phase == BreakerPhase::open) {
        const bool quiet = work.now.at - breaker.since.at >= rules.quiet &&
                           causes_since(work.state, work.now.at - rules.quiet, 1) == 0;
        if (quiet) {
            half_open(work, 1, fmt::format("no new incident for {}", format_duration(rules.quiet)));
        }
    } else if (breaker.phase == BreakerPhase::half_open) {
        ramp(work, rules);
    }
}

}  // namespace leverd
