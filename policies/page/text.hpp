// Why: what a person reads at 3 a.m.: what, since when, what was seen, what was tried and how it
// was judged, what holds the next lever, and the next step. No time that runs is part of it, so a
// text changes only when there is something new to say.
#pragma once

#include "policies/page/case.hpp"

#include <string>
#include <vector>

namespace leverd {

// Of a subject that flaps, for whoever looks for the single looks afterwards.
inline constexpr const char* kept_of_flapping =
    "While it goes up and down, the ledger keeps one look a minute of it and counts the others";

// "2026-05-06 18:00:00 UTC".
std::string moment_text(const Now& now);

// "tenant/acme: Whole tenant unreachable"; of what a lever deleted: "workspace/acme/w1: deleted and
// not recreated".
std::string case_title(const Rules& rules, const State& state, const Incident& incident);

std::string case_text(const Rules& rules, const State& state, const Incident& incident,
                      const CaseView& view, const Now& since);

// The open cases of one storm, worst first.
struct StormMember {
    const Incident* incident = nullptr;
    Severity severity = Severity::critical;
};
// `closed`: cases of the storm that are over.
std::string storm_title(const Rules& rules, const State& state,
                        const std::vector<StormMember>& members, int closed);
std::string storm_text(const Rules& rules, const State& state,
                       const std::vector<StormMember>& members, const Now& since);

// How a group of cases ended: by which lever, or by itself.
std::string ending_text(const State& state, const std::vector<const Incident*>& closed);

std::string endings_text(int by_lever, int alone);

// What changed from `before` to `after`, in a few words; empty when only the wording did.
std::string news_text(const Paged& before, const Paged& after);

}  // namespace leverd
