// Why: see known_good.hpp.
#include "policies/known_good.hpp"

#include "policies/detect.hpp"

#include <algorithm>

namespace leverd {
namespace {

constexpr const char* drift_probe = "image_drift";

// A signal that no row rests on says what is meant to be so: a tenant that somebody switched off.
bool any_fault(const Rules& rules, const State& state) {
    if (state.tripped.empty()) {
        return false;
    }
    return std::ranges::any_of(rules.runbook.signals, [&](const Signal& signal) {
        const auto first = state.tripped.lower_bound({signal.id, Subject{}});
        return first != state.tripped.end() && first->first == signal.id &&
               std::ranges::any_of(rules.runbook.symptoms, [&](const Symptom& symptom) {
                   return names_signal(symptom, signal.id);
               });
    });
}

bool is_unwell(const Rules& rules, const State& state) {
    return !state.symptoms.empty() || any_fault(rules, state) || state.incidents_open > 0 ||
           state.intents_open > 0 || !state.observer.trusted;
}

}  // namespace

void settle_known_good(Work& work) {
    const auto after = work.rules.policies.known_good_after;
    if (is_unwell(work.rules, work.state)) {
        work.transient.unwell = work.now.at;
        return;
    }
    if (work.now.at - work.transient.unwell < after) {
        return;
    }
    const Subject first("image/");
    for (auto at = work.state.subjects.lower_bound(first); at != work.state.subjects.end(); ++at) {
        const auto& [subject, held] = *at;
        if (subject.kind() != "image") {
            break;
        }
        const auto* look = held.looks.find(drift_probe);
        const auto from = std::max(held.version_since, held.first_seen);
        const bool fresh = look != nullptr && look->health == Health::healthy &&
                           work.now.at - held.last_seen < after;
        if (!fresh || held.version.empty() || work.now.at - from < after) {
            continue;
        }
        const auto known = work.state.known_good.find(subject);
        if (known == work.state.known_good.end() || known->second.version != held.version) {
            work.record(KnownGood{subject, held.version});
        }
    }
}

}  // namespace leverd
