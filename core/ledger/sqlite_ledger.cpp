// Why: the thread that owns the ledger file, and the queue before it. Appends that wait together
// are committed together: one fsync for all of them.
#include "core/ledger/sqlite_ledger.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"
#include "core/ledger/ledger_file.hpp"
#include "core/ledger/reply.hpp"
#include "core/ledger/store.hpp"
#include "core/model/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <thread>
#include <variant>

namespace leverd {

namespace {

using ledger::Reply;
using ledger::Row;
using ledger::Store;

// Bounds what one transaction holds in memory and how long the first of a group waits for the last.
constexpr std::size_t group_rows_max = 4'096;

struct AppendJob {
    std::vector<Entry> entries;
    std::shared_ptr<Reply<LedgerReport>> reply;
};
struct ReadJob {
    std::int64_t after = 0;
    std::size_t limit = 0;
    std::shared_ptr<Reply<std::vector<StoredEntry>>> reply;
};
// Anything else that the thread does between commits.
struct OtherJob {
    std::function<void(Store&)> run;
};
using Job = std::variant<AppendJob, ReadJob, OtherJob>;

// How far the witness may lag behind what protects nobody.
constexpr std::chrono::seconds witness_lag{1};

// Losing one of these unseen would let leverd do what it must not: fire again, or against a word.
// The others may be one second ahead of the witness.
bool protects(const Row& row) {
    constexpr std::array<std::string_view, 11> harmless{
        "observation", "symptom_raised", "symptom_cleared", "incident_opened",    "incident_linked",
        "plan",        "page",           "flapping",        "incident_escalated", "diagnosed",
        "decision"};
    return std::ranges::find(harmless, row.kind) == harmless.end();
}

void encode(const std::vector<Entry>& entries, std::vector<Row>& rows) {
    for (const Entry& entry : entries) {
        rows.push_back({entry.now, std::string(entry_kind(entry.body)),
                        mask_known(dump(to_json(entry.body)))});
    }
}

// Nothing here may fail half-way: what is committed must be reported as committed.
void deliver_all(const std::vector<AppendJob>& group, const ledger::Tail& before,
                 const Result<ledger::Committed>& committed, bool witnessed) noexcept {
    std::size_t done = 0;
    for (const AppendJob& job : group) {
        if (!committed) {
            job.reply->deliver(committed.error());
            continue;
        }
        done += job.entries.size();
        const std::string& hash = done == 0 ? before.hash : committed->hashes[done - 1];
        job.reply->deliver(
            LedgerReport{before.sequence + static_cast<std::int64_t>(done), hash, witnessed});
    }
}

void commit_group(Store& store, const std::vector<AppendJob>& group) {
    std::vector<Row> rows;
    for (const AppendJob& job : group) {
        encode(job.entries, rows);
    }
    const ledger::Tail before = store.tail();
    Result<ledger::Committed> committed = ledger::Committed{before.sequence + 1, {}};
    if (!rows.empty()) {
        committed = store.append(rows);
    }
    // Before anybody hears that an intent is durable: what comes next is its call.
    bool witnessed = true;
    if (committed && std::ranges::any_of(rows, protects)) {
        try {
            (void)store.witness();
        } catch (const std::exception&) {
            witnessed = false;  // what is committed is reported as committed all the same
        }
    }
    deliver_all(group, before, committed, witnessed && store.witness_works());
}

LedgerReport report_of(const Store& store) {
    return LedgerReport{store.tail().sequence, store.tail().hash, store.witness_works()};
}

Row row_of(Now now, const EntryBody& body) {
    return Row{now, std::string(entry_kind(body)), dump(to_json(body))};
}

Result<LedgerReport> keep(Store& store, Now now, const LedgerSnapshot& snapshot) {
    const auto at = store.find(snapshot.through);
    if (!at) {
        return at.error();
    }
    if (at->hash != snapshot.hash) {
        return Error{"the snapshot was made of another history", "run `leverd ledger verify`"};
    }
    Snapshotted made{snapshot.through, snapshot.hash, sha256_hex(snapshot.text),
                     static_cast<std::int64_t>(snapshot.text.size())};
    auto done = store.append_snapshot(row_of(now, made), snapshot);
    if (!done) {
        return done.error();
    }
    return report_of(store);
}

Result<LedgerReport> compact(Store& store, Now now, Compacted what) {
    const auto anchor = store.anchor();
    const auto at = store.find(what.through);
    if (!anchor || !at) {
        return anchor ? at.error() : anchor.error();
    }
    what.hash = at->hash;
    what.entries = what.through - anchor->sequence;
    auto done = store.begin_compaction(row_of(now, what), what.through);
    if (!done) {
        return done.error();
    }
    // Entries go only once it is known outside the file that they are meant to.
    if (auto known = store.witness(); !known) {
        return known.error();
    }
    return report_of(store);
}

}  // namespace

struct SqliteLedger::Impl {
    Impl(std::filesystem::path where, ledger::Descriptor held, LedgerOptions how, Store opened)
        : directory(std::move(where)),
          lock(std::move(held)),
          options(std::move(how)),
          history(opened.history()),
          store(std::move(opened)) {
        thread = std::thread([this] { run(); });
    }

