// Why: a chain of hashes cannot tell that its end is gone, that an old copy lies in its place or
// that somebody wrote all of it anew. What the witness knows can.
#include "core/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"

#include <csignal>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

using namespace leverd;
using namespace leverd::test;
namespace fs = std::filesystem;

namespace {

Entry veto(int number) {
    return Entry{
        Now{at_millis(number), WallTime{Millis{1'778'090'400'000 + number}}},
        VetoSet{"v-" + std::to_string(number), "tenant/acme", "", Instant{}, "ops", "demo"}};
}

// A ledger whose process was killed: its newest entries lie in the write-ahead log alone.
void make_killed(const fs::path& directory, int count) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        const auto ledger = open_ledger(directory);
        for (int i = 1; i <= count; ++i) {
            if (!append(*ledger, {veto(i)})) {
                ::_exit(1);
            }
        }
        (void)!::write(ends[1], "x", 1);
        for (;;) {
            ::pause();
        }
    }
    ::close(ends[1]);
    char done = 0;
    REQUIRE(::read(ends[0], &done, 1) == 1);
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    ::close(ends[0]);
}

void make_closed(const fs::path& directory, int count, const LedgerOptions& options = {}) {
    const auto ledger = open_ledger(directory, options);
    for (int i = 1; i <= count; ++i) {
        REQUIRE(append(*ledger, {veto(i)}).has_value());
    }
}

std::string wal(const TempDirectory& temp) {
    return temp.file().string() + "-wal";
}
std::string shm(const TempDirectory& temp) {
    return temp.file().string() + "-shm";
}

// All hashes after a change, as somebody would compute them who has read how.
void recompute(const TempDirectory& temp) {
    RawDatabase db(temp.file());
    const int last = std::stoi(db.text("SELECT count(*) FROM entry"));
    std::string hash(64, '0');
    for (int i = 1; i <= last; ++i) {
        const auto where = " FROM entry WHERE sequence = " + std::to_string(i);
        const auto rest = db.text(
            "SELECT sequence || char(10) || at || char(10) || wall || "
            "char(10) || kind || char(10) || json" +
            where);
        hash = sha256_hex(hash + "\n" + rest);
        db.exec("UPDATE entry SET hash = '" + hash + "' WHERE sequence = " + std::to_string(i));
    }
    db.exec("UPDATE head SET sequence = " + std::to_string(last) + ", hash = '" + hash + "'");
}

void check_found(const TempDirectory& temp, const LedgerOptions& options = {}) {
    CHECK(verify_ledger(temp.state(), options).has_error());
    {
        const auto ledger = open_ledger(temp.state(), options);
        REQUIRE(ledger->history().doubt.has_value());
        CHECK_FALSE(ledger->history().first);
        // What is written now does not make the witness forget.
        REQUIRE(append(*ledger, {veto(100)}).has_value());
    }
    const auto again = open_ledger(temp.state(), options);
    REQUIRE(again->history().doubt.has_value());
    CHECK(accept_history(*again).has_value());
}

}  // namespace

TEST_CASE("history that is not the one the witness knows is found at the start") {
    const TempDirectory temp;
    SECTION("the write-ahead log was removed after a kill") {
        make_killed(temp.state(), 20);
        REQUIRE(fs::file_size(wal(temp)) > 0);
        fs::remove(wal(temp));
        fs::remove(shm(temp));
    }
    SECTION("half of the write-ahead log is gone") {
        make_killed(temp.state(), 20);
        fs::resize_file(wal(temp), fs::file_size(wal(temp)) / 2);
        fs::remove(shm(temp));
    }
    SECTION("an old copy was put back") {
        make_closed(temp.state(), 10);
        const auto old = read_bytes(temp.file());
        make_closed(temp.state(), 5);
        write_bytes(temp.file(), old);
    }
    SECTION("the ledger was removed") {
        make_closed(temp.state(), 10);
        fs::remove(temp.file());
    }
    SECTION("the end was cut off and the record of it moved") {
        make_closed(temp.state(), 10);
        RawDatabase(temp.file())
            .exec(
                "DELETE FROM entry WHERE sequence > 7; UPDATE head SET sequence = 7, hash = "
                "(SELECT hash FROM entry WHERE sequence = 7)");
    }
    SECTION("an entry was changed and all hashes computed again") {
        make_closed(temp.state(), 10);
        RawDatabase(temp.file())
            .exec("UPDATE entry SET json = replace(json, 'acme', 'none') WHERE sequence = 3");
        recompute(temp);
    }
    SECTION("an entry was taken out and all hashes computed again") {
        make_closed(temp.state(), 10);
        RawDatabase(temp.file())
            .exec(
                "DELETE FROM entry WHERE sequence = 4; UPDATE entry SET sequence = -sequence WHERE "
                "sequence > 4; UPDATE entry SET sequence = -sequence - 1 WHERE sequence < 0");
        recompute(temp);
    }
    check_found(temp);
    const auto after = open_ledger(temp.state());
    CHECK_FALSE(after->history().doubt.has_value());
}

