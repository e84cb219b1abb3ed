// Why: what leverd holds about each subject and what it means for people.
#include "core/model/codec.hpp"
#include "exporters/web/views.hpp"

#include <algorithm>

namespace leverd::exporters::web {
namespace {

using leverd::Health;

// failing outranks degraded, which outranks "cannot judge", which outranks healthy.
int rank(Health health) {
    switch (health) {
        case Health::failing:
            return 3;
        case Health::degraded:
            return 2;
        case Health::unknown:
            return 1;
        case Health::healthy:
            return 0;
    }
    return 1;
}

Health judged(const Scene& scene, const LookState& look) {
    return stale(scene, look) ? Health::unknown : look.health;
}

// The look that gives the subject its word; null when nobody looked yet.
const LookState* worst_look(const Scene& scene, const SubjectState& held) {
    const LookState* worst = nullptr;
    for (const auto& look : held.looks) {
        if (worst == nullptr || rank(judged(scene, look)) > rank(judged(scene, *worst))) {
            worst = &look;
        }
    }
    return worst;
}

const Signal* find_signal(const Rules& rules, const std::string& id) {
    for (const auto& signal : rules.runbook.signals) {
        if (signal.id == id) {
            return &signal;
        }
    }
    return nullptr;
}

Json detector_json(const Scene& scene, const std::string& id, const Detector& detector) {
    Json out = Json::object();
    out["signal"] = id;
    out["bad"] = detector.bad;
    out["good"] = detector.good;
    out["raised"] = detector.raised;
    out["first_bad"] = time_json(scene, detector.first_bad);
    out["last_bad"] = time_json(scene, detector.last_bad);
    out["tripped"] = time_json(scene, detector.tripped);
    if (const Signal* signal = find_signal(scene.rules, id)) {
        out["probe"] = signal->probe;
        out["bad_needed"] = signal->looks;
        out["good_needed"] = signal->clear_looks;
        out["spread_needed"] = format_duration(signal->spread);
    }
    return out;
}

}  // namespace

bool stale(const Scene& scene, const LookState& look) {
    return scene.now.at - look.seen.at > scene.rules.runbook.fresh_for;
}

Health rolled_up(const Scene& scene, const SubjectState& subject) {
    const LookState* worst = worst_look(scene, subject);
    return worst == nullptr ? Health::unknown : judged(scene, *worst);
}

Json subject_row(const Scene& scene, const Subject& subject, const SubjectState& held) {
    Json out = Json::object();
    out["subject"] = subject.text();
    out["kind"] = subject.kind();
    out["name"] = subject.name();
    out["health"] = to_string(rolled_up(scene, held));
    out["last_seen"] = time_json(scene, held.last_seen);
    out["version"] = held.version;
    out["attributes"] = held.attributes;
    const LookState* worst = worst_look(scene, held);
    out["probe"] = worst == nullptr ? "" : worst->probe();
    out["reason"] = worst == nullptr ? "" : describe(worst->reason).name;
    out["reason_text"] = worst == nullptr       ? "nobody looked yet"
                         : stale(scene, *worst) ? "the last look is too old to be evidence"
                                                : describe(worst->reason).text;
    out["evidence"] = worst == nullptr ? "" : worst->evidence;
    return out;
}

Json subject_view(const Scene& scene, const Subject& subject, const SubjectState& held) {
    Json out = subject_row(scene, subject, held);
    out["first_seen"] = time_json(scene, held.first_seen);
    out["version_since"] = time_json(scene, held.version_since);
    if (const auto good = scene.state.known_good.find(subject);
        good != scene.state.known_good.end()) {
        out["known_good"] = good->second.version;
    }
    out["looks"] = Json::array();
    for (const auto& look : held.looks) {
        Json row = to_json(as_observation(subject, look));
        row["seen"] = time_json(look.seen);
        row["reason_text"] = describe(look.reason).text;
        row["class"] = layer_name(describe(look.reason).layer);
        row["stale"] = stale(scene, look);
        row["repeats"] = look.repeats;
        out["looks"].push_back(std::move(row));
    }
    out["detectors"] = Json::array();
    for (const auto& [id, detector] : held.detectors) {
        out["detectors"].push_back(detector_json(scene, id, detector));
    }
    return out;
}

Json subjects_view(const Scene& scene, const std::string& kind, bool bad_only, std::size_t most) {
    Json rows = Json::array();
    std::size_t left_out = 0;
    for (const auto& [subject, held] : scene.state.subjects) {
        if (!kind.empty() && subject.kind() != kind) {
            continue;
        }
        if (bad_only && rolled_up(scene, held) == Health::healthy) {
            continue;
        }
        if (rows.size() >= most) {
            ++left_out;
            continue;
        }
        rows.push_back(subject_row(scene, subject, held));
    }
    Json out = Json::object();
    out["subjects"] = std::move(rows);
    out["left_out"] = left_out;
    out["counts"] = subject_counts(scene);
    return out;
}

Json subject_counts(const Scene& scene) {
    Json out = Json::object();
    for (const auto& [subject, held] : scene.state.subjects) {
        Json& kind = out[std::string(subject.kind())];
        if (kind.is_null()) {
            for (const Health h :
                 {Health::healthy, Health::degraded, Health::failing, Health::unknown}) {
                kind[std::string(to_string(h))] = 0;
            }
        }
        Json& count = kind[std::string(to_string(rolled_up(scene, held)))];
        count = count.get<int>() + 1;
    }
    return out;
}

Json symptom_row(const Scene& scene, const SymptomKey& key, const ActiveSymptom& active) {
    Json out = Json::object();
    out["symptom"] = key.first;
    out["subject"] = key.second.text();
    out["raised"] = time_json(active.raised);
    out["evidence"] = active.evidence;
    out["incident"] = active.incident;
    out["title"] = key.first;
    const auto& table = scene.rules.runbook.symptoms;
    const auto row = std::find_if(table.begin(), table.end(),
                                  [&key](const Symptom& s) { return s.id == key.first; });
    if (row != table.end()) {
        out["title"] = row->title;
        out["first_lever"] = row->first_lever;
        out["note"] = row->note;
        out["row"] = row->row;
    }
    return out;
}

Json symptoms_view(const Scene& scene, std::size_t most) {
    Json rows = Json::array();
    for (const auto& [key, active] : scene.state.symptoms) {
        if (rows.size() >= most) {
            break;
        }
        rows.push_back(symptom_row(scene, key, active));
    }
    Json out = Json::object();
    out["left_out"] = scene.state.symptoms.size() - rows.size();
    out["symptoms"] = std::move(rows);
    return out;
}

}  // namespace leverd::exporters::web
