// Why: what a start knows must not depend on where it began to fold, and what protects somebody
// must outlive the entries that said so.
#include "daemon/history.hpp"

#include "core/model/codec.hpp"
#include "policies/state/codec.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <sqlite3.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace leverd;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

class Directory {
  public:
    Directory() {
        std::string name = (fs::temp_directory_path() / "leverd-test-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        root_ = name;
    }
    ~Directory() {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    fs::path state() const { return root_ / "state"; }

  private:
    fs::path root_;
};

// The recorded history of the fixture: a target that fails twice, a lever that helps, vetoes, a
// stop, a kill.
void make_recorded(const Directory& directory) {
    fs::create_directories(directory.state());
    std::ifstream in(LEVERD_SCHEMA_1);
    std::stringstream sql;
    sql << in.rdbuf();
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((directory.state() / "ledger.db").c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, sql.str().c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
}

// The rules under which it was recorded, as far as the fold asks for them.
Rules recorded_rules() {
    auto rules = test::small_rules();
    Signal signal;
    signal.id = "shop-down";
    signal.subject_kind = "service";
    signal.probe = "shop";
    signal.bad_health = {Health::failing};
    signal.looks = 2;
    signal.clear_looks = 2;
    rules.runbook.signals.push_back(signal);
    Symptom row;
    row.id = "shop-down";
    row.title = "Shop down";
    row.subject_kind = "service";
    row.any = {"shop-down"};
    rules.runbook.symptoms.push_back(row);
    return rules;
}

std::unique_ptr<SqliteLedger> opened(const Directory& directory) {
    auto ledger = SqliteLedger::open(directory.state());
    if (!ledger) {
        FAIL(ledger.error().error.what);
    }
    return std::move(*ledger);
}

template <class T>
Result<T> run(asio::awaitable<Result<T>> call) {
    asio::io_context context;
    std::optional<Result<T>> answer;
    asio::co_spawn(context, std::move(call), [&answer](std::exception_ptr thrown, Result<T> value) {
        REQUIRE(thrown == nullptr);
        answer.emplace(std::move(value));
    });
    context.run();
    REQUIRE(answer.has_value());
    return std::move(*answer);
}

constexpr Now later{at_millis(1'900'000'000'000), WallTime{Millis{1'900'000'000'000}}};

void keep_snapshot(SqliteLedger& ledger, const Directory& directory, std::int64_t through) {
    const std::atomic<bool> go_on{false};
    auto made = make_snapshot(directory.state(), {}, recorded_rules(), through, go_on);
    REQUIRE(made.has_value());
    REQUIRE(made->through == through);
    REQUIRE(run(ledger.append_snapshot(later, std::move(*made))).has_value());
}

// What the metrics show of the ledger.
std::string counts(exporters::Metrics& figures, const State& state, const Rules& rules) {
    std::istringstream text(figures.page(state, rules, {}, later)());
    std::string out;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("leverd_") && line.find("_total") != std::string::npos) {
            out += line + "\n";
        }
    }
    return out;
}

struct Known {
    std::string state;
    std::string counts;
    LedgerFold fold;
    Started started;
};

Known known_after_start(const SqliteLedger& ledger) {
    const auto rules = recorded_rules();
    Engine engine(rules);
    exporters::Metrics figures("test", rules);
    auto history = fold_history(ledger, engine, figures);
    if (!history) {
        FAIL(history.error().what);
    }
    return {encode_state(engine.view()), counts(figures, engine.view(), rules), history->fold,
            history->started};
}

// The same by folding every entry that is there.
Known known_from_the_first(const SqliteLedger& ledger) {
    const auto rules = recorded_rules();
    Engine engine(rules);
    exporters::Metrics figures("test", rules);
    const auto visit = [&](const StoredEntry& stored) -> Result<void> {
        auto body = entry_from_json(stored.kind, stored.json);
        if (!body) {
            return body.error();
        }
        const Entry entry{stored.now, std::move(*body)};
        engine.restore(entry);
        figures.on_entry(entry);
        return {};
    };
    REQUIRE(ledger.for_each(visit).has_value());
    return {encode_state(engine.view()), counts(figures, engine.view(), rules), {}, {}};
}

}  // namespace

TEST_CASE("a start from any snapshot of the recorded history knows and counts the same") {
    for (std::int64_t through = 1; through <= 42; ++through) {
        INFO("a snapshot through entry " << through);
        const Directory directory;
        make_recorded(directory);
        const auto ledger = opened(directory);
        const auto before = known_from_the_first(*ledger).state;
        keep_snapshot(*ledger, directory, through);
        const auto known = known_after_start(*ledger);
        CHECK(known.fold.from == through);
        CHECK(known.fold.folded == 42 - through + 1);
        CHECK(known.state == before);
        CHECK(known.counts == known_from_the_first(*ledger).counts);
        CHECK(known.started.boot_id == "17891681-a442-4ffa-b956-5a45d7ac17aa");
    }
}

TEST_CASE("how much a start folds does not grow with the ledger") {
    const Directory directory;
    const auto ledger = opened(directory);
    for (int day = 1; day <= 5; ++day) {
        std::vector<Entry> batch;
        for (int i = 0; i < 2'000; ++i) {
            batch.push_back(Entry{Now{at_millis(day * 10'000 + i), WallTime{}},
                                  ConfigLoaded{std::to_string(day * i)}});
        }
        const auto report = run(ledger->append(std::move(batch)));
        REQUIRE(report.has_value());
        keep_snapshot(*ledger, directory, report->entries);
        CHECK(known_after_start(*ledger).fold.folded == 1);  // the entry about the snapshot itself
    }
}

TEST_CASE("a snapshot is due by the length of the tail, or by time when there is a tail at all") {
    const SnapshotPace pace;
    CHECK(snapshot_due(pace, 50'000, Millis{0}));
    CHECK_FALSE(snapshot_due(pace, 49'999, std::chrono::hours{23}));
    CHECK(snapshot_due(pace, 1'000, std::chrono::hours{24}));
    CHECK_FALSE(snapshot_due(pace, 999, std::chrono::hours{24 * 30}));
}

TEST_CASE("what protects somebody outlives the entries that said so") {
    const Directory directory;
    make_recorded(directory);
    std::string before;
    {
        const auto ledger = opened(directory);
        before = known_from_the_first(*ledger).state;
        REQUIRE(before.find("\"v-1\"") != std::string::npos);
        REQUIRE(before.find("maintenance") != std::string::npos);
        REQUIRE(before.find("\"i-3\"") != std::string::npos);
        keep_snapshot(*ledger, directory, 40);
        Compacted what;
        what.through = 40;
        REQUIRE(run(ledger->begin_compaction(later, std::move(what))).has_value());
        for (bool over = false; !over;) {
            const auto removed = run(ledger->remove_some());
            REQUIRE(removed.has_value());
            over = *removed;
        }
    }
    const auto ledger = opened(directory);
    const auto known = known_after_start(*ledger);
    CHECK(known.state == before);
    CHECK(known.fold.from == 40);
    CHECK(known.counts.find("leverd_ledger_entries_total{kind=\"veto\"} 2") != std::string::npos);
    CHECK(verify_ledger(directory.state())->first == 41);
}

TEST_CASE("a snapshot that is made while leverd stops gives up") {
    const Directory directory;
    make_recorded(directory);
    const auto ledger = opened(directory);
    const std::atomic<bool> stop{true};
    CHECK(make_snapshot(directory.state(), {}, recorded_rules(), 42, stop).has_error());
}