TEST_CASE("a witness that is gone or says something else is found, too") {
    const TempDirectory temp;
    make_closed(temp.state(), 10);
    make_closed(temp.state(), 1);
    SECTION("gone") {
        fs::remove(temp.state() / "witness");
    }
    SECTION("odd") {
        write_bytes(temp.state() / "witness", "all is well\n");
    }
    SECTION("empty") {
        write_bytes(temp.state() / "witness", "");
    }
    SECTION("a link to somewhere else") {
        fs::rename(temp.state() / "witness", temp.root() / "elsewhere");
        fs::create_symlink(temp.root() / "elsewhere", temp.state() / "witness");
    }
    const auto ledger = open_ledger(temp.state());
    CHECK(ledger->history().doubt.has_value());
}

TEST_CASE("the whole state directory put back to an older copy is known to the second witness") {
    const TempDirectory temp;
    const LedgerOptions options{temp.root() / "second", Secret{}, {}};
    make_closed(temp.state(), 10, options);
    fs::copy(temp.state(), temp.root() / "copy");
    make_closed(temp.state(), 5, options);
    fs::remove_all(temp.state());
    SECTION("an older copy") {
        fs::copy(temp.root() / "copy", temp.state());
    }
    SECTION("nothing at all") {}
    check_found(temp, options);
}

TEST_CASE("a first start says so, and with all witnesses gone it is one again") {
    const TempDirectory temp;
    CHECK(open_ledger(temp.state())->history().first);
    CHECK_FALSE(open_ledger(temp.state())->history().first);
    fs::remove_all(temp.state());
    CHECK(open_ledger(temp.state())->history().first);
}

TEST_CASE("the witness knows of a veto before anybody hears that it is durable") {
    const TempDirectory temp;
    const auto ledger = open_ledger(temp.state());
    const auto report = append(*ledger, {veto(1)});
    REQUIRE(report.has_value());
    CHECK(report->witnessed);
    CHECK(read_bytes(temp.state() / "witness") == "1 " + report->last_hash + "\n");
}

TEST_CASE("a witness that cannot be written is said with the commit, and is well again later") {
    const TempDirectory temp;
    const LedgerOptions options{temp.root() / "missing" / "second", Secret{}, {}};
    const auto ledger = open_ledger(temp.state(), options);
    CHECK_FALSE(append(*ledger, {veto(1)})->witnessed);
    fs::create_directories(temp.root() / "missing");
    CHECK(append(*ledger, {veto(2)})->witnessed);
}

TEST_CASE("a process that was killed at any moment leaves a witness that fits") {
    const TempDirectory temp;
    for (int round = 0; round < 5; ++round) {
        make_killed(temp.state(), 3 + round);
        CHECK_FALSE(open_ledger(temp.state())->history().doubt.has_value());
    }
}

TEST_CASE("a line that a person noted is compared") {
    const TempDirectory temp;
    make_closed(temp.state(), 10);
    const auto end = verify_ledger(temp.state())->end;
    const auto holds = [&](std::int64_t sequence, const std::string& hash) {
        return verify_ledger(temp.state(), {}, LedgerAtLeast{sequence, hash}).has_value();
    };
    CHECK(holds(10, end.last_hash));
    CHECK(holds(10, end.last_hash.substr(0, 12)));
    CHECK_FALSE(holds(10, "ffff"));
    CHECK_FALSE(holds(10, ""));
    CHECK_FALSE(holds(11, end.last_hash));
}

TEST_CASE("with a key nobody else can go on with the chain") {
    const TempDirectory temp;
    make_closed(temp.state(), 5);
    const LedgerOptions keyed{{}, Secret{"a key of some length"}, {}};
    make_closed(temp.state(), 5, keyed);
    const auto verified = verify_ledger(temp.state(), keyed);
    REQUIRE(verified.has_value());
    CHECK(verified->keyed_from == 6);
    CHECK_FALSE(verified->key_missing);
    CHECK(verify_ledger(temp.state())->key_missing);
    CHECK(verify_ledger(temp.state(), LedgerOptions{{}, Secret{"another"}, {}}).has_error());
    CHECK(SqliteLedger::open(temp.state()).has_error());
    RawDatabase(temp.file())
        .exec("UPDATE entry SET json = replace(json, 'acme', 'none') WHERE sequence = 8");
    const auto changed = verify_ledger(temp.state(), keyed);
    REQUIRE(changed.has_error());
    CHECK(changed.error().what == "ledger entry 8: its hash does not match its content");
}
