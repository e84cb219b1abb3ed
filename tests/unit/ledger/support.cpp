// Why: see support.hpp.
#include "tests/unit/ledger/support.hpp"

#include "core/model/codec.hpp"
#include "tests/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

namespace leverd::test {

namespace asio = boost::asio;

namespace {

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

}  // namespace

TempDirectory::TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "leverd-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("mkdtemp");
    }
    root_ = name;
}

TempDirectory::~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

Entry entry(std::int64_t at, std::string text) {
    return Entry{Now{at_millis(at), WallTime{Millis{1'778'090'400'000 + at}}},
                 ConfigLoaded{std::move(text)}};
}

std::vector<Entry> entries(int count) {
    std::vector<Entry> batch;
    for (int i = 1; i <= count; ++i) {
        batch.push_back(entry(i, "text " + std::to_string(i)));
    }
    return batch;
}

std::unique_ptr<SqliteLedger> open_ledger(const std::filesystem::path& directory,
                                          LedgerOptions options) {
    auto opened = SqliteLedger::open(directory, std::move(options));
    if (!opened) {
        FAIL(opened.error().error.what);
    }
    return std::move(*opened);
}

Result<LedgerReport> append(SqliteLedger& ledger, std::vector<Entry> batch) {
    return run(ledger.append(std::move(batch)));
}

Result<std::vector<StoredEntry>> read(SqliteLedger& ledger, std::int64_t after, std::size_t limit) {
    return run(ledger.read(after, limit));
}

Result<LedgerReport> snapshot(SqliteLedger& ledger, std::int64_t through, std::string text) {
    const auto at = read(ledger, through - 1, 1);
    if (!at || at->empty()) {
        return Error{"no such entry", ""};
    }
    return run(ledger.append_snapshot(at->front().now,
                                      LedgerSnapshot{through, at->front().hash, std::move(text)}));
}

Result<LedgerReport> compact(SqliteLedger& ledger, std::int64_t through) {
    Compacted what;
    what.through = through;
    auto begun = run(ledger.begin_compaction(Now{at_millis(9), WallTime{Millis{1'778'090'500'000}}},
                                             std::move(what)));
    for (bool over = !begun; !over;) {
        const auto removed = run(ledger.remove_some());
        if (!removed) {
            return removed.error();
        }
        over = *removed;
    }
    return begun;
}

Result<LedgerReport> accept_history(SqliteLedger& ledger) {
    return run(ledger.accept_history());
}

std::vector<std::string> texts(const SqliteLedger& ledger) {
    std::vector<std::string> found;
    const auto walked = ledger.for_each([&found](const StoredEntry& stored) -> Result<void> {
        const auto body = entry_from_json(stored.kind, stored.json);
        if (!body) {
            return body.error();
        }
        found.push_back(std::get<ConfigLoaded>(*body).hash);
        return {};
    });
    if (!walked) {
        FAIL(walked.error().what);
    }
    return found;
}

RawDatabase::RawDatabase(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &db_) != SQLITE_OK) {
        throw std::runtime_error("open " + file.string());
    }
    exec("PRAGMA synchronous = OFF");  // these changes need not survive anything
}

RawDatabase::~RawDatabase() {
    sqlite3_close(db_);
}

void RawDatabase::exec(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
    }
}

std::string RawDatabase::text(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    std::string value;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return value;
}

std::string read_bytes(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace leverd::test
