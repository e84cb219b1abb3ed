// Why: what must never happen, whatever the world does. Each check is one of the invariants that
// the design numbers, asked after every event or at every call.
#include "policies/topology.hpp"
#include "tests/sim/world.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd::sim {
namespace {

constexpr auto cool_down = std::chrono::minutes{15};

}  // namespace

void World::violate(const std::string& what) {
    violations_.push_back(
        fmt::format("seed {} at {} s: {}", seed_, to_millis(now_.at) / 1000, what));
}

// What healed before the newest look can have begun is left alone.
void World::check_is_broken(const Intent& intent) {
    constexpr Millis newest_look = std::chrono::seconds{5};
    const bool has_truth =
        intent.subject.kind() == "tenant" || intent.subject.kind() == "workspace";
    if (has_truth && !is_broken(intent.subject) &&
        now_.at - broken_at_[intent.subject] > newest_look) {
        violate(fmt::format("{} fired on {}, which had healed", intent.id, intent.subject.text()));
    }
}

void World::check_fire(const Intent& intent) {
    if (!intents_durable_.contains(intent.id)) {
        violate(intent.id + " fired without its intent in the ledger");
    }
    if (fired_.contains(intent.id)) {
        violate(intent.id + " called twice");
    }
    const auto& state = machine_->view();
    if (state.stop.stopped) {
        violate(intent.id + " fired with the stop switch set");
    }
    if (!state.observer.trusted) {
        violate(intent.id + " fired by a doubted observer");
    }
    if (!intent.undoes.empty()) {
        if (!undone_.insert(intent.undoes).second) {
            violate(intent.undoes + " was undone twice");
        }
        return;
    }
    check_is_broken(intent);
    for (const auto& [id, veto] : state.vetoes) {
        if (subject_matches(veto.set.subjects, intent.subject)) {
            violate(fmt::format("{} fired against veto {}", intent.id, id));
        }
    }
    if (state.breaker.phase == BreakerPhase::open) {
        violate(intent.id + " fired while the storm breaker was open");
    }
    for (const auto& above : ancestors_of(rules_.runbook, state, intent.subject)) {
        for (const auto& [key, active] : state.symptoms) {
            if (key.second == above) {
                violate(fmt::format("{} fired although {} is on {}", intent.id, key.first,
                                    above.text()));
            }
        }
    }
    int in_an_hour = 0;
    for (const auto& [id, before] : fired_) {
        if (before.refused || before.lever != intent.lever) {
            continue;
        }
        in_an_hour += now_.at - before.at < std::chrono::hours{1} ? 1 : 0;
        const bool same =
            before.subject == intent.subject || before.resource == intent.plan.resource;
        if (same && now_.at - before.at < cool_down) {
            violate(fmt::format("{} fired inside the cool-down of {}", intent.id, id));
        }
    }
    for (const auto& policy : rules_.policies.policies) {
        if (policy.lever == intent.lever && in_an_hour >= policy.limits.per_hour) {
            violate(intent.id + " fired over the hourly budget");
        }
    }
}

void World::check_verdict(const Verdict& verdict) {
    const auto held = fired_.find(verdict.intent);
    const bool tenant_or_workspace = held != fired_.end() &&
                                     held->second.lever != "platform-rollback" &&
                                     held->second.lever != "template-rollback";
    if (verdict.kind == VerdictKind::recovered && tenant_or_workspace &&
        !is_up(held->second.subject)) {
        violate(fmt::format("{} is called recovered and {} is down", verdict.intent,
                            held->second.subject.text()));
    }
}

void World::check_state() {
    const auto& state = machine_->view();
    if (state.intents_open > 1) {
        std::vector<const Intent*> open;
        for (const auto& [id, held] : state.intents) {
            if (held.phase != IntentPhase::done) {
                open.push_back(&held.intent);
            }
        }
        for (const auto* a : open) {
            for (const auto* b : open) {
                const bool related = a->subject == b->subject ||
                                     is_ancestor(rules_.runbook, state, a->subject, b->subject);
                if (a != b && related) {
                    violate(fmt::format("{} and {} are at work on one subject", a->id, b->id));
                }
            }
        }
    }
    if (state.decisions_made != decisions_durable_) {
        violate(fmt::format("{} decisions counted, {} in the ledger", state.decisions_made,
                            decisions_durable_));
    }
}

void World::check_rest() {
    const auto& state = machine_->view();
    for (const auto& [key, active] : state.symptoms) {
        violate(fmt::format("{} on {} is still there after everything healed", key.first,
                            key.second.text()));
    }
    for (const auto& [id, incident] : state.incidents) {
        if (incident.phase != IncidentPhase::closed) {
            violate(id + " is still open after everything healed");
        }
    }
    int open = 0;
    for (const auto& [id, held] : state.intents) {
        if (held.phase != IntentPhase::done) {
            violate(id + " never came to an end");
            open += 1;
        }
    }
    if (open != state.intents_open || state.incidents_open != 0) {
        violate("what is open is counted wrongly");
    }
    if (!state.flapping.empty() || state.breaker.phase != BreakerPhase::closed) {
        violate("flapping or the storm breaker never came to rest");
    }
    std::int64_t counted = 0;
    for (const auto& [key, count] : state.decision_counts) {
        counted += count;
    }
    if (counted != state.decisions_made) {
        violate("decisions recorded and counted differ");
    }
}

}  // namespace leverd::sim
