// Why: opening decides whether leverd may act at all; each way in which it must not is told apart,
// and a file that is not ours stays as it is.
#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"

#include <random>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace leverd;
using namespace leverd::test;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

LedgerOpenError open_failure(const fs::path& directory) {
    auto opened = SqliteLedger::open(directory);
    if (opened) {
        FAIL("the ledger opened");
    }
    CHECK_FALSE(opened.error().error.what.empty());
    CHECK_FALSE(opened.error().error.hint.empty());
    return opened.error();
}

// A closed ledger of `count` entries.
void make_ledger(const TempDirectory& temp, int count) {
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(count)).has_value());
}

}  // namespace

TEST_CASE("the directory and its files are for leverd's user only") {
    const mode_t before = ::umask(0);
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    REQUIRE(append(*ledger, entries(1)).has_value());
    ::umask(before);
    CHECK(mode_of(temp.state()) == 0700);
    int files = 0;
    for (const auto& file : fs::directory_iterator(temp.state())) {
        CAPTURE(file.path().string());
        CHECK(mode_of(file.path()) == 0600);
        ++files;
    }
    CHECK(files == 5);  // ledger.db, -wal, -shm, lock, witness
}

TEST_CASE("one holder per state directory, also inside one process") {
    const TempDirectory temp;
    auto ledger = open_ledger(temp.state());
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::locked);
    REQUIRE(append(*ledger, entries(1)).has_value());
    ledger.reset();
    CHECK(append(*open_ledger(temp.state()), {})->entries == 1);
}

TEST_CASE("one holder per state directory, across processes") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    const pid_t child = ::fork();
    if (child == 0) {
        const auto opened = SqliteLedger::open(temp.state());
        ::_exit(opened ? 0 : opened.error().kind == LedgerOpenFailure::locked ? 7 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("a newer schema is refused and the file is not touched") {
    const TempDirectory temp;
    make_ledger(temp, 3);
    RawDatabase(temp.file()).exec("PRAGMA user_version = 3");
    const std::string before = read_bytes(temp.file());
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::newer_schema);
    CHECK(read_bytes(temp.file()) == before);
    CHECK_FALSE(fs::exists(temp.file().string() + "-wal"));
}

TEST_CASE("a newer schema is seen also while it is only in the write-ahead log") {
    const TempDirectory temp;
    make_ledger(temp, 3);
    RawDatabase newer(temp.file());
    newer.exec("PRAGMA user_version = 3");
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::newer_schema);
    CHECK(newer.text("PRAGMA user_version") == "3");
}

TEST_CASE("what is not a ledger is corrupt and stays as it is") {
    const TempDirectory temp;
    fs::create_directories(temp.state());
    std::string bytes;
    SECTION("empty") {}
    SECTION("short") {
        bytes = "SQLite format 3";
    }
    SECTION("text") {
        bytes = std::string(5'000, 'x');
    }
    SECTION("random") {
        std::mt19937 random(7);
        for (int i = 0; i < 20'000; ++i) {
            bytes.push_back(static_cast<char>(random()));
        }
    }
    SECTION("a header and nothing more") {
        bytes = std::string("SQLite format 3\0", 16) + std::string(200, '\0');
    }
    SECTION("another program's database") {
        RawDatabase(temp.root() / "other").exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
        bytes = read_bytes(temp.root() / "other");
    }
    SECTION("our mark, but no tables") {
        RawDatabase(temp.root() / "other")
            .exec(
                "PRAGMA application_id = 1280733796; PRAGMA user_version = 1; CREATE TABLE t (a)");
        bytes = read_bytes(temp.root() / "other");
    }
    write_bytes(temp.file(), bytes);
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::corrupt);
    CHECK(read_bytes(temp.file()) == bytes);
    CHECK(verify_ledger(temp.state()).has_error());
}

TEST_CASE("damaged pages are corrupt, also far before the end of the chain") {
    const TempDirectory temp;
    make_ledger(temp, 3'000);
    std::string bytes = read_bytes(temp.file());
    REQUIRE(bytes.size() > 50 * 4096);
    bytes.replace(4 * 4096, 4096, std::string(4096, '\x5A'));
    write_bytes(temp.file(), bytes);
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::corrupt);
    CHECK(read_bytes(temp.file()) == bytes);
}

