// Why: see correlate.hpp.
#include "policies/correlate.hpp"

#include "policies/decide.hpp"
#include "policies/losses.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

bool is_open(const Incident& incident) {
    return incident.phase != IncidentPhase::closed;
}

// The incident of the highest active symptom above `subject`; empty when nothing above is wrong.
std::string explaining_incident(const Rules& rules, const State& state, const SymptomKey& key) {
    std::string best;
    Subject best_cause;
    for (const auto& above : ancestors_of(rules.runbook, state, key.second)) {
        for (const auto& [other, active] : state.symptoms) {
            const auto held = state.incidents.find(active.incident);
            if (other.second != above || held == state.incidents.end() || !is_open(held->second)) {
                continue;
            }
            const auto& cause = held->second.subject;
            if (best.empty() || is_ancestor(rules.runbook, state, cause, best_cause)) {
                best = active.incident;
                best_cause = cause;
            }
        }
    }
    return best;
}

void open_incident(Work& work, const SymptomKey& key) {
    const auto id = fmt::format("i-{}", work.state.incidents_made + 1);
    work.record(IncidentOpened{id, key.first, key.second});
}

// A linked symptom has its decision too: held, because something above explains it.
void link_symptom(Work& work, const std::string& incident, const SymptomKey& key) {
    work.record(IncidentLinked{incident, key.first, key.second});
    record_explained(work, incident, key);
}

void absorb(Work& work, const std::string& lower, const std::string& into) {
    const auto linked = work.state.incidents.at(lower).linked;
    work.record(IncidentClosed{lower, "absorbed", into});
    for (const auto& key : linked) {
        if (work.state.symptoms.contains(key)) {
            link_symptom(work, into, key);
        }
    }
}

}  // namespace

bool has_lever_at_work(const State& state, const Incident& incident) {
    return std::ranges::any_of(incident.intents, [&](const auto& id) {
        const auto held = state.intents.find(id);
        return held != state.intents.end() && held->second.phase != IntentPhase::done;
    });
}

void settle_incidents(Work& work) {
    std::vector<SymptomKey> loose;
    for (const auto& [key, active] : work.state.symptoms) {
        const auto held = work.state.incidents.find(active.incident);
        if (held == work.state.incidents.end() || !is_open(held->second)) {
            loose.push_back(key);
        }
    }
    // Causes first: a symptom that nothing above explains opens the incident that the others are
    // then linked to.
    const auto height = [&](const SymptomKey& key) {
        return std::pair{ancestors_of(work.rules.runbook, work.state, key.second).size(), key};
    };
    std::ranges::sort(loose, std::less{}, height);
    for (const auto& key : loose) {
        const auto above = explaining_incident(work.rules, work.state, key);
        if (above.empty()) {
            open_incident(work, key);
        } else {
            link_symptom(work, above, key);
        }
    }
    std::vector<std::pair<std::string, std::string>> moves;
    for (const auto& [id, incident] : work.state.incidents) {
        if (!is_open(incident) || has_lever_at_work(work.state, incident) ||
            !open_loss(work.state, incident).empty() ||
            !work.state.symptoms.contains({incident.symptom, incident.subject})) {
            continue;
        }
        const auto above =
            explaining_incident(work.rules, work.state, {incident.symptom, incident.subject});
        if (!above.empty() && above != id) {
            moves.emplace_back(id, above);
        }
    }
    for (const auto& [lower, into] : moves) {
        absorb(work, lower, into);
    }
}

void close_incidents(Work& work) {
    std::vector<std::pair<std::string, std::string>> over;
    for (const auto& [id, incident] : work.state.incidents) {
        const bool active = work.state.symptoms.contains({incident.symptom, incident.subject});
        if (!is_open(incident) || active || has_lever_at_work(work.state, incident) ||
            !open_loss(work.state, incident).empty()) {
            continue;
        }
        over.emplace_back(id, end_of(work.state, incident));
    }
    for (const auto& [id, end] : over) {
        work.record(IncidentClosed{id, end, {}});
        work.transient.plan_asked.erase(id);
    }
}

}  // namespace leverd
