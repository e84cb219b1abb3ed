// Why: see chain.hpp.
#include "core/ledger/chain.hpp"

#include "core/base/hmac.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>

namespace leverd::ledger {

namespace {

constexpr std::string_view keyed_mark = "hmac:";

Error broken(std::int64_t sequence, std::string_view how) {
    return Error{fmt::format("ledger entry {}: {}", sequence, how),
                 "the file was changed after it was written; keep it for examination and restore "
                 "the state directory from a backup"};
}

}  // namespace

Tail genesis() {
    return Tail{0, std::string(64, '0')};
}

std::string chain_hash(const std::string& previous_hash, const StoredEntry& entry,
                       const Secret& key) {
    std::string bytes = fmt::format("{}\n{}\n{}\n{}\n", previous_hash, entry.sequence,
                                    to_millis(entry.now.at), to_millis(entry.now.wall));
    bytes.append(entry.kind).append("\n").append(entry.json);
    return key.empty() ? sha256_hex(bytes)
                       : std::string(keyed_mark) + hmac_hex(HashKind::sha256, key, bytes).reveal();
}

bool is_keyed(const std::string& hash) {
    return hash.starts_with(keyed_mark);
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
    if (auto right = check_hash(*entry); !right) {
        return right;
    }
    tail_ = Tail{entry->sequence, entry->hash};
    return {};
}

Result<void> ChainWalker::check_hash(const StoredEntry& entry) {
    const bool keyed = is_keyed(entry.hash);
    if (keyed_ && !keyed) {
        return broken(entry.sequence, "it was written without the key, the one before with it");
    }
    keyed_ = keyed;
    if (keyed && key_.empty()) {
        if (unkeyed_ == Unkeyed::believe) {
            return {};
        }
        return Error{fmt::format("ledger entry {}: it was written with a key", entry.sequence),
                     "name the key's secret in [ledger] key"};
    }
    if (entry.hash != chain_hash(tail_.hash, entry, keyed ? key_ : Secret{})) {
        return broken(entry.sequence, "its hash does not match its content");
    }
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

namespace {

sqlite::Outcome<Tail> read_tail(sqlite::Database& db, std::string_view sql) {
    auto statement = db.prepare(sql);
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
        return sqlite::Fault{SQLITE_CORRUPT,
                             "the record of the ledger's beginning or end is missing"};
    }
    return Tail{*sequence, std::move(*hash)};
}

}  // namespace

sqlite::Outcome<Tail> read_head(sqlite::Database& db) {
    return read_tail(db, "SELECT sequence, hash FROM head WHERE one = 1");
}

sqlite::Outcome<Tail> read_anchor(sqlite::Database& db) {
    const auto version = db.query_integer("PRAGMA user_version");
    if (!version) {
        return version.error();
    }
    // Schema 1 kept everything.
    return *version < 2 ? sqlite::Outcome<Tail>(genesis())
                        : read_tail(db, "SELECT sequence, hash FROM anchor WHERE one = 1");
}

void Compactions::see(const StoredEntry& entry) {
    if (entry.kind != "compaction") {
        return;
    }
    const auto body = entry_from_json(entry.kind, entry.json);
    const auto* compacted = body ? std::get_if<Compacted>(&*body) : nullptr;
    if (compacted == nullptr || compacted->through < anchor_.sequence) {
        return;
    }
    newest_ = entry.now.wall;
    // Removing takes a while: what is still there of it has to lead on from the anchor, too.
    explained_ = compacted->through > anchor_.sequence || compacted->hash == anchor_.hash;
}

Result<void> Compactions::explain_beginning() const {
    if (anchor_.sequence == 0 || explained_) {
        return {};
    }
    return broken(
        1, fmt::format("missing, up to {}, and no compaction accounts for it", anchor_.sequence));
}

}  // namespace leverd::ledger
