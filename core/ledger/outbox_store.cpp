// Why: see outbox_store.hpp.
#include "core/ledger/outbox_store.hpp"

#include "core/ledger/sqlite.hpp"
#include "core/ledger/state_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace leverd {
namespace {

using sqlite::Database;
using sqlite::Fault;

constexpr std::chrono::seconds again_after{5};
constexpr const char* schema =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
    "CREATE TABLE IF NOT EXISTS slot (sink TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, "
    "PRIMARY KEY (sink, key)) WITHOUT ROWID";

using RowKey = std::pair<std::string, std::string>;
using Rows = std::map<RowKey, std::string>;

// SQLite itself would create it readable by others.
sqlite::Outcome<void> create(const std::filesystem::path& path) {
    const ledger::Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) {
        return Fault{SQLITE_CANTOPEN,
                     fmt::format("cannot open {}: {}", path.string(), ledger::errno_text(errno))};
    }
    return {};
}

sqlite::Outcome<void> read_all(sqlite::Statement& select, std::vector<OutboxRow>* rows) {
    while (true) {
        const auto row = select.step();
        if (!row) {
            return row.error();
        }
        if (!*row) {
            return {};
        }
        rows->push_back({select.text(0).value_or(""), select.text(1).value_or(""),
                         select.text(2).value_or("")});
    }
}

bool is_damaged(const Fault& fault) {
    return fault.primary() == SQLITE_CORRUPT || fault.primary() == SQLITE_NOTADB;
}

}  // namespace

struct OutboxStore::Impl {
    explicit Impl(const std::filesystem::path& where)
        : directory(where.string()), path(where / "outbox.db") {
        auto opened = connect(&loaded);
        if (!opened && is_damaged(opened.error())) {
            set_aside();
            aside = path.string() + ".damaged";
            opened = connect(&loaded);
        }
        if (!opened) {
            wrong = explained(opened.error());
        }
        thread = std::thread([this] { run(); });
    }

    ~Impl() {
        {
            const std::lock_guard guard(mutex);
            stopping = true;
        }
        wake.notify_all();
        thread.join();
    }

    Error explained(const Fault& fault) const {
        auto error = sqlite::explain(fault, directory);
        error.what = "outbox.db: " + error.what;
        if (fault.primary() != SQLITE_BUSY && fault.primary() != SQLITE_LOCKED) {
            error.hint = fmt::format(
                "make {} writable and free space on it; pages go out all the "
                "same, and may come again after a restart",
                directory);
        }
        return error;
    }

    // Reads what it holds into `rows`, unless that is null.
    sqlite::Outcome<void> connect(std::vector<OutboxRow>* rows) {
        if (auto made = create(path); !made) {
            return made;
        }
        auto opened = Database::open(path.string(), Database::Access::read_write);
        if (!opened) {
            return opened.error();
        }
        if (auto set = opened->exec(schema); !set) {
            return set;
        }
        auto select = opened->prepare("SELECT sink, key, json FROM slot ORDER BY sink, key");
        auto insert = opened->prepare(
            "INSERT INTO slot (sink, key, json) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (sink, key) DO UPDATE SET json = excluded.json");
        auto erase = opened->prepare("DELETE FROM slot WHERE sink = ?1 AND key = ?2");
        if (!select || !insert || !erase) {
            return (!select ? select : !insert ? insert : erase).error();
        }
        if (rows != nullptr) {
            if (auto got = read_all(*select, rows); !got) {
                return got;
            }
        }
        db = std::move(*opened);
        insert_ = std::move(*insert);
        erase_ = std::move(*erase);
        return {};
    }

    void disconnect() {
        insert_ = {};
        erase_ = {};
        db = Database{};
    }

    // For examination; a file that cannot be read is worth nothing to the next start either.
    void set_aside() const {
        std::error_code ignored;
        for (const char* end : {"-wal", "-shm"}) {
            std::filesystem::remove(path.string() + end, ignored);
        }
        std::filesystem::rename(path, path.string() + ".damaged", ignored);
    }

    sqlite::Outcome<void> write(const Rows& rows) {
        if (!db.is_open()) {
            if (auto opened = connect(nullptr); !opened) {
                return opened;
            }
        }
        if (db.file_moved()) {
            return Fault{SQLITE_CANTOPEN, "the file was moved or removed while leverd ran"};
        }
        if (auto begun = db.exec("BEGIN IMMEDIATE"); !begun) {
            return begun;
        }
        for (const auto& [key, json] : rows) {
            auto& statement = json.empty() ? erase_ : insert_;
            statement.reset();
            statement.bind(1, key.first);
            statement.bind(2, key.second);
            if (!json.empty()) {
                statement.bind(3, json);
            }
            const auto done = statement.step();
            statement.reset();
            if (!done) {
                return done.error();
            }
        }
        return db.exec("COMMIT");
    }

    // Everything is taken up again after a fault: the connection, and what was to be written.
    void write_pending(std::unique_lock<std::mutex>& guard) {
        Rows rows = std::exchange(pending, {});
        writing = true;
        guard.unlock();
        Error error;
        try {
            if (const auto done = write(rows); !done) {
                error = explained(done.error());
                disconnect();
            }
        } catch (const std::exception& e) {
            error = Error{std::string("outbox.db: ") + e.what(), "free memory on this box"};
        }
        guard.lock();
        writing = false;
        wrong = std::move(error);
        if (!wrong.what.empty()) {
            pending.merge(rows);  // what was saved meanwhile is newer
        }
        idle.notify_all();
    }

    void run() {
        std::unique_lock guard(mutex);
        while (true) {
            wake.wait(guard, [this] { return stopping || !pending.empty(); });
            // What was begun before the stop is not the last attempt.
            const bool last = stopping;
            if (!pending.empty()) {
                write_pending(guard);
            }
            if (last) {
                return;
            }
            if (!wrong.what.empty()) {
                wake.wait_for(guard, again_after, [this] { return stopping; });
            }
        }
    }

    const std::string directory;
    const std::filesystem::path path;
    std::vector<OutboxRow> loaded;
    Database db;
    // Statements of db, finalised before it.
    sqlite::Statement insert_;
    sqlite::Statement erase_;

    mutable std::mutex mutex;
    std::condition_variable wake;
    std::condition_variable idle;
    Rows pending;
    Error wrong;
    std::string aside;  // a damaged file of the start; set before the thread begins
    bool writing = false;
    bool stopping = false;
    std::thread thread;
};

OutboxStore::OutboxStore(const std::filesystem::path& directory)
    : impl_(std::make_unique<Impl>(directory)) {}

OutboxStore::~OutboxStore() = default;

std::vector<OutboxRow> OutboxStore::take_rows() {
    const std::lock_guard guard(impl_->mutex);
    return std::exchange(impl_->loaded, {});
}

void OutboxStore::save(std::vector<OutboxRow> rows) {
    if (rows.empty()) {
        return;
    }
    {
        const std::lock_guard guard(impl_->mutex);
        for (auto& row : rows) {
            impl_->pending[{std::move(row.sink), std::move(row.key)}] = std::move(row.json);
        }
    }
    impl_->wake.notify_all();
}

Error OutboxStore::problem() const {
    const std::lock_guard guard(impl_->mutex);
    return impl_->wrong;
}

std::string OutboxStore::put_aside() const {
    return impl_->aside;
}

void OutboxStore::settle() {
    std::unique_lock guard(impl_->mutex);
    impl_->idle.wait(guard, [this] {
        return !impl_->writing && (impl_->pending.empty() || !impl_->wrong.what.empty());
    });
}

}  // namespace leverd
