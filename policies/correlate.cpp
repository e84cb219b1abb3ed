// Why: see correlate.hpp.
#include "policies/correlate.hpp"

#include "policies/decide.hpp"
#include "policies/detect/blind.hpp"
#include "policies/losses.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace leverd {
namespace {

bool is_open(const Incident& incident) {
    return incident.phase != IncidentPhase::closed;
}

// Its cause cleared a moment ago: what it explained may only not have cleared yet.
bool is_clearing(const Rules& rules, const State& state, const Incident& incident, Instant now) {
    return incident.cleared.at != Instant{} &&
           now - incident.cleared.at < rules.runbook.clearing_time &&
           !state.symptoms.contains({incident.symptom, incident.subject});
}

// The highest of the incidents that could explain a symptom.
struct Highest {
    const Rules& rules;
    const State& state;
    std::string incident;
    Subject cause;

    void offer(const std::string& id) {
        const auto held = state.incidents.find(id);
        if (held == state.incidents.end() || !is_open(held->second)) {
            return;
        }
        const auto& subject = held->second.subject;
        if (incident.empty() || is_ancestor(rules.runbook, state, subject, cause)) {
            incident = id;
            cause = subject;
        }
    }
};

// The incident of the highest active symptom above `subject`; empty when nothing above is wrong.
std::string explaining_incident(const Rules& rules, const State& state, const SymptomKey& key) {
    Highest best{rules, state, {}, {}};
    for (const auto& above : ancestors_of(rules.runbook, state, key.second)) {
        const auto symptoms = state.index.symptoms_on.find(above);
        if (symptoms == state.index.symptoms_on.end()) {
            continue;
        }
        for (const auto& symptom : symptoms->second) {
            if (!speaks_of_blindness(rules, symptom)) {
                best.offer(state.symptoms.at({symptom, above}).incident);
            }
        }
    }
    return best.incident;
}

// The same for a symptom that is only now seen: an effect often shows after its cause was mended.
std::string clearing_incident(const Rules& rules, const State& state, const SymptomKey& key,
                              Instant now) {
    Highest best{rules, state, {}, {}};
    for (const auto& above : ancestors_of(rules.runbook, state, key.second)) {
        const auto open = state.index.open_on.find(above);
        if (open == state.index.open_on.end()) {
            continue;
        }
        for (const auto& id : open->second) {
            const auto& incident = state.incidents.at(id);
            if (is_clearing(rules, state, incident, now) &&
                !speaks_of_blindness(rules, incident.symptom)) {
                best.offer(id);
            }
        }
    }
    return best.incident;
}

// Its own case, when that is still open because of what it explained.
std::string own_case(const State& state, const SymptomKey& key) {
    const auto open = state.index.open_on.find(key.second);
    if (open == state.index.open_on.end()) {
        return {};
    }
    for (const auto& id : open->second) {
        const auto& incident = state.incidents.at(id);
        if (incident.symptom == key.first && !has_lever_at_work(state, incident)) {
            return id;
        }
    }
    return {};
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
    std::vector<SymptomKey> loose(work.state.index.loose.begin(), work.state.index.loose.end());
    // Causes first: a symptom that nothing above explains opens the incident that the others are
    // then linked to.
    const auto height = [&](const SymptomKey& key) {
        return std::pair{ancestors_of(work.rules.runbook, work.state, key.second).size(), key};
    };
    std::ranges::sort(loose, std::less{}, height);
    for (const auto& key : loose) {
        auto above = explaining_incident(work.rules, work.state, key);
        const auto own = above.empty() ? own_case(work.state, key) : std::string{};
        if (above.empty() && own.empty()) {
            above = clearing_incident(work.rules, work.state, key, work.now.at);
        }
        if (!own.empty()) {
            work.record(IncidentLinked{own, key.first, key.second});
        } else if (above.empty()) {
            open_incident(work, key);
        } else {
            link_symptom(work, above, key);
        }
    }
    std::vector<std::pair<std::string, std::string>> moves;
    for (const auto& id : std::exchange(work.state.agenda.to_move, {})) {
        const auto held = work.state.incidents.find(id);
        if (held == work.state.incidents.end() || !is_open(held->second)) {
            continue;
        }
        const auto& incident = held->second;
        work.transient.effort.incidents += 1;
        if (has_lever_at_work(work.state, incident) || !open_loss(work.state, incident).empty() ||
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
    for (const auto& id : std::exchange(work.state.agenda.to_close, {})) {
        const auto known = work.state.incidents.find(id);
        if (known == work.state.incidents.end() || !is_open(known->second)) {
            continue;
        }
        const auto& incident = known->second;
        work.transient.effort.incidents += 1;
        const bool active = work.state.symptoms.contains({incident.symptom, incident.subject});
        if (active || has_lever_at_work(work.state, incident) ||
            !open_loss(work.state, incident).empty() ||
            !open_replacement(work.state, incident).empty()) {
            continue;
        }
        if (work.state.index.linked_to.contains(id) &&
            is_clearing(work.rules, work.state, incident, work.now.at)) {
            work.state.agenda.case_alarms.wake(
                id, incident.cleared.at + work.rules.runbook.clearing_time);
            continue;
        }
        over.emplace_back(id, end_of(work.rules, work.state, incident));
    }
    for (const auto& [id, end] : over) {
        work.record(IncidentClosed{id, end, {}});
        work.transient.plan_asked.erase(id);
    }
}

}  // namespace leverd
