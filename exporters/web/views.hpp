// Why: the stable JSON objects of the API, made from the engine's state by plain functions. Page
// and command line show these and work nothing out for themselves, so that they never disagree.
#pragma once

#include "core/model/exchange.hpp"
#include "exporters/web/backend.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace leverd::exporters::web {

using Json = nlohmann::json;

// What a view may look at: one consistent moment.
struct Scene {
    const State& state;
    const Rules& rules;
    Now now;
};
Scene scene_of(const Backend& backend);

// "2026-05-06T18:00:00.250Z", or null for a moment that never was.
Json exchange_json(const Exchange& exchange);
Json time_json(const Now& moment);
// A timeline-only moment, told by the calendar as of now.
Json time_json(const Scene& scene, Instant moment);

// One word for a subject: the worst of its looks. A look too old to be evidence counts as unknown.
leverd::Health rolled_up(const Scene& scene, const SubjectState& subject);
bool stale(const Scene& scene, const LookState& look);

// One thing that is not well, worst first: what a person hears of it in one breath.
struct Concern {
    std::string level;  // blind, person, busy
    std::string subject;
    std::string title;
    Now since;           // the epoch: not known
    std::string leverd;  // what leverd does about it
    std::string you;     // what the reader does
};
std::vector<Concern> concerns(const Backend& backend, const Scene& scene);
// level, headline, concerns, blind.
void add_headline(const Backend& backend, const Scene& scene, Json& out);

Json status_view(const Backend& backend);
// What the page shows, in one answer, so that its parts cannot be of different moments.
Json overview_view(const Backend& backend);

// What holds levers back besides the guards that every decision asks: vetoes in force, the storm
// breaker, flapping, open windows, and records that do not suffice yet.
Json veto_row(const Scene& scene, const Veto& veto);
Json vetoes_view(const Scene& scene);
// How many subjects that leverd holds a glob means.
int count_matches(const Scene& scene, const std::string& glob);
Json storm_json(const Scene& scene);
Json flapping_json(const Scene& scene);
Json windows_json(const Scene& scene, bool holding_only);
// True while the window holds levers.
bool holds_now(const Window& window, WallTime now);
Json subject_view(const Scene& scene, const Subject& subject, const SubjectState& held);
// The short form for lists: health, and the look that makes it so.
Json subject_row(const Scene& scene, const Subject& subject, const SubjectState& held);
// `kind` empty: all; `bad_only`: those that are not healthy.
// At most `most` rows; "left_out" says how many are missing.
Json subjects_view(const Scene& scene, const std::string& kind, bool bad_only,
                   std::size_t most = SIZE_MAX);
// {"tenant": {"healthy": 10, "failing": 2, ...}}
Json subject_counts(const Scene& scene);

Json symptom_row(const Scene& scene, const SymptomKey& key, const ActiveSymptom& active);
Json symptoms_view(const Scene& scene, std::size_t most = SIZE_MAX);

Json incident_view(const Scene& scene, const Incident& incident);
Json intent_view(const Scene& scene, const IntentState& held);
// Newest first, the `closed_max` newest closed ones among them; "left_out" says how many open ones
// are missing.
Json incidents_view(const Scene& scene, bool open_only, std::size_t closed_max = SIZE_MAX,
                    std::size_t open_max = SIZE_MAX);
// Their ids, in that order.
std::vector<std::string> incident_order(const Scene& scene, bool open_only);
// The row's levers one after the other, and what came of those tried.
Json rungs_json(const Scene& scene, const Incident& incident);
// One plain sentence: what this incident is waiting for now.
std::string incident_words(const Scene& scene, const Incident& incident);

// A person may still say yes or no to the incident's newest decision.
bool approval_pending(const Scene& scene, const Incident& incident);
Json decision_view(const Scene& scene, const Incident& incident);
Json decisions_view(const Scene& scene, bool pending_only);
// The ids of their incidents, in that order.
std::vector<std::string> decision_order(const Scene& scene, bool pending_only);
const Incident* find_decision(const State& state, const std::string& id);

std::string proof_who(ProofStep::Who who);
Json levers_view(const Rules& rules);
Json policies_view(const Scene& scene);
// Policies in mode auto that still ask, because their record does not suffice.
Json unearned_json(const Scene& scene);
Json stored_entry_view(const StoredEntry& entry);

// Everything that explains a subject, but for its past decisions.
Json why_view(const Scene& scene, const Subject& subject, const SubjectState& held);

}  // namespace leverd::exporters::web
