// Why: one short function per subject area; together they are the state half of /metrics.
#include "exporters/prometheus/state_page.hpp"

#include "core/model/codec.hpp"
#include "exporters/prometheus/series.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace leverd::exporters {
namespace {

double seconds(Millis d) {
    return std::chrono::duration<double>(d).count();
}

double epoch_seconds(WallTime t) {
    return seconds(t.time_since_epoch());
}

void daemon_families(const Scene& s, FamilyList& out) {
    out.gauge("leverd_build_info", "A constant 1, labelled with the version that runs.")
        .add({{"version", s.version}}, 1);
    out.gauge("leverd_config_info", "A constant 1, labelled with the hash of the configuration.")
        .add({{"hash", s.state.config_hash}}, 1);
    out.gauge("leverd_mode_ceiling_info",
              "A constant 1, labelled with how far this box may go by itself.")
        .add({{"mode", to_string(s.rules.policies.ceiling)}}, 1);
    out.gauge("leverd_ready", "1 when levers could fire: ledger writable, configuration fresh.")
        .add({}, s.figures.ready ? 1 : 0);
    out.gauge("leverd_ledger_writable", "1 when the last commit to the ledger succeeded.")
        .add({}, s.state.ledger_writable ? 1 : 0);
    out.gauge("leverd_stop_switch", "1 while the stop switch holds every lever.")
        .add({}, s.state.stop.stopped ? 1 : 0);
    out.gauge("leverd_observer_trusted", "0 while the box doubts its own view; no lever fires.")
        .add({}, s.state.observer.trusted ? 1 : 0);
    out.gauge("leverd_freeze_active", "1 while the configuration declares a freeze.")
        .add({}, s.rules.policies.freeze_active ? 1 : 0);
    out.gauge("leverd_config_last_reload_successful", "0 after a reload that was rejected.")
        .add({}, s.figures.config_reload_ok ? 1 : 0);
    out.gauge("leverd_config_restart_needed",
              "Keys and secrets on disk that the running process takes up only after a restart.")
        .add({}, static_cast<double>(s.figures.restart_needed));
    out.gauge("leverd_config_last_reload_success_timestamp_seconds",
              "When the configuration in force was loaded.")
        .add({}, epoch_seconds(s.figures.config_reloaded));
    out.gauge("leverd_engine_last_turn_timestamp_seconds", "When the engine last took an event.")
        .add({}, epoch_seconds(s.figures.last_turn));
    out.gauge("leverd_clock_timestamp_seconds",
              "The calendar time of the box at this scrape; compare it with the scraper's.")
        .add({}, epoch_seconds(s.now.wall));
    out.gauge("leverd_loop_lateness_seconds", "How late the event loop ran its last timer.")
        .add({}, seconds(s.figures.loop_lateness));
    out.gauge("leverd_queue_depth", "Events that wait for the engine.")
        .add({}, static_cast<double>(s.figures.queue_depth));
    out.counter("leverd_queue_dropped_total", "Events that the full queue did not take.",
                static_cast<double>(s.figures.queue_dropped));
    out.counter("leverd_probes_skipped_total",
                "Looks not started in time, or that the box itself could not make.",
                static_cast<double>(s.figures.probes_skipped));
}

// By kind of subject, so that there are as many series as the configuration has kinds.
void blind_families(const Scene& s, FamilyList& out) {
    std::map<std::string, std::set<Subject>> kinds;
    for (const auto& signal : s.rules.runbook.signals) {
        kinds[signal.subject_kind];
    }
    for (const auto& [what, held] : s.state.blind) {
        kinds[what];
    }
    for (const auto& [key, run] : s.state.unseen) {
        kinds[std::string(key.first.kind())].insert(key.first);
    }
    auto blind = out.gauge("leverd_blind",
                           "1 while subjects of this kind could not be judged for longer than "
                           "blind_after.");
    auto unseen = out.gauge("leverd_unseen_subjects",
                            "Subjects of this kind with a probe that cannot judge them now.");
    for (const auto& [what, subjects] : kinds) {
        blind.add({{"what", what}}, s.state.blind.contains(what) ? 1 : 0);
        unseen.add({{"what", what}}, static_cast<double>(subjects.size()));
    }
}

struct IncidentTally {
    double open = 0;
    double escalated = 0;
    double unattended = 0;
};

void incident_families(const Scene& s, FamilyList& out) {
    std::map<std::string, IncidentTally> by_symptom;
    for (const auto& symptom : s.rules.runbook.symptoms) {
        by_symptom[symptom.id];
    }
    double waiting = 0;
    for (const auto& [id, incident] : s.state.incidents) {
        if (incident.phase == IncidentPhase::closed) {
            continue;
        }
        auto& tally = by_symptom[incident.symptom];
        tally.open += 1;
        tally.escalated += incident.phase == IncidentPhase::escalated ? 1 : 0;
        tally.unattended += unattended(incident, s.state) ? 1 : 0;
        const bool asks = incident.decision && incident.decision->action == Action::ask;
        waiting += asks && !incident.approval ? 1 : 0;
    }
    auto open = out.gauge("leverd_incidents_open", "Incidents not closed, escalated ones too.");
    for (const auto& [symptom, tally] : by_symptom) {
        open.add({{"symptom", symptom}}, tally.open);
    }
    auto escalated = out.gauge("leverd_incidents_escalated",
                               "Open incidents that leverd has given over to a person.");
    for (const auto& [symptom, tally] : by_symptom) {
        escalated.add({{"symptom", symptom}}, tally.escalated);
    }
    auto alone = out.gauge("leverd_incidents_unattended",
                           "Open incidents with no lever at work and no approval asked: "
                           "escalated, recommended or held.");
    for (const auto& [symptom, tally] : by_symptom) {
        alone.add({{"symptom", symptom}}, tally.unattended);
    }
    out.gauge("leverd_approval_pending", "Decisions that wait for a person's approval.")
        .add({}, waiting);
}

void lever_families(const Scene& s, FamilyList& out) {
    struct Tally {
        double flying = 0;
        double ambiguous = 0;
    };
    std::map<std::string, Tally> by_lever;
    for (const auto& [id, contract] : s.rules.levers) {
        by_lever[id];
    }
    for (const auto& [id, held] : s.state.intents) {
        auto& tally = by_lever[held.intent.lever];
        tally.flying += held.phase != IntentPhase::done ? 1 : 0;
        tally.ambiguous += held.phase == IntentPhase::ambiguous ? 1 : 0;
    }
    auto flying = out.gauge("leverd_lever_in_flight", "Levers fired and not judged yet.");
    for (const auto& [lever, tally] : by_lever) {
        flying.add({{"lever", lever}}, tally.flying);
    }
    auto ambiguous = out.gauge("leverd_lever_outcome_unknown",
                               "Levers whose call ended without an answer and whose effect could "
                               "not be seen yet.");
    for (const auto& [lever, tally] : by_lever) {
        ambiguous.add({{"lever", lever}}, tally.ambiguous);
    }
}

}  // namespace

