// Why: see flapping.hpp.
#include "policies/flapping.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace leverd {
double flap_score(const FlapRules& rules, const std::vector<Instant>& changes, Instant now) {
    double score = 0;
    for (const auto at : changes) {
        const auto age = now - at;
        if (age <= rules.window) {
            score += 1.0 - 0.5 * static_cast<double>(age.count()) /
                               static_cast<double>(rules.window.count());
        }
    }
    return score;
}

namespace {

// The score only falls until the looks turn again, by half a change per window for each of them and
// at once when one is forgotten: the earliest moment at which it could be below `stop`.
Instant ask_again_at(const FlapRules& rules, const std::vector<Instant>& changes, double score,
                     Instant now) {
    const auto fall =
        0.5 * static_cast<double>(changes.size()) / static_cast<double>(rules.window.count());
    const auto left = static_cast<std::int64_t>((score - rules.stop) / fall) - 1;
    auto next = now + Millis{std::max<std::int64_t>(1, left)};
    for (const auto at : changes) {
        const auto forgotten = at + rules.window + Millis{1};
        next = forgotten > now ? std::min(next, forgotten) : next;
    }
    return next;
}

}  // namespace

void settle_flapping(Work& work) {
    const auto& rules = work.rules.runbook.flap;
    std::vector<FlapChanged> news;
    std::vector<RunKey> steady;
    for (const auto& key : std::exchange(work.state.agenda.flaps, {})) {
        const bool known = work.state.flapping.contains(key);
        const auto found = work.state.changes.find(key);
        if (found == work.state.changes.end()) {
            if (known) {
                steady.push_back(key);
            }
            continue;
        }
        const auto& changes = found->second;
        const double score = flap_score(rules, changes, work.now.at);
        if (!known && score >= rules.start) {
            news.push_back({key.first, key.second, true,
                            fmt::format("{} changes between good and bad within {}", changes.size(),
                                        format_duration(rules.window))});
        } else if (known && score < rules.stop) {
            news.push_back({key.first, key.second, false, "it has been steady for long enough"});
        } else if (known) {
            work.state.agenda.flap_alarms.forget(key);
            work.state.agenda.flap_alarms.wake(key,
                                               ask_again_at(rules, changes, score, work.now.at));
        }
    }
    for (const auto& key : steady) {
        news.push_back({key.first, key.second, false, "it has been steady for long enough"});
    }
    for (auto& one : news) {
        work.record(std::move(one));
    }
}

}  // namespace leverd
