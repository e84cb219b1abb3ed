// Why: see flapping.hpp.
#include "policies/flapping.hpp"

#include <fmt/format.h>

namespace leverd {
namespace {

using Key = std::pair<std::string, Subject>;

}  // namespace

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

void settle_flapping(Work& work) {
    const auto& rules = work.rules.runbook.flap;
    std::vector<FlapChanged> news;
    for (const auto& [key, changes] : work.state.changes) {
        const bool known = work.state.flapping.contains(key);
        const double score = flap_score(rules, changes, work.now.at);
        if (!known && score >= rules.start) {
            news.push_back({key.first, key.second, true,
                            fmt::format("{} changes between good and bad within {}", changes.size(),
                                        format_duration(rules.window))});
        } else if (known && score < rules.stop) {
            news.push_back({key.first, key.second, false, "it has been steady for long enough"});
        }
    }
    for (const auto& key : work.state.flapping) {
        if (!work.state.changes.contains(key)) {
            news.push_back({key.first, key.second, false, "it has been steady for long enough"});
        }
    }
    for (auto& one : news) {
        work.record(std::move(one));
    }
}

}  // namespace leverd
