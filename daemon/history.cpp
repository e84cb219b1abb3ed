// Why: see history.hpp.
#include "daemon/history.hpp"

#include "core/model/codec.hpp"
#include "policies/state/codec.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace asio = boost::asio;

namespace leverd {
namespace {

constexpr Millis pace{30'000};
constexpr Millis between_removals{200};
constexpr Millis compaction_every{24LL * 3'600'000};
constexpr std::int64_t compaction_least = 1'000;  // entries; fewer are not worth a record

Result<Entry> entry_of(const StoredEntry& stored) {
    auto body = entry_from_json(stored.kind, stored.json);
    if (!body) {
        return wrap(fmt::format("ledger entry {}", stored.sequence), body.error());
    }
    return Entry{stored.now, std::move(*body)};
}

void log_trouble(const char* event, const Error& error) {
    spdlog::error("event={} what=\"{}\" hint=\"{}\"", event, error.what, error.hint);
}

// These run on the thread; what they read they own.
asio::awaitable<Result<LedgerSnapshot>> snapshot_there(std::filesystem::path directory,
                                                       LedgerOptions options, Rules rules,
                                                       std::int64_t through,
                                                       const std::atomic<bool>* stop) {
    co_return make_snapshot(directory, options, rules, through, *stop);
}

asio::awaitable<Result<LedgerVerified>> verified_there(std::filesystem::path directory,
                                                       LedgerOptions options) {
    co_return verify_ledger(directory, options);
}

asio::awaitable<Result<LedgerOld>> oldest_there(std::filesystem::path directory, Instant when) {
    co_return newest_entry_before(directory, when);
}

}  // namespace

Result<History> fold_history(const SqliteLedger& ledger, Engine& engine,
                             exporters::Metrics& figures) {
    Chronicle chronicle;
    History out;
    const auto begin = [&](const LedgerSnapshot& snapshot) -> Result<void> {
        State state;
        Chronicle told;
        if (auto read = decode_snapshot(snapshot.text, state, told); !read) {
            log_trouble("snapshot_unreadable", read.error());
            return read;
        }
        engine.adopt(std::move(state));
        chronicle = std::move(told);
        return {};
    };
    const auto visit = [&](const StoredEntry& stored) -> Result<void> {
        const auto entry = entry_of(stored);
        if (!entry) {
            return entry.error();
        }
        out.last = entry->now;
        engine.restore(*entry);
        chronicle.add(*entry);
        return {};
    };
    auto folded = ledger.fold(begin, visit);
    if (!folded) {
        return folded.error();
    }
    figures.restore(chronicle.tally);
    out.started = std::move(chronicle.started);
    out.started_at = chronicle.started_at;
    out.fold = std::move(*folded);
    return out;
}

net::ResumedTimeline resume_time(const History& history, const net::BootStamp& boot,
                                 WallTime wall) {
    const net::TimelineAnchor anchor{history.started.boot_id, history.started.boottime_ms,
                                     history.started_at.at};
    const auto resumed = net::resume_timeline(anchor, history.last, boot, wall);
    if (resumed.rebooted && resumed.away > resumed.proven) {
        spdlog::warn(
            "event=time_not_proven away=\"{}\" counted=\"{}\" what=\"the machine was started "
            "again; cool-downs, vetoes and deadlines go on by the time since then, because only "
            "the calendar says how long it was off\"",
            shown_duration(resumed.away), shown_duration(resumed.proven));
    }
    return resumed;
}

void log_doubt(const HistoryDoubted& doubt) {
    spdlog::error(
        "event=history_doubted what=\"{}\" hint=\"no lever fires; look into it, then "
        "leverd ledger accept --why ...\"",
        doubt.why);
}

void log_history(const LedgerHistory& history) {
    if (history.first) {
        spdlog::warn(
            "event=first_start what=\"neither a ledger nor a witness of one is here; no "
            "cool-down, veto or stop of an earlier leverd is known\"");
    }
    if (history.doubt) {
        log_doubt(*history.doubt);
    }
}

SelfReport history_report(const State& state) {
    SelfReport report{"history_lost", {}, {}};
    if (state.history.doubted) {
        report.why = state.history.why +
                     ". Cool-downs, vetoes and calls that are missing hold nobody, so no lever "
                     "fires. Next: leverd ledger verify, then leverd ledger accept --why ...";
    }
    return report;
}

LedgerOptions ledger_options(const config::Config& config,
                             const std::map<std::string, Secret>& secrets) {
    LedgerOptions options;
    options.witness = config.ledger.witness;
    if (const auto key = secrets.find(config.ledger.key); key != secrets.end()) {
        options.key = key->second;
    }
    return options;
}

Result<LedgerSnapshot> make_snapshot(const std::filesystem::path& directory,
                                     const LedgerOptions& options, const Rules& rules,
                                     std::int64_t through, const std::atomic<bool>& stop) {
    auto engine = std::make_unique<Engine>(rules);
    Chronicle chronicle;
    const auto begin = [&](const LedgerSnapshot& snapshot) -> Result<void> {
        State state;
        Chronicle told;
        if (auto read = decode_snapshot(snapshot.text, state, told); !read) {
            return read;
        }
        engine->adopt(std::move(state));
        chronicle = std::move(told);
        return {};
    };
    const auto visit = [&](const StoredEntry& stored) -> Result<void> {
        if (stop) {
            return Error{"leverd is stopping", ""};
        }
        const auto entry = entry_of(stored);
        if (!entry) {
            return entry.error();
        }
        engine->restore(*entry);
        chronicle.add(*entry);
        return {};
    };
    auto folded = fold_ledger(directory, options, begin, visit, FoldFrom::newest_snapshot, through);
    if (!folded) {
        return folded.error();
    }
    LedgerSnapshot made;
    made.through = folded->end.entries;
    made.hash = folded->end.last_hash;
    made.text = encode_snapshot(engine->view(), chronicle);
    return made;
}

bool snapshot_due(const SnapshotPace& rule, std::int64_t tail, Millis since_last) {
    return tail >= rule.entries || (since_last >= rule.every && tail >= rule.entries_least);
}

Historian::Historian(SqliteLedger& ledger, std::filesystem::path directory, LedgerOptions options,
                     HistorianHooks hooks, const LedgerFold& begun)
    : ledger_(ledger),
      directory_(std::move(directory)),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      end_(begun.end),
      through_(begun.from) {}

Historian::~Historian() {
    stop();
    thread_.join();
}

void Historian::stop() {
    stopping_ = true;
}

asio::awaitable<void> Historian::run() {
    made_ = hooks_.now().at;
    compacted_ = made_;
    co_await check_whole();
    while (!stopping_) {
        const bool awake = co_await net::pause(pace);
        if (!awake || stopping_) {
            co_return;
        }
        if (!hooks_.may_write()) {
            continue;
        }
        const auto now = hooks_.now().at;
        if (snapshot_due(SnapshotPace{}, end_.entries - through_, now - made_)) {
            co_await snapshot(end_.entries);
        }
        if (now - compacted_ >= compaction_every) {
            compacted_ = now;
            co_await compact();
        }
    }
}

// A start looks at the newest entries only; a change long ago is found here.
asio::awaitable<void> Historian::check_whole() {
    auto options = options_;
    options.give_up = [this] { return stopping_.load(); };
    auto work = verified_there(directory_, std::move(options));
    const auto verified = co_await asio::co_spawn(thread_, std::move(work), asio::use_awaitable);
    if (verified || stopping_) {
        co_return;
    }
    log_trouble("ledger_not_whole", verified.error());
    // A disk that could not be read just now says nothing about what was written.
    if (!verified.error().what.starts_with("ledger entry ")) {
        co_return;
    }
    HistoryDoubted doubt;
    doubt.why = verified.error().what;
    doubt.found = end_.entries;
    doubt.found_hash = end_.last_hash;
    hooks_.on_doubt(std::move(doubt));
}

asio::awaitable<bool> Historian::snapshot(std::int64_t through) {
    auto work = snapshot_there(directory_, options_, hooks_.rules(), through, &stopping_);
    auto made = co_await asio::co_spawn(thread_, std::move(work), asio::use_awaitable);
    if (!made) {
        if (!stopping_) {
            log_trouble("snapshot_failed", made.error());
        }
        co_return false;
    }
    const auto bytes = made->text.size();
    const auto written = co_await ledger_.append_snapshot(hooks_.now(), std::move(*made));
    if (!written) {
        log_trouble("snapshot_failed", written.error());
        co_return false;
    }
    end_ = *written;
    through_ = std::max(through_, through);
    made_ = hooks_.now().at;
    spdlog::info("event=snapshot through={} bytes={}", through, bytes);
    co_return true;
}

// By leverd's own time, not by the calendar: a clock that is a year ahead must not cost a year.
asio::awaitable<void> Historian::compact() {
    const auto keep = hooks_.keep();
    if (keep == Millis{0}) {
        co_return;
    }
    auto work = oldest_there(directory_, hooks_.now().at - keep);
    const auto oldest = co_await asio::co_spawn(thread_, std::move(work), asio::use_awaitable);
    if (!oldest || oldest->removable < compaction_least) {
        co_return;
    }
    const bool held = co_await snapshot(oldest->through);
    if (!held) {
        co_return;
    }
    Compacted what;
    what.through = oldest->through;
    what.until = oldest->wall;
    auto begun = co_await ledger_.begin_compaction(hooks_.now(), std::move(what));
    if (!begun) {
        log_trouble("compaction_failed", begun.error());
        co_return;
    }
    end_ = *begun;
    spdlog::info("event=compaction through={} entries={}", oldest->through, oldest->removable);
    for (bool over = false; !over && !stopping_;) {
        const auto removed = co_await ledger_.remove_some();
        if (!removed) {
            log_trouble("compaction_failed", removed.error());
            co_return;
        }
        over = *removed;
        (void)co_await net::pause(between_removals);
    }
}

}  // namespace leverd
