// Why: any change to any column of any entry is found, and named by its number.
#include "core/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"
#include "tests/unit/model/examples.hpp"

using namespace leverd;
using namespace leverd::test;

namespace {

void make_examples(const std::filesystem::path& directory) {
    const auto ledger = open_ledger(directory);
    for (const EntryBody& body : example_bodies()) {
        REQUIRE(append(*ledger, {Entry{Now{at_millis(5), WallTime{Millis{6}}}, body}}).has_value());
    }
}

}  // namespace

TEST_CASE("the hash is what the documentation says") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, {entry(7, "a"), entry(8, "b")}).has_value());
    const auto stored = read(*ledger, 0, 2);
    const std::string first =
        sha256_hex(std::string(64, '0') + "\n1\n7\n1778090400007\nconfig\n{\"hash\":\"a\"}");
    CHECK((*stored)[0].hash == first);
    CHECK((*stored)[1].hash ==
          sha256_hex(first + "\n2\n8\n1778090400008\nconfig\n{\"hash\":\"b\"}"));
}

TEST_CASE("tampering with any column of any entry is found and named") {
    const TempDirectory temp;
    make_examples(temp.state());
    const std::string good = read_bytes(temp.file());
    const auto last = static_cast<std::int64_t>(example_bodies().size());
    REQUIRE(verify_ledger(temp.state())->end.entries == last);
    const std::vector<std::string> changes{
        "UPDATE entry SET at = at + 1",
        "UPDATE entry SET wall = wall - 1",
        "UPDATE entry SET kind = kind || 'x'",
        "UPDATE entry SET kind = ''",
        "UPDATE entry SET json = json || ' '",
        "UPDATE entry SET json = replace(json, '}', ',}')",
        "UPDATE entry SET json = ''",
        "UPDATE entry SET hash = replace(hash, substr(hash, 1, 1), 'g')",
        "UPDATE entry SET hash = upper(hash) || 'A'",
        "UPDATE entry SET sequence = sequence + 1000",
        "DELETE FROM entry",
    };
    for (std::int64_t sequence = 1; sequence <= last; ++sequence) {
        for (const std::string& change : changes) {
            std::filesystem::remove(temp.file().string() + "-wal");
            std::filesystem::remove(temp.file().string() + "-shm");
            write_bytes(temp.file(), good);
            const std::string number = std::to_string(sequence);
            RawDatabase(temp.file()).exec(change + " WHERE sequence = " + number);
            CAPTURE(sequence, change);
            const auto verified = verify_ledger(temp.state());
            REQUIRE(verified.has_error());
            CHECK(verified.error().what.find("ledger entry " + number + ":") == 0);
            CHECK_FALSE(verified.error().hint.empty());
        }
    }
}

TEST_CASE("entries that changed places are found") {
    const TempDirectory temp;
    make_examples(temp.state());
    RawDatabase(temp.file())
        .exec(
            "UPDATE entry SET sequence = -1 WHERE sequence = 4;"
            "UPDATE entry SET sequence = 4 WHERE sequence = 5;"
            "UPDATE entry SET sequence = 5 WHERE sequence = -1;");
    CHECK(verify_ledger(temp.state()).has_error());
}

TEST_CASE("an end that was cut off is found") {
    const TempDirectory temp;
    make_examples(temp.state());
    SECTION("alone") {
        RawDatabase(temp.file()).exec("DELETE FROM entry WHERE sequence > 10");
        CHECK(verify_ledger(temp.state()).error().what ==
              "ledger entry 11: missing; the ledger went on to " +
                  std::to_string(example_bodies().size()));
    }
    SECTION("with a head whose hash does not fit") {
        RawDatabase(temp.file())
            .exec("DELETE FROM entry WHERE sequence > 10; UPDATE head SET sequence = 10");
        CHECK(verify_ledger(temp.state()).has_error());
    }
}

TEST_CASE("a column of another type is found") {
    const TempDirectory temp;
    make_examples(temp.state());
    RawDatabase(temp.file())
        .exec(
            "CREATE TABLE loose (sequence INTEGER PRIMARY KEY, at, wall, kind, json, hash);"
            "INSERT INTO loose SELECT * FROM entry; DROP TABLE entry;"
            "ALTER TABLE loose RENAME TO entry;"
            "UPDATE entry SET at = 'x' WHERE sequence = 3;");
    CHECK(verify_ledger(temp.state()).error().what.find("ledger entry 3:") == 0);
}

TEST_CASE("a ledger that somebody writes to while leverd runs takes no more entries") {
    const TempDirectory temp;
    auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(3)).has_value());
    RawDatabase(temp.file())
        .exec(
            "INSERT INTO entry VALUES (4, 1, 1, 'stop', '{}', 'x');"
            "UPDATE head SET sequence = 4, hash = 'x'");
    for (int attempt = 0; attempt < 3; ++attempt) {
        const auto refused = append(*ledger, entries(1));
        REQUIRE(refused.has_error());
        CHECK(refused.error().what.find("changed by another program") != std::string::npos);
    }
    // What they wrote is evidence and stays.
    CHECK(RawDatabase(temp.file()).text("SELECT kind FROM entry WHERE sequence = 4") == "stop");
}
