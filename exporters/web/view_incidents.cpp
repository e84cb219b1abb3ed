// Why: an incident told so that a person who was just woken up knows what happens next.
#include "core/model/codec.hpp"
#include "exporters/web/views.hpp"
#include "policies/page/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::exporters::web {
namespace {

const Symptom* find_symptom(const Rules& rules, const std::string& id) {
    for (const auto& symptom : rules.runbook.symptoms) {
        if (symptom.id == id) {
            return &symptom;
        }
    }
    return nullptr;
}

const IntentState* newest_intent(const Scene& scene, const Incident& incident) {
    for (auto id = incident.intents.rbegin(); id != incident.intents.rend(); ++id) {
        const auto found = scene.state.intents.find(*id);
        if (found != scene.state.intents.end()) {
            return &found->second;
        }
    }
    return nullptr;
}

std::string lever_words(const Rules& rules, const std::string& id) {
    const auto found = rules.levers.find(id);
    return found == rules.levers.end() || found->second.letter.empty()
               ? fmt::format("lever {}", id)
               : fmt::format("lever {} ({})", found->second.letter, id);
}

const char* phase_name(IncidentPhase phase) {
    switch (phase) {
        case IncidentPhase::open:
            return "open";
        case IncidentPhase::escalated:
            return "escalated";
        case IncidentPhase::closed:
            return "closed";
    }
    return "open";
}

const char* phase_name(IntentPhase phase) {
    switch (phase) {
        case IntentPhase::in_flight:
            return "in_flight";
        case IntentPhase::ambiguous:
            return "ambiguous";
        case IntentPhase::verifying:
            return "verifying";
        case IntentPhase::done:
            return "done";
    }
    return "done";
}

Json proof_json(const Scene& scene, const IntentState& held) {
    Json out = Json::array();
    const auto contract = scene.rules.levers.find(held.intent.lever);
    for (std::size_t i = 0; i < held.proof.size(); ++i) {
        Json step = Json::object();
        step["looks"] = held.proof[i].looks;
        step["first"] = time_json(scene, held.proof[i].first);
        if (contract != scene.rules.levers.end() && i < contract->second.proof.size()) {
            const ProofStep& wanted = contract->second.proof[i];
            step["who"] = proof_who(wanted.who);
            step["probe"] = wanted.probe;
            step["looks_needed"] = wanted.looks;
            step["spread_needed"] = format_duration(wanted.spread);
        }
        out.push_back(std::move(step));
    }
    return out;
}

std::string proof_words(const Scene& scene, const IntentState& held) {
    std::string out;
    for (const Json& step : proof_json(scene, held)) {
        if (!step.contains("looks_needed")) {
            continue;
        }
        if (step["who"] == proof_who(ProofStep::Who::cleared)) {
            out += fmt::format("{}the symptom clears", out.empty() ? "" : ", ");
            continue;
        }
        const int needed = step["looks_needed"].get<int>();
        const int seen = std::min(step["looks"].get<int>(), needed);
        std::string probe = step["probe"].get<std::string>();
        out += fmt::format("{}{} of {} good looks{}", out.empty() ? "" : ", ", seen, needed,
                           probe.empty() ? "" : " of " + probe);
    }
    return out.empty() ? "fresh looks" : out;
}

std::string intent_words(const Scene& scene, const IntentState& held) {
    const std::string lever = lever_words(scene.rules, held.intent.lever);
    if (!held.intent.undoes.empty() && held.phase != IntentPhase::done) {
        return fmt::format("Made it worse: taking {} back ({}{}).", lever, held.intent.undoes,
                           held.phase == IntentPhase::verifying ? ", waiting for proof" : "");
    }
    switch (held.phase) {
        case IntentPhase::in_flight:
            return fmt::format("Pulling {} now.", lever);
        case IntentPhase::ambiguous:
            return fmt::format(
                "Pulled {}, and nobody knows whether it took{}. Looking at the target to learn it; "
                "it is not sent again.",
                lever,
                held.outcome && !held.outcome->detail.empty() ? " (" + held.outcome->detail + ")"
                                                              : std::string{});
        case IntentPhase::verifying:
            return fmt::format("Pulled {}. Waiting for proof: {}.", lever,
                               proof_words(scene, held));
        case IntentPhase::done:
            break;
    }
    return {};
}

std::string reason_words(const Decision& decision) {
    for (const auto& guard : decision.guards) {
        if (!guard.pass) {
            return guard.text.empty() ? guard.guard : guard.text;
        }
    }
    return decision.reason;
}

std::string decision_words(const Scene& scene, const Incident& incident, const Decision& decision) {
    const auto rungs = rungs_json(scene, incident).size();
    const std::string lever =
        lever_words(scene.rules, decision.lever) +
        (rungs > 1 ? fmt::format(", rung {} of {}", decision.rung, rungs) : std::string{});
    switch (decision.action) {
        case Action::ask:
            if (incident.approval) {
                return fmt::format("{} {} {}: {}", incident.approval->who,
                                   incident.approval->approved ? "approved" : "rejected", lever,
                                   incident.approval->why);
            }
            return approval_pending(scene, incident)
                       ? fmt::format("Waiting for a person to approve {}.", lever)
                       : fmt::format("Nobody approved {} in time.", lever);
        case Action::recommend:
            return fmt::format("Recommended: {}. A person has to pull it ({}).", lever,
                               reason_words(decision));
        case Action::hold:
            return fmt::format("Holding {}: {}.", lever, reason_words(decision));
        case Action::fire:
            return fmt::format("Permitted to pull {}.", lever);
        case Action::none:
            return decision.lever.empty() || decision.lever == "none"
                       ? fmt::format("No lever applies: {}.", reason_words(decision))
                       : fmt::format("Not pulling {}: {}.", lever, reason_words(decision));
    }
    return {};
}

// The newest that may have changed something: what was refused or has failed did not.
const IntentState* newest_that_acted(const Scene& scene, const Incident& incident) {
    for (auto id = incident.intents.rbegin(); id != incident.intents.rend(); ++id) {
        const auto found = scene.state.intents.find(*id);
        if (found == scene.state.intents.end()) {
            continue;
        }
        const auto& outcome = found->second.outcome;
        if (!outcome || outcome->kind == OutcomeKind::accepted ||
            outcome->kind == OutcomeKind::unknown) {
            return &found->second;
        }
    }
    return nullptr;
}

// Cleared without proof: by itself only where nothing was done.
std::string cleared_words(const Scene& scene, const Incident& incident) {
    const IntentState* intent = newest_that_acted(scene, incident);
    if (intent == nullptr) {
        return "Went away by itself.";
    }
    const std::string lever = lever_words(scene.rules, intent->intent.lever);
    if (!intent->intent.undoes.empty()) {
        const bool taken = intent->outcome && intent->outcome->kind == OutcomeKind::accepted;
        return fmt::format(
            "Cleared after {}, which made it worse{}.", lever,
            taken ? " and was taken back" : "; whether it was taken back is not known");
    }
    return intent->verdict
               ? fmt::format("Cleared after {}, whose verdict was {}.", lever,
                             to_string(intent->verdict->kind))
               : fmt::format("Cleared after {}; whether it helped was not seen.", lever);
}

std::string acknowledged_words(const Incident& incident) {
    if (!incident.acknowledged) {
        return "What was lost was acknowledged by a person";
    }
    const auto& by = *incident.acknowledged;
    const bool dated = incident.acknowledged_at.wall != WallTime{};
    return fmt::format("What was lost was acknowledged by {}{}: {}", by.who,
                       dated ? " at " + moment_text(incident.acknowledged_at) : std::string{},
                       by.why);
}

// Who saw to what a lever destroyed, when and why; null: nobody.
Json acknowledged_json(const Incident& incident) {
    if (!incident.acknowledged) {
        return nullptr;
    }
    Json out = Json::object();
    out["who"] = incident.acknowledged->who;
    out["why"] = incident.acknowledged->why;
    out["time"] = time_json(incident.acknowledged_at);
    return out;
}

std::string by_hand_words(const Scene& scene, const Incident& incident) {
    const IntentState* intent = newest_intent(scene, incident);
    if (intent == nullptr || !intent->outcome) {
        return "A person fired a lever here.";
    }
    return fmt::format("A person fired {} here: {}{}.",
                       lever_words(scene.rules, intent->intent.lever),
                       to_string(intent->outcome->kind),
                       intent->outcome->detail.empty() ? "" : ", " + intent->outcome->detail);
}

std::string closed_words(const Scene& scene, const Incident& incident) {
    if (incident.end == "recovered") {
        const IntentState* intent = newest_intent(scene, incident);
        return intent == nullptr ? std::string("Recovered; a lever was proven.")
                                 : fmt::format("Recovered; {} was proven to help.",
                                               lever_words(scene.rules, intent->intent.lever));
    }
    if (incident.end == "lost") {
        return acknowledged_words(incident);
    }
    if (incident.end == "gone") {
        return "The subject is gone.";
    }
    if (incident.end == "rule_gone") {
        return "Its rule is not in the runbook any more; nobody looks whether it is over.";
    }
    if (incident.end == "self_healed" || incident.end == "unproven") {
        return cleared_words(scene, incident);
    }
    if (incident.end == "absorbed") {
        return fmt::format("Explained by incident {}.", incident.absorbed_into);
    }
    return incident.end == "by_hand" ? by_hand_words(scene, incident) : "Closed.";
}

}  // namespace

