// Why: a secret must be comparable, must not survive in memory that was given back, and must not
// turn into text by itself.
#include "core/base/secret.hpp"
#include "tests/catch.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>

using namespace leverd;

TEST_CASE("a secret equals its own text only") {
    const Secret secret("correct horse");
    CHECK(equal_constant_time(secret, "correct horse"));
    CHECK_FALSE(equal_constant_time(secret, "correct hors"));
    CHECK_FALSE(equal_constant_time(secret, "correct horse "));
    CHECK_FALSE(equal_constant_time(secret, "Correct horse"));
    CHECK_FALSE(equal_constant_time(secret, ""));
    CHECK(equal_constant_time(Secret(std::string("a\0b", 3)), std::string("a\0b", 3)));
    CHECK_FALSE(equal_constant_time(Secret(std::string("a\0b", 3)), std::string("a\0c", 3)));
}

TEST_CASE("a secret that nobody configured lets nobody in") {
    CHECK_FALSE(equal_constant_time(Secret(), ""));
    CHECK_FALSE(equal_constant_time(Secret(""), "anything"));
}

TEST_CASE("a secret does not convert to text or from text by itself") {
    STATIC_REQUIRE_FALSE(std::is_convertible_v<Secret, std::string>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<Secret, std::string_view>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<std::string, Secret>);
}

TEST_CASE("copies, moves and assignments keep the value") {
    Secret a("first secret that is longer than a small string");
    Secret b(a);
    CHECK(b.reveal() == a.reveal());
    Secret c("x");
    c = b;
    CHECK(c.reveal() == a.reveal());
    const Secret& self = c;
    c = self;
    CHECK(c.reveal() == a.reveal());
    Secret d;
    d = std::move(c);
    CHECK(d.reveal() == a.reveal());
    CHECK(Secret().empty());
}

TEST_CASE("the bytes of a short secret are gone from its own memory") {
    // A short string lives inside the object, so its bytes can be looked at afterwards.
    const std::string value = "s3cr3t-abc";
    alignas(Secret) std::byte memory[sizeof(Secret)];
    auto* secret = new (memory) Secret(value);
    Secret taken(std::move(*secret));
    secret->~Secret();
    volatile const std::byte* seen = memory;
    std::string after;
    for (std::size_t i = 0; i < sizeof(Secret); ++i) {
        after.push_back(static_cast<char>(seen[i]));
    }
    CHECK(after.find("3cr3t") == std::string::npos);
    CHECK(taken.reveal() == value);
}
