// Why: see store.hpp. The rule after a fault of the disk: what a failed fsync left behind is not to
// be trusted, so the connection is given up, the write-ahead log is written into the file and cut,
// and what nobody was told is durable is removed before anything new is appended.
#include "core/ledger/store.hpp"

#include "core/ledger/ledger_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <system_error>

namespace leverd::ledger {

namespace {

namespace fs = std::filesystem;
using sqlite::Database;
using sqlite::Fault;
using sqlite::Outcome;

}  // namespace

Store::Store(const fs::path& directory)
    : directory_(directory.string()), path_(ledger_path(directory).string()) {}

OpenResult<Store> Store::open(const fs::path& directory) {
    std::error_code failure;
    if (!fs::exists(fs::symlink_status(ledger_path(directory), failure))) {
        if (auto created = create_ledger_file(directory); !created) {
            return created.error();
        }
    }
    if (auto examined = examine_ledger_file(directory); !examined) {
        return examined.error();
    }
    Store store(directory);
    if (auto connected = store.connect(); !connected) {
        return open_error("open the ledger", connected.error(), directory);
    }
    auto tail = read_head(store.db_);
    if (!tail) {
        return open_error("open the ledger", tail.error(), directory);
    }
    store.tail_ = std::move(*tail);
    return store;
}

Outcome<void> Store::connect() {
    auto db = Database::open(path_, Database::Access::read_write);
    if (!db) {
        return db.error();
    }
    const auto mode = db->query_text("PRAGMA journal_mode = WAL");
    if (!mode) {
        return mode.error();
    }
    if (*mode != "wal") {
        return Fault{SQLITE_CANTOPEN, "the file system cannot hold a write-ahead log"};
    }
    // Taking the write lock once tells a directory that may only be read.
    constexpr const char* settings =
        "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; "
        "BEGIN IMMEDIATE; ROLLBACK;";
    if (auto set = db->exec(settings); !set) {
        return set;
    }
    auto insert = db->prepare(
        "INSERT INTO entry (sequence, at, wall, kind, json, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    auto head = db->prepare("UPDATE head SET sequence = ?1, hash = ?2 WHERE one = 1");
    auto select = db->prepare(fmt::format(
        "SELECT {} FROM entry WHERE sequence > ?1 ORDER BY sequence LIMIT ?2", entry_columns));
    for (const auto* statement : {&insert, &head, &select}) {
        if (!*statement) {
            return statement->error();
        }
    }
    db_ = std::move(*db);
    insert_ = std::move(*insert);
    head_ = std::move(*head);
    select_ = std::move(*select);
    return {};
}

void Store::disconnect() {
    insert_ = {};
    head_ = {};
    select_ = {};
    db_ = {};
}

Outcome<void> Store::reconnect() {
    if (auto connected = connect(); !connected) {
        return connected;
    }
    auto done = [this]() -> Outcome<void> {
        // The file takes over every page from the log, and the log starts again from nothing: no
        // frame that a failed fsync may have dropped stays under the new ones.
        const auto busy = db_.query_integer("PRAGMA wal_checkpoint(TRUNCATE)");
        if (!busy) {
            return busy.error();
        }
        if (*busy != 0) {
            return Fault{SQLITE_BUSY, "a reader keeps the write-ahead log from being emptied"};
        }
        return forget_unacknowledged();
    }();
    if (!done) {
        disconnect();
    }
    return done;
}

// A commit whose fsync failed may still be found in the log. Its writer was told that it failed.
Outcome<void> Store::forget_unacknowledged() {
    auto stored = read_head(db_);
    if (!stored) {
        return stored.error();
    }
    if (*stored == tail_) {
        return {};
    }
    if (*stored != doubtful_) {
        return Fault{SQLITE_CORRUPT, "the ledger was changed by another program"};
    }
    if (tail_.sequence > 0) {
        const auto hash = db_.query_text(
            fmt::format("SELECT hash FROM entry WHERE sequence = {}", tail_.sequence));
        if (!hash && hash.error().code != SQLITE_MISMATCH) {
            return hash.error();
        }
        if (!hash || *hash != tail_.hash) {
            return Fault{SQLITE_CORRUPT, "entries that were durable are gone from the ledger"};
        }
    }
    if (auto begun = db_.exec("BEGIN IMMEDIATE"); !begun) {
        return begun;
    }
    const std::string remove = fmt::format("DELETE FROM entry WHERE sequence > {}", tail_.sequence);
    if (auto removed = db_.exec(remove.c_str()); !removed) {
        return removed;
    }
    if (auto moved = move_head(tail_); !moved) {
        return moved;
    }
    return db_.exec("COMMIT");
}

Outcome<void> Store::move_head(const Tail& tail) {
    head_.reset();
    head_.bind(1, tail.sequence);
    head_.bind(2, std::string_view(tail.hash));
    const auto row = head_.step();
    head_.reset();
    if (!row) {
        return row.error();
    }
    return {};
}

Outcome<Committed> Store::insert(const std::vector<Row>& rows) {
    if (auto begun = db_.exec("BEGIN IMMEDIATE"); !begun) {
        return begun.error();
    }
    // Somebody else may have written in spite of the lock; our row would break their chain.
    auto head = read_head(db_);
    if (!head) {
        return head.error();
    }
    if (*head != tail_) {
        return Fault{SQLITE_CORRUPT, "the ledger was changed by another program"};
    }
    Committed committed;
    committed.first_sequence = tail_.sequence + 1;
    Tail tail = tail_;
    for (const Row& row : rows) {
        const StoredEntry entry{tail.sequence + 1, row.now, row.kind, row.json, ""};
        tail = Tail{entry.sequence, chain_hash(tail.hash, entry)};
        insert_.bind(1, tail.sequence);
        insert_.bind(2, to_millis(row.now.at));
        insert_.bind(3, to_millis(row.now.wall));
        insert_.bind(4, std::string_view(row.kind));
        insert_.bind(5, std::string_view(row.json));
        insert_.bind(6, std::string_view(tail.hash));
        const auto inserted = insert_.step();
        insert_.reset();
        if (!inserted) {
            return inserted.error();
        }
        committed.hashes.push_back(tail.hash);
    }
    if (auto moved = move_head(tail); !moved) {
        return moved.error();
    }
    doubtful_ = tail;
    if (auto done = db_.exec("COMMIT"); !done) {
        return done.error();
    }
    tail_ = std::move(tail);
    return committed;
}

Result<Committed> Store::append(const std::vector<Row>& rows) {
    if (!db_.is_open()) {
        if (auto back = reconnect(); !back) {
            return error("reopen the ledger", back.error());
        }
    }
    if (db_.file_moved()) {
        return Error{fmt::format("{} was moved or removed while leverd runs", path_),
                     "put it back, or stop leverd and restore the state directory"};
    }
    auto committed = insert(rows);
    if (!committed) {
        const Error problem = error("append to the ledger", committed.error());
        after_fault(committed.error());
        return problem;
    }
    return std::move(*committed);
}

void Store::after_fault(const Fault& fault) {
    insert_.reset();
    head_.reset();
    if (db_.in_transaction()) {
        // Its own result says nothing more: a rollback that fails leaves a connection that the next
        // line or the next BEGIN refuses.
        (void)db_.exec("ROLLBACK");
    }
    // A full disk and a lock of somebody else say nothing bad about what was written before.
    const bool clean = fault.primary() == SQLITE_FULL || fault.primary() == SQLITE_BUSY ||
                       fault.primary() == SQLITE_LOCKED;
    if (!clean || db_.in_transaction()) {
        disconnect();
    }
}

Result<std::vector<StoredEntry>> Store::read(std::int64_t after, std::size_t limit) {
    if (!db_.is_open()) {
        if (auto back = reconnect(); !back) {
            return error("reopen the ledger", back.error());
        }
    }
    constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    select_.bind(1, after);
    select_.bind(2, static_cast<std::int64_t>(std::min(limit, most)));
    std::vector<StoredEntry> entries;
    for (;;) {
        const auto row = select_.step();
        if (!row) {
            const Error problem = error("read the ledger", row.error());
            select_.reset();
            return problem;
        }
        if (!*row) {
            select_.reset();
            return entries;
        }
        auto entry = read_entry(select_);
        if (!entry) {
            select_.reset();
            return error("read the ledger", Fault{SQLITE_CORRUPT, "an entry of another shape"});
        }
        entries.push_back(std::move(*entry));
    }
}

Error Store::error(const std::string& context, const Fault& fault) const {
    return wrap(context, sqlite::explain(fault, directory_));
}

}  // namespace leverd::ledger