std::string proof_who(ProofStep::Who who) {
    switch (who) {
        case ProofStep::Who::target:
            return "target";
        case ProofStep::Who::fresh_child:
            return "fresh_child";
        case ProofStep::Who::lever:
            return "lever";
        case ProofStep::Who::cleared:
            return "cleared";
    }
    return "invalid";
}

std::string incident_words(const Scene& scene, const Incident& incident) {
    if (incident.phase == IncidentPhase::closed) {
        return closed_words(scene, incident);
    }
    const IntentState* intent = newest_intent(scene, incident);
    if (intent != nullptr && intent->phase != IntentPhase::done) {
        return intent_words(scene, *intent);
    }
    if (incident.acknowledged) {
        return acknowledged_words(incident) +
               ". The symptom is still there, and leverd fires nothing more for it.";
    }
    if (incident.phase == IncidentPhase::escalated) {
        return fmt::format("A person is needed: {}.", incident.escalated_why);
    }
    if (incident.decision) {
        return decision_words(scene, incident, *incident.decision);
    }
    if (incident.plan && !incident.plan->ok) {
        return fmt::format("No plan could be made: {}.", incident.plan->problem);
    }
    return "Working out what could be done.";
}

Json intent_view(const Scene& scene, const IntentState& held) {
    Json out = Json::object();
    out["intent"] = held.intent.id;
    out["decision"] = held.intent.decision;
    out["lever"] = held.intent.lever;
    out["subject"] = held.intent.subject.text();
    out["phase"] = phase_name(held.phase);
    out["fired"] = time_json(held.fired);
    out["ended"] = time_json(held.ended);
    out["judged"] = time_json(held.judged);
    out["undoes"] = held.intent.undoes;
    out["plan"] = to_json(held.intent.plan);
    out["diagnosed"] = held.diagnosed ? to_json(EntryBody{*held.diagnosed}) : Json(nullptr);
    out["outcome"] = held.outcome ? to_json(EntryBody{*held.outcome}) : Json(nullptr);
    out["settled"] = held.settled ? to_json(EntryBody{*held.settled}) : Json(nullptr);
    out["verdict"] = held.verdict ? to_json(EntryBody{*held.verdict}) : Json(nullptr);
    out["proof"] = proof_json(scene, held);
    return out;
}

