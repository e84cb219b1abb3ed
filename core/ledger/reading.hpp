// Why: whoever reads the whole ledger does so on a connection of its own, read-only, in one
// transaction and along the chain, so that a daemon that goes on writing does not show halfway.
// Private to core/ledger.
#pragma once

#include "core/ledger/chain.hpp"
#include "core/ledger/sqlite_ledger.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace leverd::ledger {

class Reading {
  public:
    static Result<Reading> begin(const std::filesystem::path& directory);

    Result<Tail> anchor();
    // Every entry behind `walker`'s place, up to and with `last` (0: to the end, which must be
    // where the ledger says that it ends).
    Result<void> walk(ChainWalker& walker, const VisitEntry& visit, std::int64_t last = 0);
    // Of a snapshot whose text is whole and that an entry vouches for. `before`: of those before
    // that entry (0: any); oldest or newest first.
    Result<std::optional<LedgerSnapshot>> snapshot(FoldFrom from, std::int64_t before);
    Result<std::optional<std::string>> hash_of(std::int64_t sequence);
    Result<LedgerOld> newest_before(Instant when);
    Result<Tail> head();

  private:
    Reading(std::string directory, sqlite::Database db)
        : directory_(std::move(directory)), db_(std::move(db)) {}
    Error problem(const sqlite::Fault& fault) const;
    Result<std::optional<Snapshotted>> voucher(std::int64_t through, const std::string& digest);

    std::string directory_;
    sqlite::Database db_;
};

}  // namespace leverd::ledger
