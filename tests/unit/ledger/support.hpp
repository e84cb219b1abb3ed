// Why: what every test of the ledger needs: a directory of its own, a way to wait for an answer,
// and a hand in the file that goes past leverd.
#pragma once

#include "core/ledger/sqlite_ledger.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace leverd::test {

class TempDirectory {
  public:
    TempDirectory();
    ~TempDirectory();
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;

    const std::filesystem::path& root() const { return root_; }
    std::filesystem::path state() const { return root_ / "state"; }
    std::filesystem::path file() const { return state() / "ledger.db"; }

  private:
    std::filesystem::path root_;
};

Entry entry(std::int64_t at, std::string text);  // an entry of kind "config"
std::vector<Entry> entries(int count);

// Opens or fails the test.
std::unique_ptr<SqliteLedger> open_ledger(const std::filesystem::path& directory,
                                          LedgerOptions options = {});

// Runs one call to its end on a context of its own.
Result<LedgerReport> append(SqliteLedger& ledger, std::vector<Entry> batch);
Result<std::vector<StoredEntry>> read(SqliteLedger& ledger, std::int64_t after, std::size_t limit);

Result<LedgerReport> snapshot(SqliteLedger& ledger, std::int64_t through, std::string text);
// The entries up to `through`, all of them.
Result<LedgerReport> compact(SqliteLedger& ledger, std::int64_t through);
Result<LedgerReport> accept_history(SqliteLedger& ledger);

// The texts of all entries(), in order, by a walk over the file.
std::vector<std::string> texts(const SqliteLedger& ledger);

// SQLite without leverd. Throws on any fault.
class RawDatabase {
  public:
    explicit RawDatabase(const std::filesystem::path& file);
    ~RawDatabase();
    RawDatabase(const RawDatabase&) = delete;
    RawDatabase& operator=(const RawDatabase&) = delete;
    void exec(const std::string& sql);
    std::string text(const std::string& sql);

  private:
    sqlite3* db_ = nullptr;
};

std::string read_bytes(const std::filesystem::path& file);
void write_bytes(const std::filesystem::path& file, const std::string& bytes);

}  // namespace leverd::test