    ~Impl() {
        {
            const std::lock_guard guard(mutex);
            stopping = true;
        }
        wake.notify_one();
        thread.join();
    }

    void submit(Job job) {
        {
            const std::lock_guard guard(mutex);
            jobs.push_back(std::move(job));
        }
        wake.notify_one();
    }

    // What is at the front of the queue: one other job, or as many appends as fit in one group.
    // Empty: nothing came, and the witness is late; or stop.
    std::vector<Job> next() {
        std::unique_lock guard(mutex);
        const auto called = [this] { return stopping || !jobs.empty(); };
        if (store.witness_is_late()) {
            wake.wait_for(guard, witness_lag, called);
        } else {
            wake.wait(guard, called);
        }
        std::vector<Job> batch;
        std::size_t rows = 0;
        while (!jobs.empty() && rows < group_rows_max) {
            const auto* append = std::get_if<AppendJob>(&jobs.front());
            if (append == nullptr && !batch.empty()) {
                break;
            }
            rows = append == nullptr ? group_rows_max : rows + append->entries.size();
            batch.push_back(std::move(jobs.front()));
            jobs.pop_front();
        }
        return batch;
    }

    void run() {
        for (auto batch = next(); !batch.empty() || !is_over(); batch = next()) {
            if (batch.empty()) {
                (void)store.witness();
                continue;
            }
            if (const auto* read = std::get_if<ReadJob>(&batch.front())) {
                answer(*read);
                continue;
            }
            if (const auto* other = std::get_if<OtherJob>(&batch.front())) {
                other->run(store);
                continue;
            }
            std::vector<AppendJob> group;
            for (Job& job : batch) {
                group.push_back(std::get<AppendJob>(std::move(job)));
            }
            answer(group);
        }
        (void)store.witness();
    }

    bool is_over() {
        const std::lock_guard guard(mutex);
        return stopping && jobs.empty();
    }

    // `work` on the ledger's thread; out of memory is an answer, too.
    template <class T, class Work>
    boost::asio::awaitable<Result<T>> ask_thread(Work work) {
        auto reply = std::make_shared<Reply<T>>();
        auto run = [reply, work = std::move(work)](Store& held) mutable {
            try {
                reply->deliver(work(held));
            } catch (const std::exception& e) {
                reply->deliver(Error{std::string("the ledger: ") + e.what(), ""});
            }
        };
        auto submit = [this, run = std::move(run)]() mutable {
            this->submit(OtherJob{std::move(run)});
        };
        return ledger::ask(reply, std::move(submit));
    }

    // Out of memory is the only thing that throws here; the daemon lives on and says so.
    void answer(const ReadJob& job) {
        try {
            job.reply->deliver(store.read(job.after, job.limit));
        } catch (const std::exception& e) {
            job.reply->deliver(Error{std::string("read the ledger: ") + e.what(), ""});
        }
    }

    void answer(const std::vector<AppendJob>& group) {
        try {
            commit_group(store, group);
        } catch (const std::exception& e) {
            for (const AppendJob& job : group) {
                job.reply->deliver(Error{std::string("append to the ledger: ") + e.what(), ""});
            }
        }
    }

