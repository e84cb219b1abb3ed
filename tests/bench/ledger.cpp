// Why: a start must take seconds whatever the ledger's age. Writes a ledger of so many entries as a
// busy box makes them, with the snapshots that leverd would have made, and measures one start.
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

template <class T>
Result<T> run(asio::awaitable<Result<T>> call) {
    asio::io_context context;
    Result<T> answer = Error{"no answer", ""};
    asio::co_spawn(context, std::move(call),
                   [&answer](std::exception_ptr, Result<T> value) { answer = std::move(value); });
    context.run();
    return answer;
}

// A look at one of many targets that turns bad, or good again.
Entry entry_of(std::int64_t number) {
    Observed seen;
    auto& look = seen.observation;
    look.subject = Subject{fmt::format("tenant/t{}", number % subjects)};
    look.probe = "tenant_health";
    const bool bad = number / subjects % 2 == 1;
    look.health = bad ? Health::failing : Health::healthy;
    look.reason = bad ? Reason::connect_refused : Reason::ok;
    look.evidence = "GET https://t.example/health: 200 in 12 ms";
    look.attributes = {{"tenant", look.subject.text()}, {"runtime", "hermes"}};
    look.facts = {{"requests", static_cast<double>(number)}};
    look.seen = Now{at_millis(number * 100), WallTime{Millis{1'800'000'000'000 + number * 100}}};
    seen.repeats = 20;
    return Entry{look.seen, std::move(seen)};
}

Result<void> write(const fs::path& directory, const Rules& rules, std::int64_t count) {
    auto opened = SqliteLedger::open(directory);
    if (!opened) {
        return opened.error().error;
    }
    for (std::int64_t number = 0; number < count;) {
        std::vector<Entry> entries;
        for (std::int64_t i = 0; i < batch && number < count; ++i) {
            entries.push_back(entry_of(number++));
        }
        if (auto done = run((*opened)->append(std::move(entries))); !done) {
            return done.error();
        }
    }
    // The longest tail that a running leverd leaves.
    const std::int64_t through = count - SnapshotPace{}.entries;
    if (through <= 0) {
        return {};
    }
    const std::atomic<bool> go_on{false};
    auto made = make_snapshot(directory, {}, rules, through, go_on);
    if (!made) {
        return made.error();
    }
    const Now now = entry_of(count).now;
    auto kept = run((*opened)->append_snapshot(now, std::move(*made)));
    return kept ? Result<void>{} : kept.error();
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
    const double took = static_cast<double>(ended - began) / 1e6;
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
    if (count < 2 || count > 3) {
        fmt::print(stderr, "usage: bench_ledger CONFIG [ENTRIES]\n");
        return 64;
    }
    const auto loaded = config::load(arguments[1], vocabulary());
    if (!loaded.ok()) {
        fmt::print(stderr, "bench_ledger: {} has problems\n", arguments[1]);
        return 78;
    }
    const std::int64_t entries = count == 3 ? std::atoll(arguments[2]) : 3'000'000;
    const auto rules = make_rules(loaded.config);
    std::string name = (std::filesystem::temp_directory_path() / "leverd-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        return 1;
    }
    const std::filesystem::path root = name;
    const auto written = write(root / "state", rules, entries);
    int result = 1;
    if (written) {
        result = measure(root / "state", rules, 10);
    } else {
        fmt::print(stderr, "bench_ledger: {}\n", written.error().what);
    }
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
    return result;
}
