// Why: what makes a silent change visible: every entry's hash covers the one before it, and one
// walker checks rows for start-up, offline verification and tests. Private to core/ledger.
#pragma once

#include "core/ledger/ledger.hpp"
#include "core/ledger/sqlite.hpp"

#include <string>

namespace leverd::ledger {

// The newest entry: its number and hash. An empty ledger has number 0 and the genesis hash.
struct Tail {
    std::int64_t sequence = 0;
    std::string hash;

    friend bool operator==(const Tail&, const Tail&) = default;
};

Tail genesis();  // sixty-four zeros

// sha256(previous hash \n sequence \n at \n wall \n kind \n json), lower-case hex.
std::string chain_hash(const std::string& previous_hash, const StoredEntry& entry);

// Columns of every query that yields entries, in the order that read_entry() expects.
inline constexpr std::string_view entry_columns = "sequence, at, wall, kind, json, hash";

// Empty when a column holds another type than leverd writes.
std::optional<StoredEntry> read_entry(const sqlite::Statement& row);

class ChainWalker {
  public:
    explicit ChainWalker(Tail start) : tail_(std::move(start)) {}

    // The next row must follow the last one; the Error names the sequence number that is wrong.
    Result<void> accept(const std::optional<StoredEntry>& entry);
    const Tail& tail() const { return tail_; }

  private:
    Tail tail_;
};

// Checks that `tail` is what the ledger itself last wrote down as its end: a cut-off end has a
// perfect chain too.
Result<void> check_head(sqlite::Database& db, const Tail& tail);

sqlite::Outcome<Tail> read_head(sqlite::Database& db);

}  // namespace leverd::ledger
