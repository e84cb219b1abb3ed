// Why: a replayed event must be known again after a restart, and neither a flood nor a broken file
// may grow or stop anything.
#include "core/ledger/deliveries.hpp"

#include "tests/catch.hpp"
#include "tests/unit/ledger/support.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

using namespace leverd;

namespace {

constexpr WallTime noon{Millis{1'778'000'000'000}};

std::string id(std::size_t number) {
    return fmt::format("{:032x}", number);
}

}  // namespace

TEST_CASE("a delivery is new once, also after a restart") {
    const test::TempDirectory directory;
    const auto file = directory.root() / "deliveries";
    {
        auto memory = Deliveries::open(file, noon);
        REQUIRE(memory.has_value());
        CHECK(memory->is_new("github", {id(1), id(2)}, noon));
        CHECK_FALSE(memory->is_new("github", {id(1)}, noon));
    }
    auto again = Deliveries::open(file, noon);
    REQUIRE(again.has_value());
    CHECK_FALSE(again->is_new("github", {id(2)}, noon + Millis{1}));
    CHECK(again->is_new("github", {id(3)}, noon));
}

TEST_CASE("a replay under another delivery id teaches nothing") {
    Deliveries memory;
    CHECK(memory.is_new("github", {id(1), id(2)}, noon));
    for (std::size_t i = 100; i < 200; ++i) {
        CHECK_FALSE(memory.is_new("github", {id(1), id(i)}, noon));
    }
    CHECK(memory.size() == 2);
}

TEST_CASE("deliveries are forgotten after a day, and the clock may have been wrong") {
    const test::TempDirectory directory;
    const auto file = directory.root() / "deliveries";
    const WallTime far = noon + Millis{365LL * 86'400'000};
    {
        auto memory = Deliveries::open(file, far);
        REQUIRE(memory.has_value());
        CHECK(memory->is_new("github", {id(1)}, far));
    }
    auto back = Deliveries::open(file, noon);
    REQUIRE(back.has_value());
    CHECK_FALSE(back->is_new("github", {id(1)}, noon));
    CHECK(back->is_new("github", {id(1)}, noon + Deliveries::kept_for + Millis{1}));
}

TEST_CASE("a flood of deliveries keeps memory and file bounded") {
    const test::TempDirectory directory;
    const auto file = directory.root() / "deliveries";
    auto memory = Deliveries::open(file, noon);
    REQUIRE(memory.has_value());
    for (std::size_t i = 0; i < 3 * Deliveries::kept_max; ++i) {
        memory->is_new("github", {id(i)}, noon);
    }
    CHECK(memory->size() == Deliveries::kept_max);
    CHECK(std::filesystem::file_size(file) <= 2 * Deliveries::kept_max * 56);
    auto again = Deliveries::open(file, noon);
    REQUIRE(again.has_value());
    CHECK(again->size() == Deliveries::kept_max);
    CHECK_FALSE(again->is_new("github", {id(3 * Deliveries::kept_max - 1)}, noon));
}

TEST_CASE("a flood from one sender washes out nothing of another") {
    Deliveries memory;
    CHECK(memory.is_new("github", {id(1)}, noon));
    for (std::size_t i = 0; i < 2 * Deliveries::kept_max; ++i) {
        memory.is_new("railway", {id(1'000 + i)}, noon);
    }
    CHECK_FALSE(memory.is_new("github", {id(1)}, noon));
    CHECK(memory.is_new("gitea", {id(1)}, noon));  // an id means something within its source only
    CHECK(memory.size() == Deliveries::kept_max + 2);
}

TEST_CASE("lines that nobody wrote so are left out") {
    const test::TempDirectory directory;
    const auto file = directory.root() / "deliveries";
    const std::string good = fmt::format("{} {} github\n", to_millis(noon), id(7));
    test::write_bytes(file, "\n\x01\xff\n12\nx y\n99999999999999999999 " + id(8) + "\n" + good +
                                fmt::format("{} {}\n", to_millis(noon), id(6)) +
                                fmt::format("{} {} ../x\n", to_millis(noon), id(5)) +
                                fmt::format("{} {} github", to_millis(noon), id(9).substr(3)));
    auto memory = Deliveries::open(file, noon);
    REQUIRE(memory.has_value());
    CHECK(memory->size() == 1);
    CHECK_FALSE(memory->is_new("github", {id(7)}, noon));
}

TEST_CASE("without a file a delivery is still remembered") {
    const test::TempDirectory directory;
    const auto opened = Deliveries::open(directory.root() / "no" / "such" / "place", noon);
    REQUIRE(opened.has_error());
    CHECK(opened.error().what.find("cannot write") != std::string::npos);
}

TEST_CASE("a link that somebody put in the way is replaced, and its target left alone") {
    const test::TempDirectory directory;
    const auto file = directory.root() / "deliveries";
    const auto target = directory.root() / "precious";
    std::ofstream(target) << "keep me";
    std::filesystem::create_symlink(target, file.string() + ".new");
    {
        auto memory = Deliveries::open(file, noon);
        REQUIRE(memory.has_value());
        CHECK(memory->is_new("github", {id(1)}, noon));
    }
    std::string text;
    std::getline(std::ifstream(target), text);
    CHECK(text == "keep me");
    CHECK_FALSE(std::filesystem::is_symlink(file));
    // Nor is a link in place of the file itself read or written through.
    std::filesystem::remove(file);
    std::filesystem::create_symlink(target, file);
    auto again = Deliveries::open(file, noon);
    REQUIRE(again.has_value());
    CHECK(again->is_new("github", {id(1)}, noon));
    std::getline(std::ifstream(target), text);
    CHECK(text == "keep me");
    CHECK_FALSE(std::filesystem::is_symlink(file));
}