Json incident_view(const Scene& scene, const Incident& incident) {
    Json out = Json::object();
    out["incident"] = incident.id;
    out["symptom"] = incident.symptom;
    out["subject"] = incident.subject.text();
    out["phase"] = phase_name(incident.phase);
    out["words"] = incident_words(scene, incident);
    out["opened"] = time_json(incident.opened);
    out["closed"] = time_json(incident.closed);
    out["end"] = incident.end;
    out["absorbed_into"] = incident.absorbed_into;
    out["escalated_why"] = incident.escalated_why;
    out["rungs"] = rungs_json(scene, incident);
    const Symptom* symptom = find_symptom(scene.rules, incident.symptom);
    out["title"] = symptom == nullptr ? incident.symptom : symptom->title;
    out["first_lever"] = symptom == nullptr ? "" : symptom->first_lever;
    out["note"] = symptom == nullptr ? "" : symptom->note;
    out["row"] = symptom == nullptr ? 0 : symptom->row;
    out["linked"] = Json::array();
    for (const auto& [id, subject] : incident.linked) {
        Json link = Json::object();
        link["symptom"] = id;
        link["subject"] = subject.text();
        out["linked"].push_back(std::move(link));
    }
    out["plan"] = incident.plan ? to_json(EntryBody{*incident.plan}) : Json(nullptr);
    out["planned"] = time_json(incident.planned);
    out["decision"] = incident.decision ? to_json(EntryBody{*incident.decision}) : Json(nullptr);
    out["decided"] = time_json(incident.decided);
    out["approval"] = incident.approval ? to_json(EntryBody{*incident.approval}) : Json(nullptr);
    out["approval_pending"] = approval_pending(scene, incident);
    out["acknowledged"] = acknowledged_json(incident);
    out["intents"] = Json::array();
    for (const auto& id : incident.intents) {
        const auto found = scene.state.intents.find(id);
        if (found != scene.state.intents.end()) {
            out["intents"].push_back(intent_view(scene, found->second));
        }
    }
    return out;
}

std::vector<std::string> incident_order(const Scene& scene, bool open_only) {
    std::vector<const Incident*> chosen;
    for (const auto& [id, incident] : scene.state.incidents) {
        if (!open_only || incident.phase != IncidentPhase::closed) {
            chosen.push_back(&incident);
        }
    }
    // Newest first; the identifier settles a tie, so that the order is the same each time.
    std::sort(chosen.begin(), chosen.end(), [](const Incident* a, const Incident* b) {
        return a->opened.at != b->opened.at ? a->opened.at > b->opened.at : a->id > b->id;
    });
    std::vector<std::string> out;
    for (const Incident* incident : chosen) {
        out.push_back(incident->id);
    }
    return out;
}

Json incidents_view(const Scene& scene, bool open_only, std::size_t closed_max,
                    std::size_t open_max) {
    Json out = Json::object();
    out["incidents"] = Json::array();
    std::size_t closed = 0;
    std::size_t open = 0;
    std::size_t left_out = 0;
    for (const std::string& id : incident_order(scene, open_only)) {
        const Incident& incident = scene.state.incidents.at(id);
        if (incident.phase == IncidentPhase::closed && ++closed > closed_max) {
            continue;
        }
        if (incident.phase != IncidentPhase::closed && ++open > open_max) {
            ++left_out;
            continue;
        }
        out["incidents"].push_back(incident_view(scene, incident));
    }
    out["left_out"] = left_out;
    return out;
}

}  // namespace leverd::exporters::web
