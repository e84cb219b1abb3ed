// Why: see rules.hpp.
#include "daemon/rules.hpp"

#include "config/checks.hpp"
#include "core/net/clock.hpp"
#include "policies/levers/lever.hpp"
#include "probes/probe.hpp"

#include <algorithm>
#include <variant>

namespace leverd {

config::Vocabulary vocabulary() {
    config::Vocabulary words;
    words.irreversible_levers.clear();
    words.now = net::wall_clock_now();
    for (const auto& kind : probes::probe_kinds()) {
        words.probe_kinds.emplace_back(kind.name);
    }
    const levers::LeverTable table;
    for (const auto& lever : table.all()) {
        words.levers.push_back(lever->contract().id);
        if (lever->contract().reversibility == Reversibility::irreversible) {
            words.irreversible_levers.push_back(lever->contract().id);
        }
        if (lever->contract().can_undo) {
            words.undoable_levers.push_back(lever->contract().id);
        }
    }
    return words;
}

namespace {

// Finer than any deadline can notice; see kept_within for what a deadline holds of its own looks.
constexpr Millis listened_least{1'000};
constexpr int coarse = 20;

Millis listened_every(const config::Config& config) {
    auto shortest = Millis::max();
    for (const auto& signal : config.runbook.signals) {
        if (signal.silent_after > Millis{0}) {
            shortest = std::min(shortest, signal.silent_after);
        }
    }
    for (const auto& probe : config.probes) {
        const auto* beat =
            probe.check ? std::get_if<config::HeartbeatCheck>(&probe.check->what) : nullptr;
        if (beat != nullptr && beat->deadline > Millis{0}) {
            shortest = std::min(shortest, beat->deadline);
        }
    }
    return shortest == Millis::max() ? Millis{0} : std::max(listened_least, shortest / coarse);
}

}  // namespace

Rules make_rules(const config::Config& config) {
    Rules rules;
    rules.runbook = config.runbook;
    rules.policies = config.policies;
    rules.policies.ceiling = config.daemon.mode_ceiling;
    rules.policies.observer = config.observer.rules;
    rules.policies.freeze_active = config.freeze.active;
    rules.policies.known_good_after = config.freeze.known_good_after;
    rules.config_hash = config.hash;
    rules.listened_every = listened_every(config);
    for (auto& contract : levers::effective_contracts(config)) {
        const auto id = contract.id;
        rules.levers.emplace(id, std::move(contract));
    }
    return rules;
}

}  // namespace leverd
