// Why: the embedded ledger. SQLite in WAL mode with synchronous=FULL on a thread of its own, one
// process per state directory (a lock file held for life), every entry chained to the one before by
// its hash.
#pragma once

#include "core/ledger/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>

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

class SqliteLedger final : public Ledger {
  public:
    // Opens or creates <directory>/ledger.db. Blocking; for start-up only.
    static boost::system::result<std::unique_ptr<SqliteLedger>, LedgerOpenError> open(
        const std::filesystem::path& directory);
    ~SqliteLedger() override;  // finishes what was queued, then joins its thread

    // Results are delivered on the executor of the awaiting coroutine.
    boost::asio::awaitable<Result<LedgerReport>> append(std::vector<Entry> entries) override;
    boost::asio::awaitable<Result<std::vector<StoredEntry>>> read(std::int64_t after,
                                                                  std::size_t limit) override;

    // Blocking walk over everything, oldest first; for start-up and offline verbs only.
    Result<LedgerReport> for_each(
        const std::function<Result<void>(const StoredEntry&)>& visit) const;

  private:
    struct Impl;
    explicit SqliteLedger(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Read-only check of <directory>/ledger.db, without the lock: every hash, every sequence number. On
// a fault the Error names the first bad sequence and what to do.
Result<LedgerReport> verify_ledger(const std::filesystem::path& directory);

// The same, and every entry goes through `visit`, oldest first; an Error of `visit` ends it. Works
// while a daemon writes, and on a copy.
Result<LedgerReport> walk_ledger(const std::filesystem::path& directory,
                                 const std::function<Result<void>(const StoredEntry&)>& visit);

}  // namespace leverd
