// Why: what a change may mean for the pages, noted while state changes, so that the page stage
// looks at nothing else.
#pragma once

#include "policies/state.hpp"

namespace leverd {

// After the entry was applied.
void note_page_news(State& state, const Entry& entry);
// A lever's own look said something new: it may find that an accepted call was not done.
void note_own_look(State& state, const Observation& look);
// A page about the subject was opened, moved on or was resolved, or a case joined it: cases on the
// subject and below it that no page tells of may belong to it now.
void note_home(State& state, const Subject& subject);

}  // namespace leverd
