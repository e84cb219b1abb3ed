// Why: what was appended is there, in order, with its times, also after the next start.
#include "core/model/codec.hpp"
#include "tests/catch.hpp"
#include "tests/unit/ledger/fault_disk.hpp"
#include "tests/unit/ledger/support.hpp"
#include "tests/unit/model/examples.hpp"

#include <nlohmann/json.hpp>

#include <limits>

using namespace leverd;
using namespace leverd::test;

TEST_CASE("what was appended is read back whole") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    std::vector<Entry> batch;
    std::int64_t at = 100;
    for (const EntryBody& body : example_bodies()) {
        ++at;
        batch.push_back(Entry{Now{at_millis(at), WallTime{Millis{at * 2}}}, body});
    }
    const auto report = append(*ledger, batch);
    REQUIRE(report.has_value());
    CHECK(report->entries == static_cast<std::int64_t>(example_bodies().size()));

    const auto stored = read(*ledger, 0, 100);
    REQUIRE(stored.has_value());
    REQUIRE(stored->size() == batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const StoredEntry& entry = (*stored)[i];
        CHECK(entry.sequence == static_cast<std::int64_t>(i) + 1);
        CHECK(entry.now == batch[i].now);
        CHECK(entry.kind == entry_kind(batch[i].body));
        CHECK(entry.json == dump(to_json(batch[i].body)));
        CHECK(entry_from_json(entry.kind, entry.json).has_value());
    }
    CHECK(stored->back().hash == report->last_hash);
}

TEST_CASE("reading starts after a number and stops at the limit") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(10)).has_value());
    const auto [after, limit, first, count] =
        GENERATE(table<std::int64_t, std::size_t, std::int64_t, std::size_t>({
            {0, 100, 1, 10},
            {0, 3, 1, 3},
            {7, 100, 8, 3},
            {9, 1, 10, 1},
            {10, 100, 0, 0},
            {0, 0, 0, 0},
            {-5, 2, 1, 2},
            {0, std::numeric_limits<std::size_t>::max(), 1, 10},
            {std::numeric_limits<std::int64_t>::max(), 5, 0, 0},
        }));
    CAPTURE(after, limit);
    const auto stored = read(*ledger, after, limit);
    REQUIRE(stored.has_value());
    REQUIRE(stored->size() == count);
    CHECK((count == 0 || stored->front().sequence == first));
}

TEST_CASE("the next start continues the chain") {
    const TempDirectory temp;
    std::string last;
    for (int start = 0; start < 3; ++start) {
        const auto ledger = open_ledger(temp.state());
        const auto report = append(*ledger, entries(4));
        REQUIRE(report.has_value());
        CHECK(report->entries == (start + 1) * 4);
        last = report->last_hash;
    }
    const auto verified = verify_ledger(temp.state());
    REQUIRE(verified.has_value());
    CHECK(verified->end.entries == 12);
    CHECK(verified->end.last_hash == last);
}

TEST_CASE("an empty append reports where the ledger stands") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    const auto none = append(*ledger, {});
    REQUIRE(none.has_value());
    CHECK(none->entries == 0);
    CHECK(none->last_hash == std::string(64, '0'));
    const auto some = append(*ledger, entries(2));
    const auto same = append(*ledger, {});
    REQUIRE(same.has_value());
    CHECK(same->entries == 2);
    CHECK(same->last_hash == some->last_hash);
}

TEST_CASE("a visitor can stop the walk with its own error") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(5)).has_value());
    int seen = 0;
    const auto walked = ledger->for_each([&seen](const StoredEntry&) -> Result<void> {
        if (++seen == 3) {
            return Error{"enough", ""};
        }
        return {};
    });
    REQUIRE(walked.has_error());
    CHECK(walked.error().what == "enough");
    CHECK(seen == 3);
}

TEST_CASE("a running ledger can be verified from outside") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(3)).has_value());
    const auto verified = verify_ledger(temp.state());
    REQUIRE(verified.has_value());
    CHECK(verified->end.entries == 3);
    REQUIRE(append(*ledger, entries(3)).has_value());
    CHECK(verify_ledger(temp.state())->end.entries == 6);
}

TEST_CASE("equal entries give equal hashes in another ledger") {
    const TempDirectory one;
    const TempDirectory two;
    const auto first = append(*open_ledger(one.state()), entries(7));
    const auto ledger = open_ledger(two.state());
    for (const Entry& e : entries(7)) {
        REQUIRE(append(*ledger, {e}).has_value());
    }
    CHECK(append(*ledger, {})->last_hash == first->last_hash);
}

TEST_CASE("a batch of many thousand entries is one transaction") {
    install_fault_disk();
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    const int before = log_syncs();
    const auto report = append(*ledger, entries(10'000));
    REQUIRE(report.has_value());
    CHECK(report->entries == 10'000);
    CHECK(log_syncs() - before <= 8);
}
