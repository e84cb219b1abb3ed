// Why: a start must take seconds whatever the ledger's age. Writes a ledger of so many entries as a
// busy box makes them, with the snapshot that leverd would have made last, and measures one start.
// With a directory it leaves the ledger there, for starts of the whole daemon (start.py).
#include "config/load.hpp"
#include "core/net/clock.hpp"
#include "daemon/history.hpp"
#include "daemon/rules.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>

namespace leverd {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr std::int64_t batch = 4'000;
constexpr int subjects = 10'000;

double seconds_between(std::uint64_t begin, std::uint64_t end) {
    return static_cast<double>(end - begin) / 1e6;
}

template <class T>
Result<T> run(asio::awaitable<Result<T>> call) {
    asio::io_context context;
    Result<T> answer = Error{"no answer", ""};
    asio::co_spawn(context, std::move(call),
                   [&answer](std::exception_ptr, Result<T> value) { answer = std::move(value); });
    context.run();
    return answer;
}

// A ledger that ends now: of entry `number` of `count`, when it was.
class Writing {
  public:
    explicit Writing(std::int64_t count) : count_(count), end_(net::wall_clock_now()) {}

    Now moment(std::int64_t number) const {
        const Millis before{(count_ - number) * millis_apart};
        return Now{at_millis(number * millis_apart), end_ - before};
    }

    // The start of the process that wrote it all, in a boot that is over.
    Entry started() const {
        Started started;
        started.version = "bench";
        started.boot_id = "00000000-0000-4000-8000-000000000000";
        return Entry{moment(0), std::move(started)};
    }

    // A look at one of many targets that turns bad, or good again.
    Entry look(std::int64_t number) const {
        Observed seen;
        auto& look = seen.observation;
        const auto tenant = fmt::format("t{}", number % subjects);
        look.subject = Subject{"tenant/" + tenant};
        look.probe = "tenant_health";
        const bool bad = number / subjects % 2 == 1;
        look.health = bad ? Health::failing : Health::healthy;
        look.reason = bad ? Reason::connect_refused : Reason::ok;
        look.evidence = "GET https://t.example/health: 200 in 12 ms";
        look.attributes = {{"tenant", tenant}, {"runtime", "hermes"}};
        look.facts = {{"requests", static_cast<double>(number)}};
        look.seen = moment(number);
        seen.repeats = 20;
        return Entry{look.seen, std::move(seen)};
    }

    Entry entry(std::int64_t number) const { return number == 0 ? started() : look(number); }

  private:
    // A turn of each in ten minutes: nobody is gone at the end, and nobody flaps.
    static constexpr std::int64_t millis_apart = 60;
    std::int64_t count_;
    WallTime end_;
};

Result<void> append_all(SqliteLedger& ledger, const Writing& writing, std::int64_t count) {
    for (std::int64_t number = 0; number < count;) {
        std::vector<Entry> entries;
        for (std::int64_t i = 0; i < batch && number < count; ++i) {
            entries.push_back(writing.entry(number++));
        }
        if (auto done = run(ledger.append(std::move(entries))); !done) {
            return done.error();
        }
    }
    return {};
}

Result<void> write(const fs::path& directory, const Rules& rules, std::int64_t count) {
    const auto began = net::monotonic_microseconds();
    auto opened = SqliteLedger::open(directory);
    if (!opened) {
        return opened.error().error;
    }
    const Writing writing(count);
    if (auto done = append_all(**opened, writing, count); !done) {
        return done;
    }
    const auto written = net::monotonic_microseconds();
    // The longest tail that a running leverd leaves.
    const std::int64_t through = count - SnapshotPace{}.entries;
    if (through > 0) {
        const std::atomic<bool> stop{false};
        auto made = make_snapshot(directory, {}, rules, through, stop);
        if (!made) {
            return made.error();
        }
        auto kept = run((*opened)->append_snapshot(writing.moment(count), std::move(*made)));
        if (!kept) {
            return kept.error();
        }
    }
    fmt::print("ledger: {} entries written in {:.0f} s, folded from the first one in {:.0f} s\n",
               count, seconds_between(began, written),
               seconds_between(written, net::monotonic_microseconds()));
    return {};
}

int measure(const fs::path& directory, const Rules& rules, double seconds_target) {
    const auto began = net::monotonic_microseconds();
    auto opened = SqliteLedger::open(directory);
    if (!opened) {
        fmt::print(stderr, "bench_ledger: {}\n", opened.error().error.what);
        return 1;
    }
    Engine engine(rules);
    exporters::Metrics figures("bench", rules);
    const auto history = fold_history(**opened, engine, figures);
    const auto ended = net::monotonic_microseconds();
    if (!history) {
        fmt::print(stderr, "bench_ledger: {}\n", history.error().what);
        return 1;
    }
    const double took = seconds_between(began, ended);
    fmt::print(
        "ledger: {} entries, {} subjects, {} MB: start in {:.2f} s ({} entries folded), "
        "target at most {:.0f} s: {}\n",
        history->fold.end.entries, engine.view().subjects.size(),
        fs::file_size(directory / "ledger.db") / 1'000'000, took, history->fold.folded,
        seconds_target, took <= seconds_target ? "met" : "NOT MET");
    return took <= seconds_target ? 0 : 1;
}

}  // namespace
}  // namespace leverd

int main(int count, char** arguments) {
    using namespace leverd;
    if (count < 2 || count > 4) {
        fmt::print(stderr, "usage: bench_ledger CONFIG [ENTRIES [DIRECTORY]]\n");
        return 64;
    }
    const auto loaded = config::load(arguments[1], vocabulary());
    if (!loaded.ok()) {
        fmt::print(stderr, "bench_ledger: {} has problems\n", arguments[1]);
        return 78;
    }
    const std::int64_t entries = count > 2 ? std::atoll(arguments[2]) : 3'000'000;
    const auto rules = make_rules(loaded.config);
    std::string made = (std::filesystem::temp_directory_path() / "leverd-bench-XXXXXX").string();
    const bool kept = count > 3;
    if (!kept && ::mkdtemp(made.data()) == nullptr) {
        return 1;
    }
    const std::filesystem::path state = std::filesystem::path(kept ? arguments[3] : made) / "state";
    const auto written = write(state, rules, entries);
    int result = 1;
    if (written) {
        result = measure(state, rules, 10);
    } else {
        fmt::print(stderr, "bench_ledger: {}\n", written.error().what);
    }
    if (!kept) {
        std::error_code ignored;
        std::filesystem::remove_all(made, ignored);
    }
    return result;
}
