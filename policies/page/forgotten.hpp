// Why: the outbox may know pages of which the ledger knows nothing, because the history was lost or
// replaced, or the disk was full when they were made. Whoever holds such a page must not read it
// for ever, and must not be told that it is over when nobody saw that.
#pragma once

#include "policies/work.hpp"

#include <vector>

namespace leverd {

// `told`: the newest version of each page that any sink was given. What a process that begins must
// write into its ledger before resume(): the open pages that it does not know, or knows an older
// version of, told anew as what they are now, and of those that are over what keeps their keys and
// versions from being used again. Empty where the ledger knows them all. `doubted`: the history is
// known to be incomplete.
std::vector<Entry> forgotten_pages(const Rules& rules, const State& state,
                                   const std::vector<Paged>& told, bool doubted, Now now);

// Why there is a history that is not here: pages were told that the ledger must have held before.
// Empty: there is none. What was told while the ledger could not be written says nothing. `first`:
// the ledger begins with nothing before it.
std::string history_told_by(const State& state, const std::vector<Paged>& told, bool first);

// Ends such a page: at once when a person accepts that the history is lost, and otherwise after one
// clearing time, in which whatever is still wrong is told by a page of its own.
void settle_forgotten(Work& work, const Paged& page);

}  // namespace leverd
