// Why: one page per group: a case, or one storm that takes in the cases opened around the same
// time. A group lives from firing over updates to recovered and resolved, always under one key;
// what comes back soon is the same page again.
#pragma once

#include "policies/page/case.hpp"
#include "policies/work.hpp"

namespace leverd {

// Puts open cases that a person must hear of into groups, as soon as they are due.
void group_cases(Work& work);

// Moves the pages of all groups on.
void settle_groups(Work& work);

// The page of this subject that is not resolved; empty: none.
std::string open_page_of(const State& state, const Subject& subject);

bool is_flapping(const State& state, const Subject& subject);

// Records the version and asks for it to be sent, unless it says nothing new.
void tell(Work& work, Paged next);

}  // namespace leverd
