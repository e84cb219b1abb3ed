// Why: one page per group: a case, or one storm that takes in the cases opened around the same
// time. A group lives from firing over updates to recovered and resolved, always under one key;
// what comes back soon is the same page again.
#pragma once

#include "policies/page/case.hpp"
#include "policies/work.hpp"

#include <set>
#include <string>
#include <string_view>

namespace leverd {

// Moves the pages of these groups on.
void settle_groups(Work& work, const std::set<std::string>& keys);

inline constexpr std::string_view storm_prefix = "storm-";

// The page of this subject that is not resolved; empty: none.
std::string open_page_of(const State& state, const Subject& subject);

bool is_flapping(const Rules& rules, const State& state, const Subject& subject);

// Records the version and asks for it to be sent, unless it says nothing new.
void tell(Work& work, Paged next);

}  // namespace leverd
