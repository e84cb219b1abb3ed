// Why: the members of every stored struct, named once. The writer and the reader of the codec both
// walk these lists, so a member cannot be stored under one name and read under another. Private to
// core/model.
#pragma once

#include "core/model/entry.hpp"

#include <concepts>
#include <type_traits>

namespace leverd {

// A member that entries of older ledgers lack: absent, it keeps its default.
struct AddedLater {};
// A member that only entries of older ledgers have: read, never written.
struct NoLongerWritten {};
// A member that older ledgers lack, written only when it differs from its default: most entries of
// its kind have nothing to say there.
struct WhenSet {};

// T or const T: the writer walks constants, the reader fills variables.
template <class T, class Struct>
concept Of = std::same_as<std::remove_const_t<T>, Struct>;

template <class V, Of<Now> T>
void fields(V& visit, T& s) {
    visit("at", s.at);
    visit("wall", s.wall);
}

template <class V, Of<Phases> T>
void fields(V& visit, T& s) {
    visit("dns", s.dns);
    visit("connect", s.connect);
    visit("tls", s.tls);
    visit("header", s.header);
    visit("body", s.body);
}

template <class V, Of<Observation> T>
void fields(V& visit, T& s) {
    visit("subject", s.subject);
    visit("probe", s.probe);
    visit("health", s.health);
    visit("reason", s.reason);
    visit("origin", s.origin);
    visit("evidence", s.evidence);
    visit("version", s.version);
    visit("attributes", s.attributes);
    visit("facts", s.facts);
    visit("seen", s.seen);
    visit("took", s.took);
    visit("phases", s.phases);
}

template <class V, Of<Call> T>
void fields(V& visit, T& s) {
    visit("method", s.method);
    visit("url", s.url);
    visit("body", s.body);
    visit("why", s.why);
}

template <class V, Of<Plan> T>
void fields(V& visit, T& s) {
    visit("lever", s.lever);
    visit("subject", s.subject);
    visit("resource", s.resource);
    visit("target_version", s.target_version);
    visit("params", s.params);
    visit("moves", s.moves);
    visit("calls", s.calls);
    visit("steps", s.steps);
    visit("warnings", s.warnings);
}

template <class V, Of<GuardVerdict> T>
void fields(V& visit, T& s) {
    visit("guard", s.guard);
    visit("pass", s.pass);
    visit("value", s.value);
    visit("limit", s.limit);
    visit("text", s.text);
}

template <class V, Of<Started> T>
void fields(V& visit, T& s) {
    visit("version", s.version);
    visit("config_hash", s.config_hash);
    visit("boot_id", s.boot_id);
    visit("boottime_ms", s.boottime_ms);
    visit("first", s.first, AddedLater{});
    visit("away", s.away, AddedLater{});
    visit("proven", s.proven, AddedLater{});
}

template <class V, Of<ConfigLoaded> T>
void fields(V& visit, T& s) {
    visit("hash", s.hash);
}

template <class V, Of<SignalRun> T>
void fields(V& visit, T& s) {
    visit("signal", s.signal);
    visit("bad", s.bad);
    visit("good", s.good);
    visit("history", s.history);
    visit("first_bad", s.first_bad);
    visit("last_bad", s.last_bad);
    visit("tripped", s.tripped);
    visit("raised", s.raised);
    visit("changes", s.changes);
}

template <class V, Of<Observed> T>
void fields(V& visit, T& s) {
    visit("observation", s.observation);
    visit("repeats", s.repeats);
    visit("previous_until", s.previous_until);
    visit("left_out", s.left_out, WhenSet{});
    visit("runs", s.runs, WhenSet{});
}

template <class V, Of<SymptomRaised> T>
void fields(V& visit, T& s) {
    visit("symptom", s.symptom);
    visit("subject", s.subject);
    visit("evidence", s.evidence);
}

template <class V, Of<SymptomCleared> T>
void fields(V& visit, T& s) {
    visit("symptom", s.symptom);
    visit("subject", s.subject);
    visit("why", s.why);
}

template <class V, Of<IncidentOpened> T>
void fields(V& visit, T& s) {
    visit("incident", s.incident);
    visit("symptom", s.symptom);
    visit("subject", s.subject);
}

template <class V, Of<IncidentLinked> T>
void fields(V& visit, T& s) {
    visit("incident", s.incident);
    visit("symptom", s.symptom);
    visit("subject", s.subject);
}

template <class V, Of<IncidentClosed> T>
void fields(V& visit, T& s) {
    visit("incident", s.incident);
    visit("end", s.end);
    visit("into", s.into);
}

template <class V, Of<IncidentEscalated> T>
void fields(V& visit, T& s) {
    visit("incident", s.incident);
    visit("why", s.why);
}

template <class V, Of<PlanMade> T>
void fields(V& visit, T& s) {
    visit("incident", s.incident);
    visit("ok", s.ok);
    visit("problem", s.problem);
    visit("plan", s.plan);
}

template <class V, Of<Decision> T>
void fields(V& visit, T& s) {
    visit("id", s.id);
    visit("incident", s.incident);
    visit("symptom", s.symptom);
    visit("subject", s.subject);
    visit("lever", s.lever);
    visit("policy", s.policy);
    visit("mode", s.mode);
    visit("action", s.action);
    visit("reason", s.reason);
    visit("hash", s.hash);
    visit("guards", s.guards);
    visit("rung", s.rung, AddedLater{});
}

template <class V, Of<Approval> T>
void fields(V& visit, T& s) {
    visit("decision", s.decision);
    visit("hash", s.hash);
    visit("approved", s.approved);
    visit("who", s.who);
    visit("why", s.why);
}

template <class V, Of<Intent> T>
void fields(V& visit, T& s) {
    visit("id", s.id);
    visit("decision", s.decision);
    visit("incident", s.incident);
    visit("lever", s.lever);
    visit("subject", s.subject);
    visit("plan", s.plan);
    visit("undoes", s.undoes, AddedLater{});
    visit("verify_timeout", s.verify_timeout, AddedLater{});
}

template <class V, Of<Outcome> T>
void fields(V& visit, T& s) {
    visit("intent", s.intent);
    visit("kind", s.kind);
    visit("detail", s.detail);
    visit("results", s.results);
}

template <class V, Of<Settled> T>
void fields(V& visit, T& s) {
    visit("intent", s.intent);
    visit("took", s.took);
    visit("detail", s.detail);
    visit("results", s.results, AddedLater{});
}

template <class V, Of<Acknowledged> T>
void fields(V& visit, T& s) {
    visit("incident", s.incident);
    visit("who", s.who);
    visit("why", s.why);
}

template <class V, Of<Verdict> T>
void fields(V& visit, T& s) {
    visit("intent", s.intent);
    visit("kind", s.kind);
    visit("why", s.why);
}

template <class V, Of<StopSet> T>
void fields(V& visit, T& s) {
    visit("stopped", s.stopped);
    visit("who", s.who);
    visit("why", s.why);
    visit("until", s.until, AddedLater{});
}

template <class V, Of<ObserverChanged> T>
void fields(V& visit, T& s) {
    visit("trusted", s.trusted);
    visit("why", s.why);
}

template <class V, Of<Paged> T>
void fields(V& visit, T& s) {
    visit("key", s.key);
    visit("severity", s.severity);
    visit("title", s.title);
    visit("text", s.text);
    visit("version", s.version, AddedLater{});
    visit("status", s.status, AddedLater{});
    visit("news", s.news, AddedLater{});
    visit("state", s.state, AddedLater{});
    visit("subject", s.subject, AddedLater{});
    visit("symptom", s.symptom, AddedLater{});
    visit("incident", s.incident, AddedLater{});
    visit("lever", s.lever, AddedLater{});
    visit("guard", s.guard, AddedLater{});
    visit("since", s.since, AddedLater{});
    visit("ended", s.ended, AddedLater{});
    visit("at", s.at, AddedLater{});
    visit("again", s.again, AddedLater{});
    visit("times", s.times, AddedLater{});
    visit("muted", s.muted, AddedLater{});
    visit("unwritten", s.unwritten, AddedLater{});
    bool resolved = false;
    visit("resolved", resolved, NoLongerWritten{});
    if constexpr (!std::is_const_v<T>) {
        s.status = resolved ? PageStatus::resolved : s.status;
    }
}

template <class V, Of<PageJoined> T>
void fields(V& visit, T& s) {
    visit("key", s.key);
    visit("incident", s.incident);
}

template <class V, Of<VetoSet> T>
void fields(V& visit, T& s) {
    visit("id", s.id);
    visit("subjects", s.subjects);
    visit("lever", s.lever);
    visit("until", s.until);
    visit("who", s.who);
    visit("why", s.why);
    visit("mute", s.mute, AddedLater{});
}

template <class V, Of<VetoLifted> T>
void fields(V& visit, T& s) {
    visit("id", s.id);
    visit("who", s.who);
    visit("why", s.why);
}

template <class V, Of<FlapChanged> T>
void fields(V& visit, T& s) {
    visit("signal", s.signal);
    visit("subject", s.subject);
    visit("flapping", s.flapping);
    visit("why", s.why);
}

template <class V, Of<BreakerChanged> T>
void fields(V& visit, T& s) {
    visit("phase", s.phase);
    visit("allowed", s.allowed);
    visit("why", s.why);
}

template <class V, Of<Diagnostic> T>
void fields(V& visit, T& s) {
    visit("what", s.what);
    visit("subject", s.subject);
    visit("ok", s.ok);
    visit("text", s.text);
}

template <class V, Of<Diagnosed> T>
void fields(V& visit, T& s) {
    visit("incident", s.incident);
    visit("intent", s.intent);
    visit("diagnostics", s.diagnostics);
}

template <class V, Of<BlindChanged> T>
void fields(V& visit, T& s) {
    visit("what", s.what);
    visit("blind", s.blind);
    visit("since", s.since);
    visit("why", s.why);
}

template <class V, Of<KnownGood> T>
void fields(V& visit, T& s) {
    visit("subject", s.subject);
    visit("version", s.version);
}

template <class V, Of<Snapshotted> T>
void fields(V& visit, T& s) {
    visit("through", s.through);
    visit("hash", s.hash);
    visit("digest", s.digest);
    visit("bytes", s.bytes);
}

template <class V, Of<Compacted> T>
void fields(V& visit, T& s) {
    visit("through", s.through);
    visit("hash", s.hash);
    visit("entries", s.entries);
    visit("until", s.until);
}

template <class V, Of<HistoryDoubted> T>
void fields(V& visit, T& s) {
    visit("why", s.why);
    visit("known", s.known);
    visit("known_hash", s.known_hash);
    visit("found", s.found);
    visit("found_hash", s.found_hash);
}

template <class V, Of<HistoryAccepted> T>
void fields(V& visit, T& s) {
    visit("who", s.who);
    visit("why", s.why);
}

template <class V, Of<AutonomyChanged> T>
void fields(V& visit, T& s) {
    visit("policy", s.policy);
    visit("earned", s.earned);
    visit("why", s.why);
}

}  // namespace leverd
