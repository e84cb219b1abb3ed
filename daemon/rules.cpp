// Why: see rules.hpp.
#include "daemon/rules.hpp"

#include "core/net/clock.hpp"
#include "policies/levers/lever.hpp"
#include "probes/probe.hpp"

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

Rules make_rules(const config::Config& config) {
    Rules rules;
    rules.runbook = config.runbook;
    rules.policies = config.policies;
    rules.policies.ceiling = config.daemon.mode_ceiling;
    rules.policies.observer = config.observer.rules;
    rules.policies.freeze_active = config.freeze.active;
    rules.policies.known_good_after = config.freeze.known_good_after;
    rules.config_hash = config.hash;
    for (auto& contract : levers::effective_contracts(config)) {
        const auto id = contract.id;
        rules.levers.emplace(id, std::move(contract));
    }
    return rules;
}

}  // namespace leverd
