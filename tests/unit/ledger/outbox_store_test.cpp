// Why: what was delivered must be known after a crash, and a disk that fails must cost no page and
// no start.
#include "core/ledger/outbox_store.hpp"

#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"

#include <filesystem>
#include <fstream>

using namespace leverd;

namespace {

std::vector<std::string> rows_in(const std::filesystem::path& directory) {
    OutboxStore store(directory);
    std::vector<std::string> out;
    for (const auto& row : store.take_rows()) {
        out.push_back(row.sink + "/" + row.key + "=" + row.json);
    }
    return out;
}

using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("rows of the outbox outlive the process, the newest of each") {
    const test::TempDirectory directory;
    {
        OutboxStore store(directory.root());
        store.save({{"pager", "i-1", "1"}, {"pager", "i-2", "1"}});
        store.save({{"pager", "i-1", "2"}, {"mail", "i-1", "1"}});
        store.settle();
        store.save({{"pager", "i-2", ""}});
    }
    CHECK(rows_in(directory.root()) == Rows{"mail/i-1=1", "pager/i-1=2"});
    const auto rights = std::filesystem::status(directory.root() / "outbox.db").permissions();
    CHECK((rights & std::filesystem::perms::others_all) == std::filesystem::perms::none);
    CHECK((rights & std::filesystem::perms::group_all) == std::filesystem::perms::none);
}

TEST_CASE("a damaged outbox is moved aside and a new one begun") {
    const test::TempDirectory directory;
    std::ofstream(directory.root() / "outbox.db") << std::string(8192, 'x');
    {
        OutboxStore store(directory.root());
        CHECK(store.problem().what.empty());
        CHECK(store.put_aside() == (directory.root() / "outbox.db.damaged").string());
        store.save({{"pager", "i-1", "1"}});
    }
    CHECK(rows_in(directory.root()) == Rows{"pager/i-1=1"});
    CHECK(std::filesystem::exists(directory.root() / "outbox.db.damaged"));
}

TEST_CASE("an outbox that cannot be written says so, and is written when it can be") {
    const test::TempDirectory directory;
    const auto missing = directory.root() / "not-there";
    {
        OutboxStore store(missing);
        CHECK(store.problem().what.find("outbox.db") != std::string::npos);
        store.save({{"pager", "i-1", "1"}});
        store.settle();
        CHECK_FALSE(store.problem().hint.empty());
        std::filesystem::create_directory(missing);
    }
    CHECK(rows_in(missing) == Rows{"pager/i-1=1"});
}

TEST_CASE("an outbox that is a link to another file is not followed") {
    const test::TempDirectory directory;
    std::ofstream(directory.root() / "precious") << "kept";
    std::filesystem::create_symlink(directory.root() / "precious", directory.root() / "outbox.db");
    {
        OutboxStore store(directory.root());
        CHECK_FALSE(store.problem().what.empty());
    }
    std::string text;
    std::ifstream(directory.root() / "precious") >> text;
    CHECK(text == "kept");
}
