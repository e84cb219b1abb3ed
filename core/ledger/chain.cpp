// Why: see chain.hpp.
#include "core/ledger/chain.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

namespace leverd::ledger {

namespace {

Error broken(std::int64_t sequence, std::string_view how) {
    return Error{fmt::format("ledger entry {}: {}", sequence, how),
                 "the file was changed after it was written; keep it for examination and restore "
                 "the state directory from a backup"};
}

}  // namespace

Tail genesis() {
    return Tail{0, std::string(64, '0')};
}

std::string chain_hash(const std::string& previous_hash, const StoredEntry& entry) {
    std::string bytes = fmt::format("{}\n{}\n{}\n{}\n", previous_hash, entry.sequence,
                                    to_millis(entry.now.at), to_millis(entry.now.wall));
    bytes.append(entry.kind).append("\n").append(entry.json);
    return sha256_hex(bytes);
}

std::optional<StoredEntry> read_entry(const sqlite::Statement& row) {
    const auto sequence = row.integer(0);
    const auto at = row.integer(1);
    const auto wall = row.integer(2);
    auto kind = row.text(3);
    auto json = row.text(4);
    auto hash = row.text(5);
    if (!sequence || !at || !wall || !kind || !json || !hash) {
        return std::nullopt;
    }
    return StoredEntry{*sequence, Now{Instant{Millis{*at}}, WallTime{Millis{*wall}}},
                       std::move(*kind), std::move(*json), std::move(*hash)};
}

Result<void> ChainWalker::accept(const std::optional<StoredEntry>& entry) {
    const std::int64_t expected = tail_.sequence + 1;
    if (!entry) {
        return broken(expected, "a column holds another type than leverd writes");
    }
    if (entry->sequence != expected) {
        return broken(expected, fmt::format("missing; the next one is {}", entry->sequence));
    }
    if (entry->hash != chain_hash(tail_.hash, *entry)) {
        return broken(expected, "its hash does not match its content");
    }
    tail_ = Tail{entry->sequence, entry->hash};
    return {};
}

Result<void> check_head(sqlite::Database& db, const Tail& tail) {
    const auto head = read_head(db);
    if (!head) {
        return broken(tail.sequence, "the record of the ledger's end is unreadable");
    }
    if (head->sequence > tail.sequence) {
        return broken(tail.sequence + 1,
                      fmt::format("missing; the ledger went on to {}", head->sequence));
    }
    if (*head != tail) {
        return broken(tail.sequence, "the record of the ledger's end does not match it");
    }
    return {};
}

sqlite::Outcome<Tail> read_head(sqlite::Database& db) {
    auto statement = db.prepare("SELECT sequence, hash FROM head WHERE one = 1");
    if (!statement) {
        return statement.error();
    }
    const auto row = statement->step();
    if (!row) {
        return row.error();
    }
    const auto sequence = *row ? statement->integer(0) : std::nullopt;
    auto hash = *row ? statement->text(1) : std::nullopt;
    if (!sequence || !hash) {
        return sqlite::Fault{SQLITE_CORRUPT, "the record of the ledger's end is missing"};
    }
    return Tail{*sequence, std::move(*hash)};
}

}  // namespace leverd::ledger
