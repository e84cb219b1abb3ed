// Why: every struct of the state, taken apart member by member. The bindings must name all of them:
// a member that is added does not compile until somebody says here whether it is durable. Private
// to policies/state.
#pragma once

#include "policies/state.hpp"

#include <type_traits>

namespace leverd {

template <class T, class Struct>
concept PartOf = std::same_as<std::remove_const_t<T>, Struct>;

template <class V, PartOf<Detector> T>
void members(V&& visit, T& s) {
    auto& [bad, good, history, first_bad, last_bad, tripped, raised] = s;
    visit("bad", bad);
    visit("good", good);
    visit("history", history);
    visit("first_bad", first_bad);
    visit("last_bad", last_bad);
    visit("tripped", tripped);
    visit("raised", raised);
}

template <class V, PartOf<SubjectState> T>
void members(V&& visit, T& s) {
    auto& [first_seen, last_seen, attributes, looks, detectors, last_facts, version, version_since,
           fades, visible, counted, counted_good, above] = s;
    (void)fades, (void)visible, (void)counted, (void)counted_good, (void)above;  // the index
    visit("first_seen", first_seen);
    visit("last_seen", last_seen);
    visit("attributes", attributes);
    visit("looks", looks);
    visit("detectors", detectors);
    visit("last_facts", last_facts);
    visit("version", version);
    visit("version_since", version_since);
}

template <class V, PartOf<ActiveSymptom> T>
void members(V&& visit, T& s) {
    auto& [raised, evidence, incident] = s;
    visit("raised", raised);
    visit("evidence", evidence);
    visit("incident", incident);
}

template <class V, PartOf<Incident> T>
void members(V&& visit, T& s) {
    auto& [id, symptom, subject, opened, cleared, closed, phase, end, absorbed_into, escalated_why,
           linked, plan, planned, decision, decided, approval, approved, acknowledged,
           acknowledged_at, intents] = s;
    visit("id", id);
    visit("symptom", symptom);
    visit("subject", subject);
    visit("opened", opened);
    visit("cleared", cleared);
    visit("closed", closed);
    visit("phase", phase);
    visit("end", end);
    visit("absorbed_into", absorbed_into);
    visit("escalated_why", escalated_why);
    visit("linked", linked);
    visit("plan", plan);
    visit("planned", planned);
    visit("decision", decision);
    visit("decided", decided);
    visit("approval", approval);
    visit("approved", approved);
    visit("acknowledged", acknowledged);
    visit("acknowledged_at", acknowledged_at);
    visit("intents", intents);
}

template <class V, PartOf<ProofProgress> T>
void members(V&& visit, T& s) {
    auto& [looks, first, last, reset_seen] = s;
    visit("looks", looks);
    visit("first", first);
    visit("last", last);
    visit("reset_seen", reset_seen);
}

template <class V, PartOf<IntentState> T>
void members(V&& visit, T& s) {
    auto& [intent, fired, phase, diagnosed, outcome, ended, settled, verdict, judged, proof,
           facts_before, tripped_before] = s;
    visit("intent", intent);
    visit("fired", fired);
    visit("phase", phase);
    visit("diagnosed", diagnosed);
    visit("outcome", outcome);
    visit("ended", ended);
    visit("settled", settled);
    visit("verdict", verdict);
    visit("judged", judged);
    visit("proof", proof);
    visit("facts_before", facts_before);
    visit("tripped_before", tripped_before);
}

template <class V, PartOf<StopSwitch> T>
void members(V&& visit, T& s) {
    auto& [stopped, who, why, since, until] = s;
    visit("stopped", stopped);
    visit("who", who);
    visit("why", why);
    visit("since", since);
    visit("until", until);
}

template <class V, PartOf<Veto> T>
void members(V&& visit, T& s) {
    auto& [set, since] = s;
    visit("set", set);
    visit("since", since);
}

template <class V, PartOf<Breaker> T>
void members(V&& visit, T& s) {
    auto& [phase, allowed, why, since] = s;
    visit("phase", phase);
    visit("allowed", allowed);
    visit("why", why);
    visit("since", since);
}

template <class V, PartOf<Firing> T>
void members(V&& visit, T& s) {
    auto& [at, intent, incident, symptom, lever, subject, resource] = s;
    visit("at", at);
    visit("intent", intent);
    visit("incident", incident);
    visit("symptom", symptom);
    visit("lever", lever);
    visit("subject", subject);
    visit("resource", resource);
}

template <class V, PartOf<Record> T>
void members(V&& visit, T& s) {
    auto& [verdicts, in_a_row, to_green] = s;
    visit("verdicts", verdicts);
    visit("in_a_row", in_a_row);
    visit("to_green", to_green);
}

template <class V, PartOf<Baseline> T>
void members(V&& visit, T& s) {
    auto& [cases, healed, to_green] = s;
    visit("cases", cases);
    visit("healed", healed);
    visit("to_green", to_green);
}

template <class V, PartOf<Autonomy> T>
void members(V&& visit, T& s) {
    auto& [earned, why, since] = s;
    visit("earned", earned);
    visit("why", why);
    visit("since", since);
}

template <class V, PartOf<ObserverState> T>
void members(V&& visit, T& s) {
    auto& [trusted, why, since, doubt_began, doubt_ended] = s;
    visit("trusted", trusted);
    visit("why", why);
    visit("since", since);
    visit("doubt_began", doubt_began);
    visit("doubt_ended", doubt_ended);
}

template <class V, PartOf<HistoryState> T>
void members(V&& visit, T& s) {
    auto& [doubted, why, accepted, since, first] = s;
    visit("doubted", doubted);
    visit("why", why);
    visit("accepted", accepted);
    visit("since", since);
    visit("first", first);
}

template <class V, PartOf<TimeBridge> T>
void members(V&& visit, T& s) {
    auto& [since, away, proven] = s;
    visit("since", since);
    visit("away", away);
    visit("proven", proven);
}

template <class V, PartOf<Absence> T>
void members(V&& visit, T& s) {
    auto& [began, ended] = s;
    visit("began", began);
    visit("ended", ended);
}

template <class V, PartOf<GoodVersion> T>
void members(V&& visit, T& s) {
    auto& [version, since] = s;
    visit("version", version);
    visit("since", since);
}

template <class V, PartOf<Unseen> T>
void members(V&& visit, T& s) {
    auto& [since, reason] = s;
    visit("since", since);
    visit("reason", reason);
}

template <class V, PartOf<Blindness> T>
void members(V&& visit, T& s) {
    auto& [since, why] = s;
    visit("since", since);
    visit("why", why);
}

template <class V, PartOf<DecisionKey> T>
void members(V&& visit, T& s) {
    auto& [symptom, lever, mode, reason] = s;
    visit("symptom", symptom);
    visit("lever", lever);
    visit("mode", mode);
    visit("reason", reason);
}

template <class V, PartOf<PageGroup> T>
void members(V&& visit, T& s) {
    auto& [open, closed, about, joined, ended_by_lever, ended_alone, emptied] = s;
    visit("open", open);
    visit("closed", closed);
    visit("about", about);
    visit("joined", joined);
    visit("ended_by_lever", ended_by_lever);
    visit("ended_alone", ended_alone);
    visit("emptied", emptied);
}

template <class V, PartOf<PageBook> T>
void members(V&& visit, T& s) {
    auto& [groups, keys, last, resolved, storms, made, open] = s;
    visit("groups", groups);
    visit("keys", keys);
    visit("last", last);
    visit("resolved", resolved);
    visit("storms", storms);
    visit("made", made);
    visit("open", open);
}

// Not durable: `shapes`, `ancestry`, `index` and `agenda` follow from the rest, `ledger_writable`
// from the next write, and `self_reports` are the process' own.
template <class V, PartOf<State> T>
void members(V&& visit, T& s) {
    [[maybe_unused]] auto& [subjects, shapes, tripped, symptoms, incidents, intents, own_moves,
                            known_good, firings, vetoes, changes, flapping, local_faults, unseen,
                            blind, breaker, records, baselines, autonomy, book, pages,
                            decision_counts, ancestry, index, agenda, stop, observer, history,
                            bridge, absences, ledger_writable, self_reports, self_reports_made,
                            config_hash, started, incidents_made, decisions_made, intents_made,
                            vetoes_made, incidents_open, intents_open] = s;
    visit("subjects", subjects);
    visit("tripped", tripped);
    visit("symptoms", symptoms);
    visit("incidents", incidents);
    visit("intents", intents);
    visit("own_moves", own_moves);
    visit("known_good", known_good);
    visit("firings", firings);
    visit("vetoes", vetoes);
    visit("changes", changes);
    visit("flapping", flapping);
    visit("local_faults", local_faults);
    visit("breaker", breaker);
    visit("records", records);
    visit("baselines", baselines);
    visit("autonomy", autonomy);
    visit("book", book);
    visit("pages", pages);
    visit("decision_counts", decision_counts);
    visit("unseen", unseen);
    visit("blind", blind);
    visit("stop", stop);
    visit("observer", observer);
    visit("history", history);
    visit("bridge", bridge);
    visit("absences", absences);
    visit("config_hash", config_hash);
    visit("started", started);
    visit("incidents_made", incidents_made);
    visit("decisions_made", decisions_made);
    visit("intents_made", intents_made);
    visit("vetoes_made", vetoes_made);
    visit("incidents_open", incidents_open);
    visit("intents_open", intents_open);
}

}  // namespace leverd
