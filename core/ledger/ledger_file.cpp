// Why: see ledger_file.hpp.
#include "core/ledger/ledger_file.hpp"

#include "core/ledger/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace leverd::ledger {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t tail_checked = 1'000;  // entries; `leverd ledger verify` checks them all
// A larger file is read whole only while leverd runs: its start must not take minutes.
constexpr std::uintmax_t quick_check_bytes_max = 268'435'456;

constexpr const char* schema = R"sql(
    PRAGMA page_size = 4096;
    BEGIN;
    CREATE TABLE entry (
        sequence INTEGER PRIMARY KEY,
        at       INTEGER NOT NULL,
        wall     INTEGER NOT NULL,
        kind     TEXT NOT NULL,
        json     TEXT NOT NULL,
        hash     TEXT NOT NULL
    ) STRICT;
    CREATE TABLE head (
        one      INTEGER PRIMARY KEY CHECK (one = 1),
        sequence INTEGER NOT NULL,
        hash     TEXT NOT NULL
    ) STRICT;
)sql";

// What schema 2 added: snapshots of the state, where the kept entries begin, and notes about the
// file itself.
constexpr const char* schema_2 = R"sql(
    CREATE TABLE snapshot (
        sequence INTEGER PRIMARY KEY,
        state    TEXT NOT NULL
    ) STRICT;
    CREATE TABLE anchor (
        one      INTEGER PRIMARY KEY CHECK (one = 1),
        sequence INTEGER NOT NULL,
        hash     TEXT NOT NULL
    ) STRICT;
    CREATE TABLE note (
        name  TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
)sql";

LedgerOpenError corrupt(const std::string& what) {
    return {LedgerOpenFailure::corrupt,
            {what,
             "leverd does not act without its history, which holds cool-downs, vetoes and the stop "
             "switch: keep the file for examination and restore it from a backup"}};
}

LedgerOpenError unwritable(const fs::path& path, const char* verb, int number) {
    return {LedgerOpenFailure::unwritable,
            {fmt::format("{} {}: {}", verb, path.string(), errno_text(number)),
             fmt::format("make {} writable for the user that leverd runs as",
                         path.parent_path().string())}};
}

LedgerOpenError newer(std::int64_t version) {
    return {LedgerOpenFailure::newer_schema,
            {fmt::format("the ledger has schema version {}, this leverd knows {}", version,
                         schema_version),
             "it was written by a newer leverd: install that version again"}};
}

std::int64_t big_endian(const std::array<unsigned char, 100>& bytes, std::size_t offset) {
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value * 256 + bytes[offset + i];
    }
    return value;
}

// Looks at the first bytes itself, because SQLite would already make side files next to whatever it
// opens.
OpenResult<void> examine_header(const fs::path& path) {
    constexpr std::string_view magic("SQLite format 3\0", 16);
    constexpr std::size_t user_version_offset = 60;
    constexpr std::size_t application_id_offset = 68;
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!file.valid()) {
        return unwritable(path, "open", errno);
    }
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return corrupt(fmt::format("{} is not a regular file", path.string()));
    }
    std::array<unsigned char, 100> bytes{};
    const ssize_t count = ::pread(file.get(), bytes.data(), bytes.size(), 0);
    if (count < 0) {
        return unwritable(path, "read", errno);
    }
    const std::string_view start(reinterpret_cast<const char*>(bytes.data()), magic.size());
    if (static_cast<std::size_t>(count) < bytes.size() || start != magic) {
        return corrupt(fmt::format("{} is not a ledger: not a SQLite file", path.string()));
    }
    if (big_endian(bytes, application_id_offset) != application_id) {
        return corrupt(fmt::format("{} is the file of another program", path.string()));
    }
    if (const auto version = big_endian(bytes, user_version_offset); version > schema_version) {
        return newer(version);
    }
    return {};
}

Result<void> examine_tail(sqlite::Database& db, const std::string& directory, const Secret& key) {
    const auto last = db.query_integer("SELECT coalesce(max(sequence), 0) FROM entry");
    if (!last) {
        return sqlite::explain(last.error(), directory);
    }
    const auto anchor = read_anchor(db);
    if (!anchor) {
        return sqlite::explain(anchor.error(), directory);
    }
    auto rows = db.prepare(
        fmt::format("SELECT {} FROM entry WHERE sequence >= ?1 ORDER BY sequence", entry_columns));
    if (!rows) {
        return sqlite::explain(rows.error(), directory);
    }
    // One more than is checked: its hash is where the walk starts.
    const std::int64_t start = std::max(*last - tail_checked, anchor->sequence);
    rows->bind(1, start);
    ChainWalker walker(*anchor, key);
    bool first = true;
    for (;;) {
        const auto row = rows->step();
        if (!row) {
            return sqlite::explain(row.error(), directory);
        }
        if (!*row) {
            return check_head(db, walker.tail());
        }
        const auto entry = read_entry(*rows);
        if (first && start > anchor->sequence && entry && entry->sequence == start) {
            walker = ChainWalker(Tail{start, entry->hash}, key);
        } else if (auto accepted = walker.accept(entry); !accepted) {
            return accepted;
        }
        first = false;
    }
}

}  // namespace

