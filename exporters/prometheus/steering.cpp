// Why: the numbers with which people steer: what holds levers back now, and how often and how soon
// a lever helps, next to how often its symptom heals by itself.
#include "exporters/prometheus/state_page.hpp"
#include "policies/autonomy.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>

namespace leverd::exporters {
namespace {

using Pair = std::pair<std::string, std::string>;  // symptom, lever

// Zero would say "never helps"; a comparison with this is false, so that no alert fires on it.
constexpr double nothing_known = std::numeric_limits<double>::quiet_NaN();

double seconds(Millis d) {
    return std::chrono::duration<double>(d).count();
}

// The calendar time of a moment, told from now, so that a step of the wall clock does not move it.
double epoch_seconds(const Scene& s, Instant moment) {
    return moment == Instant{} ? 0 : seconds((s.now.wall - (s.now.at - moment)).time_since_epoch());
}

double median_seconds(const std::deque<Millis>& values) {
    const auto median = median_of(values);
    return median ? seconds(*median) : nothing_known;
}

double success_ratio(const Scene& s, const Pair& pair) {
    const auto tally = tally_of(s.rules, s.state, pair.first, pair.second, s.now.at);
    return tally.verdicts == 0 ? nothing_known
                               : static_cast<double>(tally.recovered) / tally.verdicts;
}

// Every rung of every row, and what the policies name: all the pairs that the configuration knows.
std::map<Pair, Record> known_records(const Scene& s) {
    std::map<Pair, Record> out;
    for (const auto& symptom : s.rules.runbook.symptoms) {
        for (const auto& choice : symptom.levers) {
            if (choice.lever != "none") {
                out[{symptom.id, choice.lever}];
            }
            for (const auto& lever : choice.then) {
                out[{symptom.id, lever}];
            }
        }
    }
    for (const auto& policy : s.rules.policies.policies) {
        out[{policy.symptom, policy.lever}];
    }
    for (auto& [key, record] : out) {
        const auto held = s.state.records.find(key);
        if (held != s.state.records.end()) {
            record = held->second;
        }
    }
    return out;
}

}  // namespace

void hold_families(const Scene& s, FamilyList& out) {
    double vetoes = 0;
    double oldest = 0;
    for (const auto& [id, veto] : s.state.vetoes) {
        if (veto.set.until != Instant{} && s.now.at >= veto.set.until) {
            continue;
        }
        const double since = epoch_seconds(s, veto.since.at);
        oldest = vetoes == 0 ? since : std::min(oldest, since);
        vetoes += 1;
    }
    out.gauge("leverd_veto_active", "Vetoes in force; each holds levers on its subjects.")
        .add({}, vetoes);
    out.gauge("leverd_veto_oldest_timestamp_seconds",
              "When the oldest veto in force was set; 0 when there is none.")
        .add({}, oldest);
    out.gauge("leverd_stop_switch_until_timestamp_seconds",
              "When the stop switch lifts itself; 0 while it is off or stays until somebody "
              "lifts it.")
        .add({}, s.state.stop.stopped ? epoch_seconds(s, s.state.stop.until) : 0);
    out.gauge("leverd_storm_breaker",
              "0 closed: levers go; 1 half open: some go; 2 open: none goes.")
        .add({}, s.state.breaker.phase == BreakerPhase::closed      ? 0
                 : s.state.breaker.phase == BreakerPhase::half_open ? 1
                                                                    : 2);
    std::map<std::string, double> by_signal;
    for (const auto& signal : s.rules.runbook.signals) {
        by_signal[signal.id];
    }
    for (const auto& [signal, subject] : s.state.flapping) {
        const auto known = by_signal.find(signal);
        if (known != by_signal.end() && !s.forgotten.contains(subject)) {
            known->second += 1;
        }
    }
    auto flapping = out.gauge(
        "leverd_flapping", "Subjects that change between good and bad too often to be acted on.");
    for (const auto& [signal, count] : by_signal) {
        flapping.add({{"signal", signal}}, count);
    }
}

void effect_families(const Scene& s, FamilyList& out) {
    const auto records = known_records(s);
    auto success = out.gauge("leverd_lever_success_ratio",
                             "Part of the recent verdicts that were recovered; NaN before the "
                             "first one.");
    for (const auto& [key, record] : records) {
        success.add({{"symptom", key.first}, {"lever", key.second}}, success_ratio(s, key));
    }
    auto green = out.gauge("leverd_time_to_green_seconds",
                           "Median time from incident to proven recovery; NaN before the first.");
    for (const auto& [key, record] : records) {
        green.add({{"symptom", key.first}, {"lever", key.second}}, median_seconds(record.to_green));
    }
    auto healed = out.gauge("leverd_baseline_healed_ratio",
                            "Part of the incidents without a lever that healed by themselves; "
                            "NaN before the first.");
    for (const auto& symptom : s.rules.runbook.symptoms) {
        const auto held = s.state.baselines.find(symptom.id);
        const bool any = held != s.state.baselines.end() && held->second.cases > 0;
        healed.add(
            {{"symptom", symptom.id}},
            any ? static_cast<double>(held->second.healed) / held->second.cases : nothing_known);
    }
    auto autonomy = out.gauge("leverd_autonomy_earned",
                              "0 while the record that mode auto of the policy asks for is "
                              "missing, else 1.");
    for (const auto& policy : s.rules.policies.policies) {
        const bool earned = policy.mode != Mode::automatic ||
                            standing_of(s.rules, s.state, policy, s.now.at).earned;
        autonomy.add({{"policy", policy.id}}, earned ? 1 : 0);
    }
}

}  // namespace leverd::exporters
