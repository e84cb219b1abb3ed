// Why: see store.hpp. The rule after a fault of the disk: what a failed fsync left behind is not to
// be trusted, so the connection is given up, the write-ahead log is written into the file and cut,
// and what nobody was told is durable is removed before anything new is appended.
#include "core/ledger/store.hpp"

#include "core/ledger/ledger_file.hpp"
#include "core/ledger/witness.hpp"

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

constexpr std::int64_t removed_at_once = 20'000;

}  // namespace

Store::Store(const fs::path& directory, LedgerOptions options)
    : directory_(directory.string()),
      path_(ledger_path(directory).string()),
      options_(std::move(options)) {}

OpenResult<Store> Store::open(const fs::path& directory, LedgerOptions options) {
    std::error_code failure;
    const bool create = !fs::exists(fs::symlink_status(ledger_path(directory), failure));
    if (create) {
        if (auto created = create_ledger_file(directory); !created) {
            return created.error();
        }
    }
    if (auto examined = examine_ledger_file(directory, options.key); !examined) {
        return examined.error();
    }
    Store store(directory, std::move(options));
    if (auto connected = store.connect(); !connected) {
        return open_error("open the ledger", connected.error(), directory);
    }
    if (auto doubted = store.look_for_doubt(create); !doubted) {
        return open_error("open the ledger", doubted.error(), directory);
    }
    return store;
}

std::vector<fs::path> Store::witness_files() const {
    std::vector<fs::path> files{witness_path(directory_)};
    if (!options_.witness.empty()) {
        files.push_back(options_.witness);
    }
    return files;
}

Outcome<void> Store::look_for_doubt(bool created) {
    auto tail = read_head(db_);
    if (!tail) {
        return tail.error();
    }
    auto anchor = read_anchor(db_);
    if (!anchor) {
        return anchor.error();
    }
    const auto noted = db_.query_integer("SELECT count(*) FROM note WHERE name = 'witnessed'");
    if (!noted) {
        return noted.error();
    }
    tail_ = std::move(*tail);
    witness_noted_ = *noted > 0;
    const auto hash_of = [this](std::int64_t sequence) {
        auto hash =
            db_.query_text(fmt::format("SELECT hash FROM entry WHERE sequence = {}", sequence));
        return hash ? std::optional(std::move(*hash)) : std::optional<std::string>{};
    };
    history_.doubt = compare_with_witness(witness_files(),
                                          Kept{std::move(*anchor), tail_, witness_noted_}, hash_of);
    history_.first = created && !history_.doubt;
    frozen_ = history_.doubt.has_value();
    return {};
}

Result<void> Store::witness() {
    if (!witness_is_late()) {
        return {};
    }
    Result<void> done;
    for (const auto& file : witness_files()) {
        if (auto written = write_witness(file, tail_); !written && done) {
            done = written;
        }
    }
    witness_works_ = done.has_value();
    if (done) {
        witnessed_ = tail_;
    }
    return done;
}

