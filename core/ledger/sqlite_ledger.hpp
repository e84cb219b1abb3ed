// Why: the embedded ledger. SQLite in WAL mode with synchronous=FULL on a thread of its own, one
// process per state directory (a lock file held for life), every entry chained to the one before by
// its hash, and the newest number and hash written down outside its file.
#pragma once

#include "core/base/secret.hpp"
#include "core/ledger/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <optional>

namespace leverd {

enum class LedgerOpenFailure {
    locked,        // another process holds the state directory: exit 7
    newer_schema,  // written by a newer leverd: exit 78, nothing touched
    corrupt,       // not a ledger, or its chain is broken: start nothing that acts
    unwritable,
};
struct LedgerOpenError {
    LedgerOpenFailure kind = LedgerOpenFailure::unwritable;
    Error error;
};

struct LedgerOptions {
    std::filesystem::path witness;  // a second witness, outside the state directory; empty: none
    Secret key;                     // empty: hashes that anybody can compute
    std::function<bool()> give_up;  // asked now and then while everything is verified; may be empty
};

// What opening found out about the history itself.
struct LedgerHistory {
    bool first = false;                   // no ledger was there, and no witness of one
    std::optional<HistoryDoubted> doubt;  // while it stands, the witnesses stay as they are
};

// The state as it was after entry `through`, as text that the ledger does not read.
struct LedgerSnapshot {
    std::int64_t through = 0;
    std::string hash;  // of entry `through`
    std::string text;
};

// Where a fold began and how much there was left to fold.
struct LedgerFold {
    LedgerReport end;
    std::int64_t from = 0;  // the snapshot's `through`; 0: the first entry
    std::int64_t folded = 0;
};

using VisitEntry = std::function<Result<void>(const StoredEntry&)>;
using VisitSnapshot = std::function<Result<void>(const LedgerSnapshot&)>;

class SqliteLedger final : public Ledger {
  public:
    // Opens or creates <directory>/ledger.db. Blocking; for start-up only.
    static boost::system::result<std::unique_ptr<SqliteLedger>, LedgerOpenError> open(
        const std::filesystem::path& directory, LedgerOptions options = {});
    ~SqliteLedger() override;  // finishes what was queued, then joins its thread

    const LedgerHistory& history() const;

    // Results are delivered on the executor of the awaiting coroutine.
    boost::asio::awaitable<Result<LedgerReport>> append(std::vector<Entry> entries) override;
    boost::asio::awaitable<Result<std::vector<StoredEntry>>> read(std::int64_t after,
                                                                  std::size_t limit) override;
    // Writes the snapshot and the entry that vouches for it, and drops those that nothing needs.
    boost::asio::awaitable<Result<LedgerReport>> append_snapshot(Now now, LedgerSnapshot snapshot);
    // Records that entries up to `what.through` are not kept any longer; a snapshot through it must
    // be there. `remove_some` then removes them, in small steps. True: all are gone.
    boost::asio::awaitable<Result<LedgerReport>> begin_compaction(Now now, Compacted what);
    boost::asio::awaitable<Result<bool>> remove_some();
    // A person took this history for the right one: the witnesses follow it again.
    boost::asio::awaitable<Result<LedgerReport>> accept_history();

    // Blocking walk over everything that is kept, oldest first; for start-up and offline verbs.
    Result<LedgerReport> for_each(const VisitEntry& visit) const;
    // Blocking: hands over the newest snapshot that can be trusted and read, then what came after.
    Result<LedgerFold> fold(const VisitSnapshot& begin, const VisitEntry& visit) const;

  private:
    struct Impl;
    explicit SqliteLedger(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// What a check of the whole file found.
struct LedgerVerified {
    LedgerReport end;
    std::int64_t first = 1;              // the first entry that is kept
    WallTime compacted{};                // when those before it were removed; the epoch: none were
    std::int64_t keyed_from = 0;         // the first kept entry with a keyed hash; 0: none has one
    bool key_missing = false;            // so those were not checked
    std::vector<std::string> witnesses;  // that were compared
};
struct LedgerAtLeast {
    std::int64_t sequence = 0;
    std::string hash;  // or its beginning
};

// Read-only check of <directory>/ledger.db, without the lock: every hash, every sequence number,
// every witness. On a fault the Error names the first bad sequence and what to do.
Result<LedgerVerified> verify_ledger(const std::filesystem::path& directory,
                                     const LedgerOptions& options = {},
                                     const std::optional<LedgerAtLeast>& at_least = {});

// The same, and every entry goes through `visit`, oldest first; an Error of `visit` ends it. Works
// while a daemon writes, and on a copy. Keyed hashes are not checked.
Result<LedgerReport> walk_ledger(const std::filesystem::path& directory, const VisitEntry& visit);

// Read-only: what SqliteLedger::fold() does, up to and with entry `last` (0: all); `base` begins
// with the oldest snapshot instead of the newest.
enum class FoldFrom { newest_snapshot, oldest_snapshot };
Result<LedgerFold> fold_ledger(const std::filesystem::path& directory, const LedgerOptions& options,
                               const VisitSnapshot& begin, const VisitEntry& visit,
                               FoldFrom from = FoldFrom::newest_snapshot, std::int64_t last = 0);

// What may go: entries up to the newest one that is older than this on leverd's own timeline.
struct LedgerOld {
    std::int64_t through = 0;
    std::int64_t removable = 0;  // how many of them are there
    WallTime wall{};             // of the newest of them
};
Result<LedgerOld> newest_entry_before(const std::filesystem::path& directory, Instant when);

// Gives the space of removed entries back to the file system. Nobody may have the ledger open.
Result<void> shrink_ledger(const std::filesystem::path& directory);

}  // namespace leverd
