// Why: which subject depends on which, read from the runbook's topology rules; the base of every
// question about cause.
#pragma once

#include "core/model/runbook.hpp"
#include "policies/state.hpp"

#include <string_view>
#include <vector>

namespace leverd {

// Direct parents in the order of the rule. A parent whose attribute is not known yet is left out.
std::vector<Subject> parents_of(const Runbook& runbook, const State& state, const Subject& subject);

// Everything above, nearest first, each once. Valid until a subject's attributes change.
const std::vector<Subject>& ancestors_of(const Runbook& runbook, const State& state,
                                         const Subject& subject);

bool is_ancestor(const Runbook& runbook, const State& state, const Subject& above,
                 const Subject& below);

// The parent of this kind, direct or not; empty when there is none.
Subject ancestor_of_kind(const Runbook& runbook, const State& state, const Subject& subject,
                         std::string_view kind);

// What stands above this subject depends on what its looks say of it, not on its name alone.
bool hangs_on_looks(const Runbook& runbook, const State& state, const Subject& subject);

// Other subjects may stand below one of its kind.
bool is_above_others(const Runbook& runbook, const Subject& subject);

// "*" and "**" stand for every subject; otherwise a glob over the whole text.
bool subject_matches(std::string_view pattern, const Subject& subject);

// Calls `visit(subject, held)` for every subject of one kind, in order, without touching others.
template <class Visit>
void for_kind(const State& state, std::string_view kind, Visit visit) {
    for (auto it = state.subjects.lower_bound(Subject{std::string(kind)});
         it != state.subjects.end() && it->first.text().starts_with(kind); ++it) {
        if (it->first.kind() == kind) {
            visit(it->first, it->second);
        }
    }
}

// Attributes of a subject as last seen; empty when nobody saw it.
const SmallMap<std::string>& attributes_of(const State& state, const Subject& subject);

}  // namespace leverd
