// Why: what a running leverd does for its own memory: it begins where the newest snapshot ends,
// makes the next one before the tail grows long, lets old entries go, and reads the whole ledger
// once. The reading and folding is done on a thread of its own: the loop must not wait for it.
#pragma once

#include "config/config.hpp"
#include "core/ledger/sqlite_ledger.hpp"
#include "core/net/clock.hpp"
#include "exporters/prometheus/metrics.hpp"
#include "policies/engine.hpp"
#include "policies/state/chronicle.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>

namespace leverd {

// What the ledger told a process that begins.
struct History {
    Started started;  // the newest start
    Now started_at;
    Now last;  // of the newest entry
    LedgerFold fold;
};
Result<History> fold_history(const SqliteLedger& ledger, Engine& engine,
                             exporters::Metrics& figures);

// Where the timeline goes on, said in the log where a reboot leaves it behind the calendar.
net::ResumedTimeline resume_time(const History& history, const net::BootStamp& boot, WallTime wall);

// A first start and a doubt are said in the log.
void log_history(const LedgerHistory& history);

void log_doubt(const HistoryDoubted& doubt);

// What a person must hear of the history; an empty reason when there is nothing (any more).
SelfReport history_report(const State& state);

// The two witnesses and the key of the config; without the secret there is no key.
LedgerOptions ledger_options(const config::Config& config,
                             const std::map<std::string, Secret>& secrets);

// The state as it was after entry `through`, or nothing because `stop` was set.
Result<LedgerSnapshot> make_snapshot(const std::filesystem::path& directory,
                                     const LedgerOptions& options, const Rules& rules,
                                     std::int64_t through, const std::atomic<bool>& stop);

// When a tail is long enough for a snapshot of its own.
struct SnapshotPace {
    std::int64_t entries = 50'000;  // at the latest
    Millis every{24LL * 3'600'000};
    std::int64_t entries_least = 1'000;  // for one that only time asks for
};
bool snapshot_due(const SnapshotPace& pace, std::int64_t tail, Millis since_last);

struct HistorianHooks {
    std::function<Rules()> rules;
    std::function<Now()> now;
    std::function<Millis()> keep;     // how old an entry may become; zero: any age
    std::function<bool()> may_write;  // nothing waits to be written, nothing is in doubt
    std::function<void(HistoryDoubted)> on_doubt;  // the whole file was read, and is not whole
};

class Historian {
  public:
    Historian(SqliteLedger& ledger, std::filesystem::path directory, LedgerOptions options,
              HistorianHooks hooks, const LedgerFold& begun);
    ~Historian();

    // After each commit.
    void wrote(const LedgerReport& report) { end_ = report; }
    const LedgerReport& end() const { return end_; }

    boost::asio::awaitable<void> run();
    void stop();

  private:
    boost::asio::awaitable<void> check_whole();
    boost::asio::awaitable<bool> snapshot(std::int64_t through);
    boost::asio::awaitable<void> compact();

    SqliteLedger& ledger_;
    std::filesystem::path directory_;
    LedgerOptions options_;
    HistorianHooks hooks_;
    LedgerReport end_;
    std::int64_t through_ = 0;  // of the newest snapshot
    Instant made_{};            // when it was
    Instant compacted_{};
    std::atomic<bool> stopping_{false};
    boost::asio::thread_pool thread_{1};
};

}  // namespace leverd
