// Why: see ladder.hpp.
#include "policies/ladder.hpp"

#include "policies/topology.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace leverd {
namespace {

// When the case began that this incident belongs to: one of the same row and subject that ended
// less than `recurs_within` before the next opened is the same case, and so on back.
Instant case_began(const State& state, const Incident& incident, Millis recurs_within) {
    std::vector<std::pair<Instant, Instant>> earlier;  // closed, opened
    for (const auto& [id, other] : state.incidents) {
        if (id != incident.id && other.symptom == incident.symptom &&
            other.subject == incident.subject && other.opened.at <= incident.opened.at) {
            earlier.emplace_back(other.closed.at, other.opened.at);
        }
    }
    std::ranges::sort(earlier, std::greater{});
    auto began = incident.opened.at;
    for (const auto& [closed, opened] : earlier) {
        if (began - closed > recurs_within) {
            break;
        }
        began = std::min(began, opened);
    }
    return began;
}

// Fired in this case, also by an incident that is no longer held.
bool belongs_to_case(const Incident& incident, const Firing& firing, Instant began,
                     Millis recurs_within) {
    return firing.incident == incident.id ||
           (firing.symptom == incident.symptom && firing.subject == incident.subject &&
            began - firing.at <= recurs_within);
}

// Seen not to help: judged so, or refused by the target for certain. Without a clear view of it
// the ladder stays where it is.
bool did_not_help(const State& state, const std::string& intent) {
    const auto held = state.intents.find(intent);
    if (held == state.intents.end()) {
        return true;
    }
    if (held->second.verdict) {
        return held->second.verdict->kind == VerdictKind::not_recovered ||
               held->second.verdict->kind == VerdictKind::recovered;
    }
    if (held->second.settled && held->second.settled->took == Took::no) {
        return true;
    }
    return held->second.outcome && held->second.outcome->kind == OutcomeKind::failed;
}

int times_refused(const State& state, const Incident& incident, const std::string& lever) {
    return static_cast<int>(std::ranges::count_if(incident.intents, [&](const auto& id) {
        const auto held = state.intents.find(id);
        return held != state.intents.end() && held->second.intent.lever == lever &&
               held->second.outcome && held->second.outcome->kind == OutcomeKind::refused;
    }));
}

}  // namespace

std::vector<std::string> rungs_for(const Symptom& symptom, const Subject& subject) {
    for (const auto& choice : symptom.levers) {
        if (!subject_matches(choice.subjects, subject)) {
            continue;
        }
        std::vector<std::string> rungs;
        if (choice.lever != "none" && !choice.lever.empty()) {
            rungs.push_back(choice.lever);
            rungs.insert(rungs.end(), choice.then.begin(), choice.then.end());
        }
        return rungs;
    }
    return {};
}

const Policy* policy_for(const Rules& rules, const std::string& symptom, const std::string& lever,
                         const Subject& subject) {
    for (const auto& policy : rules.policies.policies) {
        const bool named = std::ranges::any_of(policy.subjects, [&](const auto& pattern) {
            return subject_matches(pattern, subject);
        });
        if (policy.symptom == symptom && policy.lever == lever && named) {
            return &policy;
        }
    }
    return nullptr;
}

Rung rung_of(const Rules& rules, const State& state, const Incident& incident,
             const Symptom& symptom) {
    const auto rungs = rungs_for(symptom, incident.subject);
    Rung rung;
    rung.count = static_cast<int>(rungs.size());
    for (std::size_t i = 0; i < rungs.size(); ++i) {
        rung.lever = rungs[i];
        rung.number = static_cast<int>(i) + 1;
        rung.attempts = 0;
        rung.last_failed = false;
        const auto* policy = policy_for(rules, symptom.id, rung.lever, incident.subject);
        const auto limits = policy == nullptr ? Limits{} : policy->limits;
        std::optional<Instant> began;
        for (const auto& firing : state.firings) {
            if (firing.lever != rung.lever || firing.subject != incident.subject) {
                continue;
            }
            if (!began) {
                began = case_began(state, incident, limits.recurs_within);
            }
            if (belongs_to_case(incident, firing, *began, limits.recurs_within)) {
                rung.attempts += 1;
                rung.last_failed = did_not_help(state, firing.intent);
            }
        }
        rung.refused = times_refused(state, incident, rung.lever);
        if (policy != nullptr && rung.refused >= refused_most) {
            rung.attempts = std::max(rung.attempts, limits.attempts);
            rung.last_failed = true;
        }
        const bool used_up = policy != nullptr && rung.attempts >= limits.attempts;
        if (!used_up || !rung.last_failed) {
            break;
        }
    }
    return rung;
}

}  // namespace leverd