TEST_CASE("a cut file is corrupt") {
    const TempDirectory temp;
    make_ledger(temp, 200);
    const std::string bytes = read_bytes(temp.file());
    write_bytes(temp.file(), bytes.substr(0, bytes.size() / 2));
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::corrupt);
}

TEST_CASE("a broken end of the chain is corrupt") {
    const TempDirectory temp;
    make_ledger(temp, 1'100);
    SECTION("changed") {
        RawDatabase(temp.file()).exec("UPDATE entry SET at = at + 1 WHERE sequence = 1050");
    }
    SECTION("removed") {
        RawDatabase(temp.file()).exec("DELETE FROM entry WHERE sequence = 1050");
    }
    SECTION("cut off") {
        RawDatabase(temp.file()).exec("DELETE FROM entry WHERE sequence > 1090");
    }
    SECTION("emptied") {
        RawDatabase(temp.file()).exec("DELETE FROM entry");
    }
    SECTION("gone on") {
        RawDatabase(temp.file())
            .exec("INSERT INTO entry SELECT 1101, at, wall, kind, json, hash FROM entry LIMIT 1");
    }
    SECTION("head removed") {
        RawDatabase(temp.file()).exec("DELETE FROM head");
    }
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::corrupt);
    CHECK(verify_ledger(temp.state()).has_error());
}

TEST_CASE("a change long ago does not stop the start, and verification finds it") {
    const TempDirectory temp;
    make_ledger(temp, 1'100);
    RawDatabase(temp.file()).exec("UPDATE entry SET at = at + 1 WHERE sequence = 42");
    CHECK(append(*open_ledger(temp.state()), entries(1))->entries == 1'101);
    const auto verified = verify_ledger(temp.state());
    REQUIRE(verified.has_error());
    CHECK(verified.error().what == "ledger entry 42: its hash does not match its content");
}

TEST_CASE("a log without its ledger is corrupt: a new file would take over old pages") {
    const TempDirectory temp;
    fs::create_directories(temp.state());
    write_bytes(temp.file().string() + "-wal", "anything");
    CHECK(open_failure(temp.state()).kind == LedgerOpenFailure::corrupt);
    CHECK_FALSE(fs::exists(temp.file()));
}

TEST_CASE("what an interrupted first start left behind is no obstacle") {
    const TempDirectory temp;
    fs::create_directories(temp.state());
    write_bytes(temp.state() / "ledger.db.new", "half a file");
    write_bytes(temp.state() / "ledger.db.new-journal", "half a journal");
    CHECK(append(*open_ledger(temp.state()), entries(1))->entries == 1);
}

TEST_CASE("a place where nothing can be written is told apart") {
    const TempDirectory temp;
    write_bytes(temp.root() / "file", "");
    CHECK(open_failure(temp.root() / "file").kind == LedgerOpenFailure::unwritable);
    CHECK(open_failure(temp.root() / "file" / "below").kind == LedgerOpenFailure::unwritable);
    CHECK(open_failure("/proc/leverd-state").kind == LedgerOpenFailure::unwritable);
}

TEST_CASE("verification of nothing is an error and creates nothing") {
    const TempDirectory temp;
    CHECK(verify_ledger(temp.state()).has_error());
    CHECK_FALSE(fs::exists(temp.state()));
    fs::create_directories(temp.state());
    CHECK(verify_ledger(temp.state()).has_error());
    CHECK(fs::is_empty(temp.state()));
}

TEST_CASE("a state directory with odd letters in its name works") {
    const TempDirectory temp;
    const fs::path odd = temp.root() / "a b?c#d%20&e=f'\"\xC3\xA9";
    {
        const auto ledger = open_ledger(odd);
        REQUIRE(append(*ledger, entries(2)).has_value());
    }
    CHECK(verify_ledger(odd)->end.entries == 2);
    CHECK(fs::exists(odd / "ledger.db"));
}
