// Why: a row of the table may name several levers, gentle ones first. Who is called in the middle
// of the ladder must see which rungs were tried, what came of each, and which one is next.
#include "core/model/codec.hpp"
#include "exporters/web/views.hpp"
#include "policies/ladder.hpp"

namespace leverd::exporters::web {
namespace {

// The levers of the row for this subject, in order; empty when none applies.
std::vector<std::string> ladder_of(const Scene& scene, const Incident& incident) {
    for (const auto& symptom : scene.rules.runbook.symptoms) {
        if (symptom.id == incident.symptom) {
            return rungs_for(symptom, incident.subject);
        }
    }
    return {};
}

std::string result_of(const IntentState& held) {
    if (held.verdict) {
        return std::string(to_string(held.verdict->kind));
    }
    if (held.phase == IntentPhase::done && held.outcome) {
        return std::string(to_string(held.outcome->kind));
    }
    return held.phase == IntentPhase::verifying ? "verifying" : "in_flight";
}

}  // namespace

Json rungs_json(const Scene& scene, const Incident& incident) {
    const auto ladder = ladder_of(scene, incident);
    const std::int64_t current = incident.decision ? incident.decision->rung : 1;
    Json out = Json::array();
    for (std::size_t i = 0; i < ladder.size(); ++i) {
        const auto rung = static_cast<std::int64_t>(i) + 1;
        Json row = Json::object();
        row["rung"] = rung;
        row["lever"] = ladder[i];
        row["current"] = rung == current;
        row["tries"] = 0;
        row["result"] = "";
        row["why"] = "";
        for (const auto& id : incident.intents) {
            const auto held = scene.state.intents.find(id);
            if (held == scene.state.intents.end() || held->second.intent.lever != ladder[i] ||
                !held->second.intent.undoes.empty()) {
                continue;
            }
            row["tries"] = row["tries"].get<int>() + 1;
            row["result"] = result_of(held->second);
            row["why"] = held->second.verdict ? held->second.verdict->why : "";
        }
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace leverd::exporters::web
