// Why: see losses.hpp.
#include "policies/losses.hpp"

#include "policies/detect.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd {
namespace {

const IntentState* find_intent(const State& state, const std::string& id) {
    const auto held = state.intents.find(id);
    return held == state.intents.end() ? nullptr : &held->second;
}

// Something may have changed in production.
bool acted(const IntentState& held) {
    if (held.settled && held.settled->took == Took::no) {
        return false;
    }
    return !held.outcome || held.outcome->kind == OutcomeKind::accepted ||
           held.outcome->kind == OutcomeKind::unknown || !lost_by(held).empty();
}

}  // namespace

std::string lost_by(const IntentState& held) {
    const bool replaced = (held.settled && held.settled->took == Took::yes) ||
                          (held.verdict && held.verdict->kind == VerdictKind::recovered);
    if (replaced) {
        return {};
    }
    if (held.settled && held.settled->results.contains(lost_result)) {
        return held.settled->results.at(lost_result);
    }
    const bool told = held.outcome && held.outcome->results.contains(lost_result);
    return told ? held.outcome->results.at(lost_result) : std::string{};
}

std::string open_loss(const State& state, const Incident& incident) {
    if (incident.acknowledged) {
        return {};
    }
    for (const auto& id : incident.intents) {
        const auto* held = find_intent(state, id);
        if (held != nullptr && !lost_by(*held).empty()) {
            return lost_by(*held);
        }
    }
    return {};
}

std::string unproven_replacement(const IntentState& held) {
    if (!held.verdict || held.verdict->kind == VerdictKind::recovered) {
        return {};
    }
    const auto in = [](const auto& told) {
        const auto found =
            told ? told->results.find("replaced_by") : decltype(told->results.end()){};
        return told && found != told->results.end() ? found->second : std::string{};
    };
    const auto seen = in(held.settled);
    return seen.empty() ? in(held.outcome) : seen;
}

std::string open_replacement(const State& state, const Incident& incident) {
    if (incident.acknowledged) {
        return {};
    }
    for (const auto& id : incident.intents) {
        const auto* held = find_intent(state, id);
        if (held != nullptr && !unproven_replacement(*held).empty()) {
            return unproven_replacement(*held);
        }
    }
    return {};
}

void escalate_replacement(Work& work, const std::string& intent) {
    const auto* held = find_intent(work.state, intent);
    const auto made = held == nullptr ? std::string{} : unproven_replacement(*held);
    const auto incident = held == nullptr ? work.state.incidents.end()
                                          : work.state.incidents.find(held->intent.incident);
    if (made.empty() || incident == work.state.incidents.end() ||
        incident->second.phase != IncidentPhase::open || incident->second.acknowledged) {
        return;
    }
    work.record(IncidentEscalated{
        incident->first,
        fmt::format("{} was put in place of {} and was not seen to work ({}). Look at it, then say "
                    "so: leverd ack {} --why \"...\"",
                    made, held->intent.subject.text(), held->verdict->why, incident->first)});
}

bool needs_sealed(const State& state, const std::string& intent) {
    const auto* held = find_intent(state, intent);
    if (held == nullptr) {
        return true;
    }
    const auto incident = state.incidents.find(held->intent.incident);
    const bool seen_to = incident != state.incidents.end() &&
                         (incident->second.phase == IncidentPhase::closed ||
                          (incident->second.acknowledged &&
                           !(lost_by(*held).empty() && unproven_replacement(*held).empty())));
    const bool proven = held->verdict && held->verdict->kind == VerdictKind::recovered;
    const bool nothing_gone = held->phase == IntentPhase::done && !acted(*held);
    return !seen_to && !proven && !nothing_gone;
}

void escalate_loss(Work& work, const std::string& intent) {
    const auto* held = find_intent(work.state, intent);
    if (held == nullptr || held->phase != IntentPhase::done || lost_by(*held).empty()) {
        return;
    }
    const auto incident = work.state.incidents.find(held->intent.incident);
    if (incident == work.state.incidents.end() || incident->second.phase != IncidentPhase::open ||
        incident->second.acknowledged) {
        return;
    }
    const bool seen = held->settled && held->settled->results.contains(lost_result);
    const std::string told = seen            ? held->settled->detail
                             : held->outcome ? held->outcome->detail
                                             : std::string{};
    work.record(IncidentEscalated{
        incident->first,
        fmt::format("{} is gone and nothing replaced it: {}. Recreate it by hand from the plan of "
                    "{}, then say so: leverd ack {} --why \"...\"",
                    lost_by(*held), told, intent, incident->first)});
}

std::string end_of(const Rules& rules, const State& state, const Incident& incident) {
    bool any_acted = false;
    bool any_lost = false;
    bool proven = false;
    for (const auto& id : incident.intents) {
        if (const auto* held = find_intent(state, id)) {
            any_acted = any_acted || acted(*held);
            any_lost = any_lost || !lost_by(*held).empty();
            proven = proven || (held->verdict && held->verdict->kind == VerdictKind::recovered);
        }
    }
    if (any_lost) {
        return "lost";
    }
    if (proven) {
        return "recovered";
    }
    if (incident.symptom == by_hand_symptom) {
        return "by_hand";
    }
    const auto* row = find_symptom(rules, incident.symptom);
    if (row == nullptr) {
        return "rule_gone";
    }
    if (any_acted) {
        return "unproven";
    }
    // What a row says of a whole group is no thing that is looked at, or could go.
    const bool of_group = row != nullptr && row->group;
    return of_group || state.subjects.contains(incident.subject) ? "self_healed" : "gone";
}

}  // namespace leverd
