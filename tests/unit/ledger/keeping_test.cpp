// Why: a start must not fold years, old entries must be able to go, and what schema 1 wrote must be
// read for ever; none of it may cost the proof that nothing else was taken out.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"

using namespace leverd;
using namespace leverd::test;
namespace fs = std::filesystem;

namespace {

struct Folded {
    std::string text;  // of the snapshot that it began with; empty: with the first entry
    std::int64_t from = 0;
    std::int64_t entries = 0;
};

Folded folded(const SqliteLedger& ledger) {
    Folded out;
    const auto fold = ledger.fold(
        [&](const LedgerSnapshot& snapshot) -> Result<void> {
            out.text = snapshot.text;
            return {};
        },
        [](const StoredEntry&) -> Result<void> { return {}; });
    if (!fold) {
        FAIL(fold.error().what);
    }
    out.from = fold->from;
    out.entries = fold->folded;
    return out;
}

// The history that stands in the fixture, in a state directory of its own.
void make_schema_1(const TempDirectory& temp) {
    fs::create_directories(temp.state());
    RawDatabase(temp.file()).exec(read_bytes(LEVERD_SCHEMA_1));
    RawDatabase(temp.file()).exec("PRAGMA journal_mode = WAL");
}

}  // namespace

TEST_CASE("a start folds only what came after the newest snapshot") {
    const TempDirectory temp;
    auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(1'000)).has_value());
    CHECK(folded(*ledger).entries == 1'000);
    REQUIRE(snapshot(*ledger, 990, "the state").has_value());
    REQUIRE(append(*ledger, entries(5)).has_value());
    ledger = nullptr;
    const auto after = folded(*open_ledger(temp.state()));
    CHECK(after.text == "the state");
    CHECK(after.from == 990);
    CHECK(after.entries == 10 + 1 + 5);
    CHECK(verify_ledger(temp.state()).has_value());
}

TEST_CASE("a snapshot that was changed is not believed") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(100)).has_value());
    REQUIRE(snapshot(*ledger, 50, "older").has_value());
    REQUIRE(snapshot(*ledger, 90, "newer").has_value());
    RawDatabase(temp.file()).exec("UPDATE snapshot SET state = 'none' WHERE sequence = 90");
    CHECK(folded(*ledger).text == "older");
    RawDatabase(temp.file()).exec("UPDATE snapshot SET state = 'none' WHERE sequence = 50");
    CHECK(folded(*ledger).from == 0);
}

TEST_CASE("a snapshot that cannot be read is passed over") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(100)).has_value());
    REQUIRE(snapshot(*ledger, 50, "older").has_value());
    REQUIRE(snapshot(*ledger, 90, "newer").has_value());
    std::int64_t folded_count = 0;
    const auto fold = ledger->fold(
        [&](const LedgerSnapshot& one) -> Result<void> {
            return one.text == "older" ? Result<void>{} : Error{"of another version", ""};
        },
        [&](const StoredEntry&) -> Result<void> {
            ++folded_count;
            return {};
        });
    REQUIRE(fold.has_value());
    CHECK(fold->from == 50);
    CHECK(folded_count == 52);
}

TEST_CASE("of many snapshots the oldest and the two newest stay") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(100)).has_value());
    for (int through = 10; through <= 90; through += 10) {
        REQUIRE(snapshot(*ledger, through, "state").has_value());
    }
    CHECK(RawDatabase(temp.file()).text("SELECT group_concat(sequence) FROM snapshot") ==
          "10,80,90");
}

TEST_CASE("entries that were compacted away are accounted for, and nothing else may be missing") {
    const TempDirectory temp;
    auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(100)).has_value());
    REQUIRE(compact(*ledger, 40).has_error());  // nothing holds what they said
    REQUIRE(snapshot(*ledger, 40, "the state").has_value());
    REQUIRE(compact(*ledger, 40).has_value());
    REQUIRE(append(*ledger, entries(5)).has_value());
    ledger = nullptr;
    const auto verified = verify_ledger(temp.state());
    REQUIRE(verified.has_value());
    CHECK(verified->first == 41);
    CHECK(to_millis(verified->compacted) == 1'778'090'500'000);
    CHECK(verified->end.entries == 107);
    ledger = open_ledger(temp.state());
    CHECK_FALSE(ledger->history().doubt.has_value());
    CHECK(folded(*ledger).from == 40);
    CHECK(folded(*ledger).entries == 67);
    REQUIRE(append(*ledger, entries(1)).has_value());
    SECTION("more than that is missing") {
        RawDatabase(temp.file()).exec("DELETE FROM entry WHERE sequence = 41");
    }
    SECTION("more is missing, and the beginning was moved with it") {
        RawDatabase(temp.file())
            .exec(
                "UPDATE anchor SET sequence = 50, hash = (SELECT hash FROM entry WHERE sequence = "
                "50); DELETE FROM entry WHERE sequence <= 50");
    }
    SECTION("the record of the beginning is gone") {
        RawDatabase(temp.file()).exec("DELETE FROM anchor");
    }
    CHECK(verify_ledger(temp.state()).has_error());
}

TEST_CASE("a compaction that was cut off in the middle is whole all the same") {
    const TempDirectory temp;
    {
        const auto ledger = open_ledger(temp.state());
        REQUIRE(append(*ledger, entries(100)).has_value());
        REQUIRE(snapshot(*ledger, 60, "the state").has_value());
        REQUIRE(compact(*ledger, 60).has_value());
    }
    RawDatabase(temp.file())
        .exec("UPDATE anchor SET sequence = 60");  // as it is after the last step
    CHECK(verify_ledger(temp.state())->first == 61);
    const auto ledger = open_ledger(temp.state());
    REQUIRE(snapshot(*ledger, 80, "the state").has_value());
    REQUIRE(compact(*ledger, 80).has_value());
    CHECK(verify_ledger(temp.state())->first == 81);
    CHECK(folded(*ledger).from == 80);
}

TEST_CASE("what schema 1 wrote is read, brought forward and goes on") {
    const TempDirectory temp;
    make_schema_1(temp);
    const auto before = verify_ledger(temp.state());
    REQUIRE(before.has_value());
    CHECK(before->end.entries == 42);
    CHECK(RawDatabase(temp.file()).text("PRAGMA user_version") == "1");  // reading changes nothing
    {
        const auto ledger = open_ledger(temp.state());
        CHECK_FALSE(ledger->history().doubt.has_value());
        CHECK_FALSE(ledger->history().first);
        const auto walked = ledger->for_each([](const StoredEntry& stored) -> Result<void> {
            const auto body = entry_from_json(stored.kind, stored.json);
            return body ? Result<void>{} : body.error();
        });
        CHECK(walked.has_value());
        REQUIRE(append(*ledger, entries(1)).has_value());
    }
    CHECK(RawDatabase(temp.file()).text("PRAGMA user_version") == "2");
    const auto after = verify_ledger(temp.state());
    REQUIRE(after.has_value());
    CHECK(after->end.entries == 43);
    CHECK(after->first == 1);
    CHECK(open_ledger(temp.state())->history().doubt.has_value() == false);
}
