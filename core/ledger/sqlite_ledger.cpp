// Why: the thread that owns the ledger file, and the queue before it. Appends that wait together
// are committed together: one fsync for all of them.
#include "core/ledger/sqlite_ledger.hpp"

#include "core/base/redact.hpp"
#include "core/ledger/ledger_file.hpp"
#include "core/ledger/reply.hpp"
#include "core/ledger/store.hpp"
#include "core/model/codec.hpp"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
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
using Job = std::variant<AppendJob, ReadJob>;

void encode(const std::vector<Entry>& entries, std::vector<Row>& rows) {
    for (const Entry& entry : entries) {
        rows.push_back({entry.now, std::string(entry_kind(entry.body)),
                        mask_known(dump(to_json(entry.body)))});
    }
}

// Nothing here may fail half-way: what is committed must be reported as committed.
void deliver_all(const std::vector<AppendJob>& group, const ledger::Tail& before,
                 const Result<ledger::Committed>& committed) noexcept {
    std::size_t done = 0;
    for (const AppendJob& job : group) {
        if (!committed) {
            job.reply->deliver(committed.error());
            continue;
        }
        done += job.entries.size();
        const std::string& hash = done == 0 ? before.hash : committed->hashes[done - 1];
        job.reply->deliver(LedgerReport{before.sequence + static_cast<std::int64_t>(done), hash});
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
    deliver_all(group, before, committed);
}

}  // namespace

struct SqliteLedger::Impl {
    Impl(std::filesystem::path where, ledger::Descriptor held, Store opened)
        : directory(std::move(where)), lock(std::move(held)), store(std::move(opened)) {
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

    // What is at the front of the queue: a read, or as many appends as fit in one group. Empty:
    // stop.
    std::vector<Job> next() {
        std::unique_lock guard(mutex);
        wake.wait(guard, [this] { return stopping || !jobs.empty(); });
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
        for (auto batch = next(); !batch.empty(); batch = next()) {
            if (const auto* read = std::get_if<ReadJob>(&batch.front())) {
                answer(*read);
                continue;
            }
            std::vector<AppendJob> group;
            for (Job& job : batch) {
                group.push_back(std::get<AppendJob>(std::move(job)));
            }
            answer(group);
        }
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
    Store store;                    // the thread's alone

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Job> jobs;
    bool stopping = false;
    std::thread thread;
};

boost::system::result<std::unique_ptr<SqliteLedger>, LedgerOpenError> SqliteLedger::open(
    const std::filesystem::path& directory) {
    auto lock = ledger::lock_state_directory(directory);
    if (!lock) {
        return lock.error();
    }
    auto store = Store::open(directory);
    if (!store) {
        return store.error();
    }
    auto impl = std::make_unique<Impl>(directory, std::move(*lock), std::move(*store));
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

Result<LedgerReport> SqliteLedger::for_each(
    const std::function<Result<void>(const StoredEntry&)>& visit) const {
    return ledger::walk(impl_->directory, visit);
}

Result<LedgerReport> verify_ledger(const std::filesystem::path& directory) {
    return ledger::walk(directory, [](const StoredEntry&) { return Result<void>{}; });
}

Result<LedgerReport> walk_ledger(const std::filesystem::path& directory,
                                 const std::function<Result<void>(const StoredEntry&)>& visit) {
    return ledger::walk(directory, visit);
}

}  // namespace leverd
