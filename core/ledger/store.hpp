// Why: the ledger file itself, without threads: how it is created, examined, appended to and
// brought back after a fault of the disk. Private to core/ledger.
#pragma once

#include "core/ledger/chain.hpp"
#include "core/ledger/sqlite_ledger.hpp"
#include "core/ledger/state_directory.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace leverd::ledger {

// What PRAGMA user_version holds; a higher one was written by a newer leverd.
inline constexpr std::int64_t schema_version = 2;
inline constexpr std::int64_t oldest_schema_version = 1;    // brought forward when it is opened
inline constexpr std::int64_t application_id = 0x4C567264;  // "LVrd"

// An entry on its way into the ledger.
struct Row {
    Now now;
    std::string kind;
    std::string json;
};

// Rows first_sequence, first_sequence + 1 ... got these hashes.
struct Committed {
    std::int64_t first_sequence = 0;
    std::vector<std::string> hashes;
};

class Store {
  public:
    // The lock of the directory must be held.
    static OpenResult<Store> open(const std::filesystem::path& directory, LedgerOptions options);

    // One transaction. On an Error none of the rows is in the ledger, now or later.
    Result<Committed> append(const std::vector<Row>& rows);
    // The same with a snapshot that `row` vouches for; of the older ones the oldest and the newest
    // stay: what replay begins with after a compaction, and what helps when this one is unreadable.
    Result<Committed> append_snapshot(const Row& row, const LedgerSnapshot& snapshot);
    // Where an entry stands that is kept, or the last one before those.
    Result<Tail> find(std::int64_t sequence);
    // Removes the oldest entries, not beyond `through`, as many as one transaction should. True:
    // nothing is left to remove.
    Result<bool> remove_some(std::int64_t through);
    // Appends the entry that says so, and lets go of the snapshots that begin before it. The one
    // through that entry must be there.
    Result<Committed> begin_compaction(const Row& row, std::int64_t through);
    Result<Tail> anchor();

    // Writes the newest entry down outside the file. Nothing while the history is in doubt.
    Result<void> witness();
    bool witness_is_late() const { return !frozen_ && witnessed_ != tail_; }
    // False when the newest attempt failed.
    bool witness_works() const { return witness_works_; }
    void accept_history() { frozen_ = false; }
    const LedgerHistory& history() const { return history_; }
    Result<std::vector<StoredEntry>> read(std::int64_t after, std::size_t limit);
    const Tail& tail() const { return tail_; }

  private:
    Store(const std::filesystem::path& directory, LedgerOptions options);

    sqlite::Outcome<void> look_for_doubt(bool created);
    std::vector<std::filesystem::path> witness_files() const;
    sqlite::Outcome<void> note_witness();
    // What else belongs into the transaction.
    using Also = std::function<sqlite::Outcome<void>()>;
    Result<Committed> transact(const std::vector<Row>& rows, const Also& also);

    sqlite::Outcome<void> connect();
    sqlite::Outcome<void> reconnect();
    void disconnect();
    sqlite::Outcome<void> forget_unacknowledged();
    sqlite::Outcome<Committed> insert(const std::vector<Row>& rows, const Also& also);
    sqlite::Outcome<void> insert_rows(const std::vector<Row>& rows, Tail& tail,
                                      Committed& committed);
    sqlite::Outcome<void> keep_snapshot(const LedgerSnapshot& snapshot);
    sqlite::Outcome<void> move_head(const Tail& tail);
    void after_fault(const sqlite::Fault& fault);
    Error error(const std::string& context, const sqlite::Fault& fault) const;

    std::string directory_;
    std::string path_;
    sqlite::Database db_;
    // Statements of db_, finalised before it.
    sqlite::Statement insert_;
    sqlite::Statement head_;
    sqlite::Statement select_;
    Tail tail_;      // of what was acknowledged
    Tail doubtful_;  // what a commit that failed would have made of it
    LedgerOptions options_;
    LedgerHistory history_;
    Tail witnessed_;  // what the witnesses say
    bool frozen_ = false;
    bool witness_works_ = true;
    bool witness_noted_ = false;  // the file itself says that a witness was written
};

}  // namespace leverd::ledger
