// Why: an answer reaches the coroutine that waits for it exactly once, on its own executor, and
// nobody is harmed when the coroutine, its context or the ledger goes first.
#include "tests/catch.hpp"
#include "tests/unit/ledger/fault_disk.hpp"
#include "tests/unit/ledger/support.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <set>
#include <thread>

using namespace leverd;
using namespace leverd::test;
namespace asio = boost::asio;

namespace {

struct Tally {
    std::mutex mutex;
    std::vector<LedgerReport> reports;
    int failed = 0;
    int thrown = 0;
    int elsewhere = 0;  // resumed on a thread that is not of the executor
};

asio::awaitable<void> append_one(SqliteLedger* ledger, int number, Tally* tally) {
    const auto home = co_await asio::this_coro::executor;
    std::vector<Entry> batch{entry(number, "text " + std::to_string(number))};
    const auto report = co_await ledger->append(std::move(batch));
    const std::lock_guard guard(tally->mutex);
    if (const auto* pool = home.target<asio::thread_pool::executor_type>()) {
        tally->elsewhere += pool->running_in_this_thread() ? 0 : 1;
    }
    if (report) {
        tally->reports.push_back(*report);
    } else {
        ++tally->failed;
    }
}

auto count_throw(Tally& tally) {
    return [&tally](std::exception_ptr thrown) {
        const std::lock_guard guard(tally.mutex);
        tally.thrown += thrown == nullptr ? 0 : 1;
    };
}

void check_all_apart(const Tally& tally, std::size_t count) {
    CHECK(tally.failed == 0);
    CHECK(tally.thrown == 0);
    CHECK(tally.elsewhere == 0);
    REQUIRE(tally.reports.size() == count);
    std::set<std::int64_t> numbers;
    std::set<std::string> hashes;
    for (const LedgerReport& report : tally.reports) {
        numbers.insert(report.entries);
        hashes.insert(report.last_hash);
    }
    CHECK(numbers.size() == count);
    CHECK(*numbers.begin() == 1);
    CHECK(*numbers.rbegin() == static_cast<std::int64_t>(count));
    CHECK(hashes.size() == count);
}

}  // namespace

TEST_CASE("a thousand appends at once share few transactions and each has its own answer") {
    install_fault_disk();
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    const int before = log_syncs();
    asio::io_context context;
    Tally tally;
    for (int i = 0; i < 1'000; ++i) {
        asio::co_spawn(context, append_one(ledger.get(), i, &tally), count_throw(tally));
    }
    context.run();
    check_all_apart(tally, 1'000);
    CHECK(log_syncs() - before < 500);
    CHECK(verify_ledger(temp.state())->end.entries == 1'000);
}

TEST_CASE("appends from several threads") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    asio::thread_pool pool(3);
    Tally tally;
    for (int i = 0; i < 500; ++i) {
        asio::co_spawn(pool, append_one(ledger.get(), i, &tally), count_throw(tally));
    }
    pool.join();
    check_all_apart(tally, 500);
    CHECK(verify_ledger(temp.state())->end.entries == 500);
}

TEST_CASE("a cancelled coroutine still learns what became of its append") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    asio::io_context context;
    asio::cancellation_signal cancel;
    Tally tally;
    RawDatabase other(temp.file());
    other.exec("BEGIN IMMEDIATE");  // holds the ledger's thread, so that the append is under way
    asio::co_spawn(context, append_one(ledger.get(), 1, &tally),
                   asio::bind_cancellation_slot(cancel.slot(), count_throw(tally)));
    context.poll();
    cancel.emit(asio::cancellation_type::terminal);
    context.poll();
    CHECK(tally.reports.empty());
    CHECK(tally.failed == 0);
    other.exec("ROLLBACK");
    context.run();
    check_all_apart(tally, 1);
}

TEST_CASE("what was queued is finished when the ledger goes, and the answers arrive later") {
    const TempDirectory temp;
    auto ledger = open_ledger(temp.state());
    asio::io_context context;
    Tally tally;
    for (int i = 0; i < 20; ++i) {
        asio::co_spawn(context, append_one(ledger.get(), i, &tally), count_throw(tally));
    }
    context.poll();
    ledger.reset();
    context.restart();
    context.run();
    check_all_apart(tally, 20);
    CHECK(verify_ledger(temp.state())->end.entries == 20);
}

TEST_CASE("nobody is harmed when the waiting context goes first") {
    const TempDirectory temp;
    auto ledger = open_ledger(temp.state());
    RawDatabase other(temp.file());
    other.exec("BEGIN IMMEDIATE");
    Tally tally;
    {
        asio::io_context context;
        asio::co_spawn(context, append_one(ledger.get(), 1, &tally), count_throw(tally));
        context.poll();
    }
    other.exec("ROLLBACK");
    ledger.reset();
    CHECK(tally.reports.empty());
    CHECK(verify_ledger(temp.state())->end.entries == 1);
}

TEST_CASE("an append that nobody waited for appends nothing") {
    const TempDirectory temp;
    auto ledger = open_ledger(temp.state());
    {
        const auto never = ledger->append(entries(1));
    }
    ledger.reset();
    CHECK(verify_ledger(temp.state())->end.entries == 0);
}

TEST_CASE("a lock that is held too long fails the append, and the next one works") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    {
        RawDatabase other(temp.file());
        other.exec("BEGIN IMMEDIATE");
        const auto refused = append(*ledger, entries(1));
        REQUIRE(refused.has_error());
        CHECK(refused.error().hint.find("another program holds a lock") == 0);
    }
    CHECK(append(*ledger, entries(1))->entries == 1);
}