FamilyWriter& FamilyWriter::add(const LabelList& labels, double value) {
    prometheus::ClientMetric series;
    series.label.reserve(labels.size());
    for (const auto& [name, raw] : labels) {
        prometheus::ClientMetric::Label label;
        label.name = name;
        label.value = label_value(raw);
        series.label.push_back(std::move(label));
    }
    std::sort(series.label.begin(), series.label.end());
    series.gauge.value = value;
    series.counter.value = value;
    family_->metric.push_back(std::move(series));
    return *this;
}

prometheus::MetricFamily& FamilyList::begin(std::string name, std::string help,
                                            prometheus::MetricType type) {
    prometheus::MetricFamily family;
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    return families_.emplace_back(std::move(family));
}

FamilyWriter FamilyList::gauge(std::string name, std::string help) {
    return FamilyWriter(begin(std::move(name), std::move(help), prometheus::MetricType::Gauge));
}

FamilyWriter FamilyList::counters(std::string name, std::string help) {
    return FamilyWriter(begin(std::move(name), std::move(help), prometheus::MetricType::Counter));
}

void FamilyList::counter(std::string name, std::string help, double value) {
    FamilyWriter(begin(std::move(name), std::move(help), prometheus::MetricType::Counter))
        .add({}, value);
}

bool unattended(const Incident& incident, const State& state) {
    if (incident.phase != IncidentPhase::open) {
        return incident.phase == IncidentPhase::escalated;
    }
    if (incident.decision && incident.decision->action == Action::ask && !incident.approval) {
        return false;
    }
    return std::none_of(incident.intents.begin(), incident.intents.end(), [&](const auto& id) {
        const auto held = state.intents.find(id);
        return held != state.intents.end() && held->second.phase != IntentPhase::done;
    });
}

std::vector<prometheus::MetricFamily> state_families(const Scene& scene) {
    FamilyList out;
    daemon_families(scene, out);
    blind_families(scene, out);
    incident_families(scene, out);
    lever_families(scene, out);
    hold_families(scene, out);
    effect_families(scene, out);
    delivery_families(scene, out);
    page_families(scene, out);
    event_families(scene, out);
    door_families(scene, out);
    return out.take();
}

}  // namespace leverd::exporters
