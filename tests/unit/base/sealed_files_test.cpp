// Why: what is sealed is the last copy of somebody's keys. It must survive a kill, stand nowhere in
// plain text, and open for nobody else.
#include "core/base/secret_safe.hpp"
#include "tests/catch.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace leverd::test {
namespace {

namespace fs = std::filesystem;

struct Room {
    fs::path path;
    Room() {
        std::string pattern = "/tmp/leverd-sealed-XXXXXX";
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Room() { fs::remove_all(path); }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    fs::path sealed() const { return path / "sealed"; }
    std::string bytes(const std::string& name) const {
        std::ifstream file(sealed() / name, std::ios::binary);
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    }
};

const std::string plain = R"({"OPENROUTER_API_KEY":"s3cr3t-one"})";

TEST_CASE("sealed values come back after the process that sealed them is gone") {
    const Room room;
    REQUIRE(make_sealed_files(room.sealed(), Secret("the-sealing-key"))
                ->keep("t-1", Secret::unlisted(plain))
                .has_value());
    const auto other = make_sealed_files(room.sealed(), Secret("the-sealing-key"));
    CHECK(other->kept() == std::vector<std::string>{"t-1"});
    const auto opened = other->open("t-1");
    REQUIRE(opened.has_value());
    CHECK(opened->reveal() == plain);
    other->forget("t-1");
    CHECK(other->kept().empty());
    CHECK(other->open("t-1").has_error());
}

TEST_CASE("a sealed file is the owner's alone and shows nothing") {
    const Room room;
    const auto safe = make_sealed_files(room.sealed(), Secret("the-sealing-key"));
    REQUIRE(safe->keep("t-1", Secret::unlisted(plain)).has_value());
    REQUIRE(safe->keep("t-2", Secret::unlisted(plain)).has_value());
    struct stat info{};
    REQUIRE(::stat((room.sealed() / "t-1.sealed").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
    REQUIRE(::stat(room.sealed().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0700U);
    for (const char* name : {"t-1.sealed", "t-2.sealed"}) {
        CHECK(room.bytes(name).find("s3cr3t") == std::string::npos);
        CHECK(room.bytes(name).find("OPENROUTER") == std::string::npos);
    }
    // The same values twice look like two strangers.
    CHECK(room.bytes("t-1.sealed").substr(16) != room.bytes("t-2.sealed").substr(16));
}

TEST_CASE("a sealed file opens with its own key, for its own intent, and whole only") {
    const Room room;
    const auto safe = make_sealed_files(room.sealed(), Secret("the-sealing-key"));
    REQUIRE(safe->keep("t-1", Secret::unlisted(plain)).has_value());
    const auto other = make_sealed_files(room.sealed(), Secret("another-key"))->open("t-1");
    REQUIRE(other.has_error());
    CHECK(other.error().hint.find("sealing key") != std::string::npos);
    fs::copy(room.sealed() / "t-1.sealed", room.sealed() / "t-2.sealed");
    CHECK(safe->open("t-2").has_error());
    const auto whole = room.bytes("t-1.sealed");
    for (const std::size_t at : {std::size_t{0}, std::size_t{20}, whole.size() - 1}) {
        auto bent = whole;
        bent[at] = static_cast<char>(bent[at] ^ 1);
        std::ofstream(room.sealed() / "t-1.sealed", std::ios::binary) << bent;
        CHECK(safe->open("t-1").has_error());
    }
    std::ofstream(room.sealed() / "t-1.sealed", std::ios::binary) << whole.substr(0, 30);
    CHECK(safe->open("t-1").has_error());
}

TEST_CASE("no file is written for a name that is none, or without a key") {
    const Room room;
    CHECK(make_sealed_files(room.sealed(), Secret("the-sealing-key"))
              ->keep("../t-1", Secret::unlisted(plain))
              .has_error());
    CHECK(make_sealed_files(room.sealed(), Secret{})
              ->keep("t-1", Secret::unlisted(plain))
              .has_error());
    CHECK_FALSE(fs::exists(room.sealed()));
    fs::create_directory(room.sealed());
    fs::create_symlink(room.path / "elsewhere", room.sealed() / "t-1.sealed.new");
    REQUIRE(make_sealed_files(room.sealed(), Secret("the-sealing-key"))
                ->keep("t-1", Secret::unlisted(plain))
                .has_value());
    CHECK_FALSE(fs::exists(room.path / "elsewhere"));
}

}  // namespace
}  // namespace leverd::test
