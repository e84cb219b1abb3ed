// Why: the ledger file itself, without threads: how it is created, examined, appended to and
// brought back after a fault of the disk. Private to core/ledger.
#pragma once

#include "core/ledger/chain.hpp"
#include "core/ledger/state_directory.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace leverd::ledger {

// What PRAGMA user_version holds; a higher one was written by a newer leverd.
inline constexpr std::int64_t schema_version = 1;
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
    static OpenResult<Store> open(const std::filesystem::path& directory);

    // One transaction. On an Error none of the rows is in the ledger, now or later.
    Result<Committed> append(const std::vector<Row>& rows);
    Result<std::vector<StoredEntry>> read(std::int64_t after, std::size_t limit);
    const Tail& tail() const { return tail_; }

  private:
    explicit Store(const std::filesystem::path& directory);

    sqlite::Outcome<void> connect();
    sqlite::Outcome<void> reconnect();
    void disconnect();
    sqlite::Outcome<void> forget_unacknowledged();
    sqlite::Outcome<Committed> insert(const std::vector<Row>& rows);
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
};

}  // namespace leverd::ledger
