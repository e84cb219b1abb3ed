// Why: before leverd trusts or touches a ledger file it examines it, and a new file appears whole
// or not at all. Private to core/ledger.
#pragma once

#include "core/ledger/chain.hpp"
#include "core/ledger/state_directory.hpp"

#include <filesystem>
#include <functional>

namespace leverd::ledger {

std::filesystem::path ledger_path(const std::filesystem::path& directory);

// Makes <directory>/ledger.db with an empty chain. Fails when it exists.
OpenResult<void> create_ledger_file(const std::filesystem::path& directory);

// Read-only: is it ours, of a version we know, whole, and is the end of its chain in order?
OpenResult<void> examine_ledger_file(const std::filesystem::path& directory, const Secret& key);

// Brings an older schema forward, in one transaction.
sqlite::Outcome<void> migrate(sqlite::Database& db);

// A read-only connection that also works in a directory where nothing may be written.
sqlite::Outcome<sqlite::Database> open_for_reading(const std::filesystem::path& directory);

LedgerOpenError open_error(const std::string& context, const sqlite::Fault& fault,
                           const std::filesystem::path& directory);

}  // namespace leverd::ledger