// Only once a witness stands: a ledger that says so without one would be doubted.
Outcome<void> Store::note_witness() {
    if (witness_noted_ || witnessed_.sequence == 0) {
        return {};
    }
    return db_.exec("INSERT OR IGNORE INTO note VALUES ('witnessed', 'yes')");
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
    if (auto forward = migrate(*db); !forward) {
        return forward;
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

Outcome<Committed> Store::insert(const std::vector<Row>& rows, const Also& also) {
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
    if (auto inserted = insert_rows(rows, tail, committed); !inserted) {
        return inserted.error();
    }
    if (auto noted = note_witness(); !noted) {
        return noted.error();
    }
    if (also) {
        if (auto done = also(); !done) {
            return done.error();
        }
    }
    if (auto moved = move_head(tail); !moved) {
        return moved.error();
    }
    doubtful_ = tail;
    if (auto done = db_.exec("COMMIT"); !done) {
        return done.error();
    }
    tail_ = std::move(tail);
    witness_noted_ = witness_noted_ || witnessed_.sequence > 0;
    return committed;
}

Outcome<void> Store::insert_rows(const std::vector<Row>& rows, Tail& tail, Committed& committed) {
    for (const Row& row : rows) {
        const StoredEntry entry{tail.sequence + 1, row.now, row.kind, row.json, ""};
        tail = Tail{entry.sequence, chain_hash(tail.hash, entry, options_.key)};
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
    return {};
}

Outcome<void> Store::keep_snapshot(const LedgerSnapshot& snapshot) {
    auto put = db_.prepare("INSERT OR REPLACE INTO snapshot (sequence, state) VALUES (?1, ?2)");
    if (!put) {
        return put.error();
    }
    put->bind(1, snapshot.through);
    put->bind(2, std::string_view(snapshot.text));
    if (const auto done = put->step(); !done) {
        return done.error();
    }
    const std::string drop = fmt::format(
        "DELETE FROM snapshot WHERE sequence <> {} AND sequence NOT IN (SELECT sequence FROM "
        "snapshot ORDER BY sequence DESC LIMIT 2) AND sequence <> (SELECT min(sequence) FROM "
        "snapshot)",
        snapshot.through);
    return db_.exec(drop.c_str());
}

Result<Committed> Store::append(const std::vector<Row>& rows) {
    return transact(rows, {});
}

Result<Committed> Store::append_snapshot(const Row& row, const LedgerSnapshot& snapshot) {
    return transact({row}, [&] { return keep_snapshot(snapshot); });
}

Result<Tail> Store::find(std::int64_t sequence) {
    if (!db_.is_open()) {
        if (auto back = reconnect(); !back) {
            return error("reopen the ledger", back.error());
        }
    }
    auto hash = db_.query_text(fmt::format("SELECT hash FROM entry WHERE sequence = {}", sequence));
    if (!hash) {
        return error(fmt::format("find entry {}", sequence), hash.error());
    }
    return Tail{sequence, std::move(*hash)};
}

Result<Tail> Store::anchor() {
    auto found = db_.is_open() ? read_anchor(db_) : Outcome<Tail>(Fault{});
    if (!found) {
        return error("read the ledger", found.error());
    }
    return std::move(*found);
}

Result<Committed> Store::begin_compaction(const Row& row, std::int64_t through) {
    const auto there = db_.is_open()
                           ? db_.query_integer(fmt::format(
                                 "SELECT count(*) FROM snapshot WHERE sequence = {}", through))
                           : Outcome<std::int64_t>(Fault{});
    if (!there) {
        return error("compact the ledger", there.error());
    }
    if (*there == 0) {
        return Error{fmt::format("no snapshot holds what entries up to {} said", through),
                     "nothing was removed; it is tried again tomorrow"};
    }
    const std::string drop = fmt::format("DELETE FROM snapshot WHERE sequence < {}", through);
    return transact({row}, [&] { return db_.exec(drop.c_str()); });
}

Result<bool> Store::remove_some(std::int64_t through) {
    const auto anchor = this->anchor();
    if (!anchor) {
        return anchor.error();
    }
    const std::int64_t until = std::min(through, anchor->sequence + removed_at_once);
    if (until <= anchor->sequence) {
        return true;
    }
    const auto last = find(until);
    if (!last) {
        return last.error();
    }
    const std::string steps = fmt::format(
        "BEGIN IMMEDIATE; DELETE FROM entry WHERE sequence <= {}; "
        "UPDATE anchor SET sequence = {}, hash = '{}' WHERE one = 1; COMMIT;",
        until, until, last->hash);
    if (auto done = db_.exec(steps.c_str()); !done) {
        after_fault(done.error());
        return error("compact the ledger", done.error());
    }
    return until == through;
}

Result<Committed> Store::transact(const std::vector<Row>& rows, const Also& also) {
    if (!db_.is_open()) {
        if (auto back = reconnect(); !back) {
            return error("reopen the ledger", back.error());
        }
    }
    if (db_.file_moved()) {
        return Error{fmt::format("{} was moved or removed while leverd runs", path_),
                     "put it back, or stop leverd and restore the state directory"};
    }
    Outcome<Committed> committed = Fault{SQLITE_NOMEM, "out of memory"};
    try {
        committed = insert(rows, also);
    } catch (const std::bad_alloc&) {
        // The transaction that it left open is given up like after any other fault.
    }
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
