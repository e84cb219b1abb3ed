// Why: see autonomy.hpp.
#include "policies/autonomy.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <vector>

namespace leverd {
namespace {

// Fewer cases say nothing about what a symptom does by itself.
constexpr int baseline_least = 3;

const Record* record_of(const State& state, const std::string& symptom, const std::string& lever) {
    const auto found = state.records.find({symptom, lever});
    return found == state.records.end() ? nullptr : &found->second;
}

int percent(int part, int whole) {
    return whole == 0 ? 0 : part * 100 / whole;
}

// The lever heals more often and sooner than time does.
Standing beside_baseline(const Rules& rules, const State& state, const Policy& policy,
                         Instant now) {
    const auto found = state.baselines.find(policy.symptom);
    if (found == state.baselines.end() || found->second.cases < baseline_least) {
        const int cases = found == state.baselines.end() ? 0 : found->second.cases;
        return {false, fmt::format("only {} of {} cases seen without a lever, so there is no "
                                   "baseline to be better than",
                                   cases, baseline_least)};
    }
    const auto& baseline = found->second;
    const auto tally = tally_of(rules, state, policy.symptom, policy.lever, now);
    const auto* record = record_of(state, policy.symptom, policy.lever);
    const auto ours = record == nullptr ? std::nullopt : median_of(record->to_green);
    const auto alone = median_of(baseline.to_green);
    const int lever_percent = percent(tally.recovered, tally.verdicts);
    const int alone_percent = percent(baseline.healed, baseline.cases);
    const bool oftener = lever_percent >= alone_percent;
    const bool sooner = !alone || (ours && *ours < *alone);
    const auto shown = [](std::optional<Millis> value) {
        return value ? shown_duration(*value) : std::string{"never"};
    };
    const auto text = fmt::format("the lever heals {} % in {}, left alone {} % heal in {}",
                                  lever_percent, shown(ours), alone_percent, shown(alone));
    return {oftener && sooner, text};
}

}  // namespace

Tally tally_of(const Rules& rules, const State& state, const std::string& symptom,
               const std::string& lever, Instant now) {
    Tally tally;
    if (const auto* record = record_of(state, symptom, lever)) {
        for (const auto& [at, kind] : record->verdicts) {
            if (now - at <= rules.policies.effect.window) {
                tally.verdicts += 1;
                tally.recovered += kind == VerdictKind::recovered ? 1 : 0;
            }
        }
    }
    return tally;
}

std::optional<Millis> median_of(const std::deque<Millis>& values) {
    if (values.empty()) {
        return std::nullopt;
    }
    std::vector<Millis> sorted(values.begin(), values.end());
    std::ranges::sort(sorted);
    return sorted[(sorted.size() - 1) / 2];
}

Standing standing_of(const Rules& rules, const State& state, const Policy& policy, Instant now) {
    if (!policy.auto_after) {
        return {};
    }
    const auto* record = record_of(state, policy.symptom, policy.lever);
    const int have = record == nullptr ? 0 : record->in_a_row;
    if (have < policy.auto_after->successes) {
        return {false, fmt::format("auto is not earned yet: {} of {} proven recoveries in a row",
                                   have, policy.auto_after->successes)};
    }
    if (policy.auto_after->better_than_baseline) {
        auto beside = beside_baseline(rules, state, policy, now);
        if (!beside.earned) {
            beside.why = "auto is not earned yet: " + beside.why;
        }
        return beside;
    }
    return {true, fmt::format("{} proven recoveries in a row", have)};
}

Helpfulness effect_of(const Rules& rules, const State& state, const Policy& policy, Instant now) {
    const auto& limits = rules.policies.effect;
    const auto tally = tally_of(rules, state, policy.symptom, policy.lever, now);
    const bool enough = tally.verdicts < limits.least_verdicts ||
                        tally.recovered * 100 >= limits.floor_percent * tally.verdicts;
    if (enough) {
        return {};
    }
    return {false,
            fmt::format("it helped in {} of {} cases within {}, the floor is {} %", tally.recovered,
                        tally.verdicts, format_duration(limits.window), limits.floor_percent)};
}

namespace {

// When the next verdict grows too old to count.
Instant next_expiry(const Rules& rules, const State& state, Instant now) {
    auto next = Instant::max();
    for (const auto& [key, record] : state.records) {
        for (const auto& [at, kind] : record.verdicts) {
            const auto over = at + rules.policies.effect.window + Millis{1};
            next = over > now ? std::min(next, over) : next;
        }
    }
    return next;
}

}  // namespace

void settle_autonomy(Work& work) {
    auto& agenda = work.state.agenda;
    if (!agenda.records_news && work.now.at < work.transient.records_next) {
        return;
    }
    agenda.records_news = false;
    work.transient.records_next = next_expiry(work.rules, work.state, work.now.at);
    std::vector<AutonomyChanged> news;
    for (const auto& policy : work.rules.policies.policies) {
        const auto standing = standing_of(work.rules, work.state, policy, work.now.at);
        const auto helps = effect_of(work.rules, work.state, policy, work.now.at);
        auto& record = work.transient.records[policy.id];
        const std::pair now{standing.earned, helps.enough};
        agenda.all_cases = agenda.all_cases || record != now;
        record = now;
        if (!policy.auto_after) {
            continue;
        }
        const auto known = work.state.autonomy.find(policy.id);
        const bool was = known != work.state.autonomy.end() && known->second.earned;
        if (was != standing.earned) {
            news.push_back({policy.id, standing.earned, standing.why});
        }
    }
    for (auto& one : news) {
        work.record(std::move(one));
    }
}

}  // namespace leverd
