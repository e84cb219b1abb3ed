// Why: what leverd decided and every guard behind it, and what a person who approves agrees to.
#include "core/model/codec.hpp"
#include "exporters/web/views.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::exporters::web {
namespace {

const Policy* find_policy(const Rules& rules, const std::string& id) {
    for (const auto& policy : rules.policies.policies) {
        if (policy.id == id) {
            return &policy;
        }
    }
    return nullptr;
}

std::optional<Instant> approval_expires(const Scene& scene, const Incident& incident) {
    if (!incident.decision || incident.decision->action != Action::ask) {
        return std::nullopt;
    }
    const Policy* policy = find_policy(scene.rules, incident.decision->policy);
    if (policy == nullptr) {
        return std::nullopt;
    }
    return incident.decided.at + policy->limits.approval_ttl;
}

Json proof_step_json(const ProofStep& step) {
    Json out = Json::object();
    out["who"] = proof_who(step.who);
    out["probe"] = step.probe;
    out["looks"] = step.looks;
    out["needs_fact"] = step.needs_fact;
    out["spread"] = format_duration(step.spread);
    out["reset_fact"] = step.reset_fact;
    return out;
}

}  // namespace

bool approval_pending(const Scene& scene, const Incident& incident) {
    if (incident.phase == IncidentPhase::closed || !incident.decision || incident.approval ||
        incident.decision->action != Action::ask) {
        return false;
    }
    const auto expires = approval_expires(scene, incident);
    return !expires || scene.now.at < *expires;
}

Json decision_view(const Scene& scene, const Incident& incident) {
    const Decision& decision = *incident.decision;
    Json out = to_json(EntryBody{decision});
    out["decided"] = time_json(incident.decided);
    out["words"] = incident_words(scene, incident);
    out["rungs"] = rungs_json(scene, incident);
    out["pending"] = approval_pending(scene, incident);
    const auto expires = approval_expires(scene, incident);
    out["expires"] = expires ? time_json(scene, *expires) : Json(nullptr);
    out["plan"] = incident.plan ? to_json(incident.plan->plan) : Json(nullptr);
    out["approval"] = incident.approval ? to_json(EntryBody{*incident.approval}) : Json(nullptr);
    out["approve_command"] = fmt::format("leverd approve {} --why \"...\"", decision.id);
    out["reject_command"] = fmt::format("leverd reject {} --why \"...\"", decision.id);
    const auto& table = scene.rules.runbook.symptoms;
    const auto row = std::find_if(table.begin(), table.end(), [&decision](const Symptom& s) {
        return s.id == decision.symptom;
    });
    out["title"] = row == table.end() ? decision.symptom : row->title;
    return out;
}

std::vector<std::string> decision_order(const Scene& scene, bool pending_only) {
    std::vector<const Incident*> chosen;
    for (const auto& [id, incident] : scene.state.incidents) {
        if (incident.decision && (!pending_only || approval_pending(scene, incident))) {
            chosen.push_back(&incident);
        }
    }
    std::sort(chosen.begin(), chosen.end(), [](const Incident* a, const Incident* b) {
        return a->decided.at != b->decided.at ? a->decided.at > b->decided.at
                                              : a->decision->id > b->decision->id;
    });
    std::vector<std::string> out;
    for (const Incident* incident : chosen) {
        out.push_back(incident->id);
    }
    return out;
}

Json decisions_view(const Scene& scene, bool pending_only) {
    Json out = Json::object();
    out["decisions"] = Json::array();
    for (const std::string& id : decision_order(scene, pending_only)) {
        out["decisions"].push_back(decision_view(scene, scene.state.incidents.at(id)));
    }
    return out;
}

const Incident* find_decision(const State& state, const std::string& id) {
    for (const auto& [key, incident] : state.incidents) {
        if (incident.decision && incident.decision->id == id) {
            return &incident;
        }
    }
    return nullptr;
}

Json levers_view(const Rules& rules) {
    Json out = Json::object();
    out["levers"] = Json::array();
    for (const auto& [id, contract] : rules.levers) {
        Json row = Json::object();
        row["id"] = contract.id;
        row["letter"] = contract.letter;
        row["title"] = contract.title;
        row["reversibility"] = to_string(contract.reversibility);
        row["inverse"] = contract.inverse;
        row["resource"] = contract.resource;
        row["precondition"] = contract.precondition;
        row["moves_image"] = contract.moves_image;
        row["restores_receipt"] = contract.restores_receipt;
        row["manual"] = contract.manual;
        row["can_undo"] = contract.can_undo;
        row["disruptive"] = contract.disruptive;
        row["propagation"] = format_duration(contract.propagation);
        row["known_false_success"] = contract.known_false_success;
        row["proof"] = Json::array();
        for (const auto& step : contract.proof) {
            row["proof"].push_back(proof_step_json(step));
        }
        out["levers"].push_back(std::move(row));
    }
    return out;
}

Json stored_entry_view(const StoredEntry& entry) {
    Json out = Json::object();
    out["sequence"] = entry.sequence;
    out["time"] = time_json(entry.now);
    out["at_ms"] = to_millis(entry.now.at);
    out["kind"] = entry.kind;
    out["hash"] = entry.hash;
    const auto body = parse_json(entry.json);
    out["body"] = body.has_value() ? *body : Json(entry.json);
    return out;
}

Json why_view(const Scene& scene, const Subject& subject, const SubjectState& held) {
    Json out = Json::object();
    out["subject"] = subject_view(scene, subject, held);
    out["symptoms"] = Json::array();
    for (const auto& [key, active] : scene.state.symptoms) {
        if (key.second == subject) {
            out["symptoms"].push_back(symptom_row(scene, key, active));
        }
    }
    std::vector<const Incident*> cases;
    for (const auto& [id, incident] : scene.state.incidents) {
        const bool linked =
            std::any_of(incident.linked.begin(), incident.linked.end(),
                        [&subject](const SymptomKey& key) { return key.second == subject; });
        if (incident.subject == subject || linked) {
            cases.push_back(&incident);
        }
    }
    std::sort(cases.begin(), cases.end(), [](const Incident* a, const Incident* b) {
        return a->opened.at != b->opened.at ? a->opened.at > b->opened.at : a->id > b->id;
    });
    out["incidents"] = Json::array();
    out["decision"] = nullptr;
    for (const Incident* incident : cases) {
        out["incidents"].push_back(incident_view(scene, *incident));
        if (out["decision"].is_null() && incident->decision) {
            out["decision"] = decision_view(scene, *incident);
        }
    }
    return out;
}

}  // namespace leverd::exporters::web