    const std::filesystem::path directory;
    const ledger::Descriptor lock;  // held for life, and let go after the store is closed
    const LedgerOptions options;
    const LedgerHistory history;
    Store store;                  // the thread's alone
    std::int64_t compacting = 0;  // the thread's, too: up to where entries are to be removed

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Job> jobs;
    bool stopping = false;
    std::thread thread;
};

boost::system::result<std::unique_ptr<SqliteLedger>, LedgerOpenError> SqliteLedger::open(
    const std::filesystem::path& directory, LedgerOptions options) {
    auto lock = ledger::lock_state_directory(directory);
    if (!lock) {
        return lock.error();
    }
    auto store = Store::open(directory, options);
    if (!store) {
        return store.error();
    }
    auto impl =
        std::make_unique<Impl>(directory, std::move(*lock), std::move(options), std::move(*store));
    return std::unique_ptr<SqliteLedger>(new SqliteLedger(std::move(impl)));
}

SqliteLedger::SqliteLedger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteLedger::~SqliteLedger() = default;

boost::asio::awaitable<Result<LedgerReport>> SqliteLedger::append(std::vector<Entry> entries) {
    auto reply = std::make_shared<Reply<LedgerReport>>();
    auto submit = [impl = impl_.get(), reply, batch = std::move(entries)]() mutable {
        impl->submit(AppendJob{std::move(batch), reply});
    };
    return ledger::ask(reply, std::move(submit));
}

boost::asio::awaitable<Result<std::vector<StoredEntry>>> SqliteLedger::read(std::int64_t after,
                                                                            std::size_t limit) {
    auto reply = std::make_shared<Reply<std::vector<StoredEntry>>>();
    auto submit = [impl = impl_.get(), reply, after, limit] {
        impl->submit(ReadJob{after, limit, reply});
    };
    return ledger::ask(reply, std::move(submit));
}

const LedgerHistory& SqliteLedger::history() const {
    return impl_->history;
}

boost::asio::awaitable<Result<LedgerReport>> SqliteLedger::append_snapshot(
    Now now, LedgerSnapshot snapshot) {
    auto work = [now, made = std::move(snapshot)](Store& store) { return keep(store, now, made); };
    return impl_->ask_thread<LedgerReport>(std::move(work));
}

boost::asio::awaitable<Result<LedgerReport>> SqliteLedger::begin_compaction(Now now,
                                                                            Compacted what) {
    auto work = [impl = impl_.get(), now, what = std::move(what)](Store& store) {
        auto begun = compact(store, now, what);
        impl->compacting = begun ? what.through : impl->compacting;
        return begun;
    };
    return impl_->ask_thread<LedgerReport>(std::move(work));
}

boost::asio::awaitable<Result<bool>> SqliteLedger::remove_some() {
    auto work = [impl = impl_.get()](Store& store) { return store.remove_some(impl->compacting); };
    return impl_->ask_thread<bool>(std::move(work));
}

boost::asio::awaitable<Result<LedgerReport>> SqliteLedger::accept_history() {
    auto work = [](Store& store) -> Result<LedgerReport> {
        store.accept_history();
        if (auto written = store.witness(); !written) {
            return written.error();
        }
        return report_of(store);
    };
    return impl_->ask_thread<LedgerReport>(std::move(work));
}

Result<LedgerReport> SqliteLedger::for_each(const VisitEntry& visit) const {
    return walk_ledger(impl_->directory, visit);
}

Result<void> shrink_ledger(const std::filesystem::path& directory) {
    auto lock = ledger::lock_state_directory(directory);
    if (!lock) {
        return lock.error().error;
    }
    auto db = sqlite::Database::open(ledger::ledger_path(directory).string(),
                                     sqlite::Database::Access::read_write);
    if (!db) {
        return sqlite::explain(db.error(), directory.string());
    }
    if (auto done = db->exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);"); !done) {
        return sqlite::explain(done.error(), directory.string());
    }
    return {};
}

Result<LedgerFold> SqliteLedger::fold(const VisitSnapshot& begin, const VisitEntry& visit) const {
    return fold_ledger(impl_->directory, impl_->options, begin, visit);
}

}  // namespace leverd