fs::path ledger_path(const fs::path& directory) {
    return directory / "ledger.db";
}

LedgerOpenError open_error(const std::string& context, const sqlite::Fault& fault,
                           const fs::path& directory) {
    switch (fault.primary()) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR:     // no such table
        case SQLITE_MISMATCH:  // a table of another shape
            return corrupt(context + ": " + fault.message);
        default:
            return {LedgerOpenFailure::unwritable,
                    wrap(context, sqlite::explain(fault, directory.string()))};
    }
}

OpenResult<void> create_ledger_file(const fs::path& directory) {
    const fs::path path = ledger_path(directory);
    const fs::path draft = directory / "ledger.db.new";
    std::error_code ignored;
    for (const char* suffix : {"-wal", "-shm"}) {
        if (fs::exists(path.string() + suffix, ignored)) {
            return corrupt(fmt::format("{} is missing, but {}{} is there", path.string(),
                                       path.filename().string(), suffix));
        }
    }
    // A draft that an earlier start left behind when it was cut off.
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        fs::remove(draft.string() + suffix, ignored);
    }
    // SQLite gives its side files the mode of this one.
    const Descriptor made(::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made.valid()) {
        return unwritable(draft, "create", errno);
    }
    {
        auto db = sqlite::Database::open(draft.string(), sqlite::Database::Access::read_write);
        if (!db) {
            return open_error("create the ledger", db.error(), directory);
        }
        const std::string steps = fmt::format(
            "{} {} INSERT INTO head VALUES (1, 0, '{}'); INSERT INTO anchor VALUES (1, 0, '{}'); "
            "PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT; "
            "PRAGMA journal_mode = WAL;",
            schema, schema_2, genesis().hash, genesis().hash, application_id, schema_version);
        if (auto done = db->exec(steps.c_str()); !done) {
            return open_error("create the ledger", done.error(), directory);
        }
    }
    const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (::fsync(made.get()) != 0 || ::rename(draft.c_str(), path.c_str()) != 0 ||
        ::fsync(folder.get()) != 0) {
        return unwritable(path, "create", errno);
    }
    return {};
}

OpenResult<void> examine_ledger_file(const fs::path& directory, const Secret& key) {
    const fs::path path = ledger_path(directory);
    if (auto header = examine_header(path); !header) {
        return header;
    }
    auto db = open_for_reading(directory);
    if (!db) {
        return open_error("open the ledger", db.error(), directory);
    }
    const auto version = db->query_integer("PRAGMA user_version");
    if (!version) {
        return open_error("open the ledger", version.error(), directory);
    }
    if (*version > schema_version) {
        return newer(*version);
    }
    if (*version < oldest_schema_version) {
        return corrupt(fmt::format("the ledger has the unknown schema version {}", *version));
    }
    std::error_code unknown;
    if (fs::file_size(path, unknown) <= quick_check_bytes_max) {
        const auto check = db->query_text("PRAGMA quick_check(1)");
        if (!check) {
            return open_error("check the ledger", check.error(), directory);
        }
        if (*check != "ok") {
            return corrupt("the ledger file is damaged: " + *check);
        }
    }
    if (auto tail = examine_tail(*db, directory.string(), key); !tail) {
        auto refused = corrupt(tail.error().what);
        if (tail.error().what.ends_with("with a key")) {
            refused.error.hint = tail.error().hint;
        }
        return refused;
    }
    return {};
}

sqlite::Outcome<void> migrate(sqlite::Database& db) {
    const auto version = db.query_integer("PRAGMA user_version");
    if (!version) {
        return version.error();
    }
    if (*version >= schema_version) {
        return {};
    }
    const std::string steps = fmt::format(
        "BEGIN IMMEDIATE; {} INSERT INTO anchor VALUES (1, 0, '{}'); PRAGMA user_version = {}; "
        "COMMIT;",
        schema_2, genesis().hash, schema_version);
    auto done = db.exec(steps.c_str());
    if (!done && db.in_transaction()) {
        (void)db.exec("ROLLBACK");
    }
    return done;
}

sqlite::Outcome<sqlite::Database> open_for_reading(const fs::path& directory) {
    using Access = sqlite::Database::Access;
    const std::string path = ledger_path(directory).string();
    sqlite::Fault fault;
    if (auto db = sqlite::Database::open(path, Access::read_only); db) {
        const auto readable = db->query_integer("SELECT count(*) FROM head");
        if (readable) {
            return db;
        }
        fault = readable.error();
    } else {
        fault = db.error();
    }
    // Without a side file nobody has it open, so it cannot change while we read it as it lies.
    std::error_code ignored;
    const bool no_permission =
        fault.primary() == SQLITE_CANTOPEN || fault.primary() == SQLITE_READONLY;
    if (no_permission && fs::exists(path, ignored) && !fs::exists(path + "-wal", ignored)) {
        return sqlite::Database::open(path, Access::immutable);
    }
    return fault;
}

}  // namespace leverd::ledger
