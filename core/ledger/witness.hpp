// Why: a chain of hashes shows what was changed inside it, but not that its end is missing, that an
// older copy lies in its place or that all of it was computed anew. So the newest entry's number
// and hash are written outside the ledger's file as well, and compared at the next start. Private
// to core/ledger.
#pragma once

#include "core/ledger/chain.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace leverd::ledger {

std::filesystem::path witness_path(const std::filesystem::path& directory);

// What a witness says: "<number> <hash>\n". Nothing when the file is not there; an Error when it
// cannot be read or says anything else.
Result<std::optional<Tail>> read_witness(const std::filesystem::path& file);

// Durable when it returns: a new file, flushed, under the name of the old one.
Result<void> write_witness(const std::filesystem::path& file, const Tail& tail);

// Where the ledger itself stands; `hash_of` answers nothing for entries that are not kept.
struct Kept {
    Tail first;  // what came before the first entry that is kept
    Tail last;
    bool witnessed = false;  // it was written down elsewhere before
};

// What does not fit, the worst first; nothing when all is well. `files`: those that are there or
// ought to be; the first lies in the state directory.
std::optional<HistoryDoubted> compare_with_witness(
    const std::vector<std::filesystem::path>& files, const Kept& kept,
    const std::function<std::optional<std::string>(std::int64_t)>& hash_of);

}  // namespace leverd::ledger
