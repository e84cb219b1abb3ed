// Why: see silence.hpp.
#include "policies/silence.hpp"

#include "policies/fold.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

// What a box that doubted its own view did not hear, nobody can call silent: that time is added.
Millis deaf_since(const ObserverState& observer, Instant last) {
    const auto from = std::max(observer.doubt_began, last);
    return observer.doubt_ended > from
               ? std::chrono::duration_cast<Millis>(observer.doubt_ended - from)
               : Millis{0};
}

// What an earlier process heard last may be a little newer than what it wrote down.
Millis unsure_of(const Signal& signal, Instant last, const Work& work) {
    return last < work.transient.resumed
               ? kept_within(work.rules, signal.probe, signal.subject_kind)
               : Millis{0};
}

Observed silent_look(const Signal& signal, const Subject& subject, const LookState& last,
                     const Work& work) {
    Observed entry;
    entry.observation.subject = subject;
    entry.observation.probe = signal.probe;
    entry.observation.health = Health::failing;
    entry.observation.reason = Reason::silent;
    entry.observation.seen = work.now;
    const auto away = away_since(work.state, last.seen.at);
    entry.observation.evidence = fmt::format(
        "nothing heard for {}, since {}{}", format_duration(signal.silent_after),
        format_rfc3339(last.seen.wall),
        away > Millis{0} ? fmt::format("; the {} in which leverd was not running do not count",
                                       shown_duration(away))
                         : std::string{});
    entry.previous_until = last.seen.at;
    return entry;
}

constexpr std::size_t absences_kept = 2'000;

}  // namespace

Millis away_since(const State& state, Instant from) {
    Millis away{0};
    const auto& all = state.absences;
    for (auto at = all.rbegin(); at != all.rend() && at->ended > from; ++at) {
        away += std::chrono::duration_cast<Millis>(at->ended - std::max(at->began, from));
    }
    return away;
}

void note_absence(State& state, Instant ended, Millis took) {
    if (took <= Millis{0}) {
        return;
    }
    state.absences.push_back({ended - took, ended});
    if (state.absences.size() > absences_kept) {
        state.absences.erase(state.absences.begin());
    }
}

void settle_silence(Work& work) {
    work.transient.silent_next = Instant::max();
    if (!work.state.observer.trusted) {
        return;
    }
    auto& alarms = work.state.agenda.silence_alarms;
    const auto due = alarms.take_due(work.now.at);
    std::vector<Observed> found;
    for (const auto& signal : work.rules.runbook.signals) {
        const auto own = std::ranges::equal_range(due, signal.id, {}, &RunKey::first);
        for (const auto& [id, subject] : own) {
            const auto held = work.state.subjects.find(subject);
            const auto* last =
                held == work.state.subjects.end() ? nullptr : held->second.looks.find(signal.probe);
            if (last == nullptr || last->reason == Reason::silent) {
                continue;
            }
            const auto deadline = last->seen.at + signal.silent_after +
                                  away_since(work.state, last->seen.at) +
                                  unsure_of(signal, last->seen.at, work) +
                                  deaf_since(work.state.observer, last->seen.at);
            if (work.now.at < deadline) {
                alarms.wake({id, subject}, deadline);
                continue;
            }
            found.push_back(silent_look(signal, subject, *last, work));
            found.back().repeats = last->repeats;
        }
    }
    for (auto& entry : found) {
        work.record(std::move(entry));
    }
    work.transient.silent_next = alarms.next().value_or(Instant::max());
}

}  // namespace leverd
