// Why: what makes a silent change visible: every entry's hash covers the one before it, and one
// walker checks rows for start-up, offline verification and tests. Private to core/ledger.
#pragma once

#include "core/base/secret.hpp"
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

// sha256(previous hash \n sequence \n at \n wall \n kind \n json), lower-case hex; with a key its
// HMAC-SHA256 behind "hmac:".
std::string chain_hash(const std::string& previous_hash, const StoredEntry& entry,
                       const Secret& key = Secret{});

// Made with a key; without that key nobody can check or continue it.
bool is_keyed(const std::string& hash);

// Columns of every query that yields entries, in the order that read_entry() expects.
inline constexpr std::string_view entry_columns = "sequence, at, wall, kind, json, hash";

// Empty when a column holds another type than leverd writes.
std::optional<StoredEntry> read_entry(const sqlite::Statement& row);

// What to do with keyed entries when there is no key.
enum class Unkeyed { refuse, believe };

class ChainWalker {
  public:
    explicit ChainWalker(Tail start, Secret key = Secret{}, Unkeyed unkeyed = Unkeyed::refuse)
        : tail_(std::move(start)),
          key_(std::move(key)),
          unkeyed_(unkeyed),
          keyed_(is_keyed(tail_.hash)) {}

    // The next row must follow the last one; the Error names the sequence number that is wrong.
    Result<void> accept(const std::optional<StoredEntry>& entry);
    const Tail& tail() const { return tail_; }

  private:
    Result<void> check_hash(const StoredEntry& entry);

    Tail tail_;
    Secret key_;
    Unkeyed unkeyed_;
    bool keyed_;
};

// Checks that `tail` is what the ledger itself last wrote down as its end: a cut-off end has a
// perfect chain too.
Result<void> check_head(sqlite::Database& db, const Tail& tail);

sqlite::Outcome<Tail> read_head(sqlite::Database& db);
// What came before the first entry that is kept: nothing, until entries are compacted away.
sqlite::Outcome<Tail> read_anchor(sqlite::Database& db);

// The numbers and hashes that entries of kind "compaction" vouch for, and whether they explain
// where the kept entries begin.
class Compactions {
  public:
    explicit Compactions(Tail anchor) : anchor_(std::move(anchor)) {}
    void see(const StoredEntry& entry);
    Result<void> explain_beginning() const;
    // The newest one's, for people; the epoch: none.
    WallTime newest() const { return newest_; }

  private:
    Tail anchor_;
    bool explained_ = false;
    WallTime newest_{};
};

}  // namespace leverd::ledger
