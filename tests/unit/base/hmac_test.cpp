// Why: a wrong digest would turn every event away, and one that accepts an empty key lets anyone
// in. The vectors are published ones: GitHub's documentation and RFC 2202.
#include "core/base/hmac.hpp"

#include "tests/catch.hpp"

using namespace leverd;

TEST_CASE("hmac gives the published digests") {
    CHECK(hmac_hex(HashKind::sha256, Secret{"It's a Secret to Everybody"}, "Hello, World!")
              .reveal() == "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    CHECK(hmac_hex(HashKind::sha1, Secret{"Jefe"}, "what do ya want for nothing?").reveal() ==
          "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST_CASE("hmac with an empty key is nothing that could be equalled") {
    CHECK(hmac_hex(HashKind::sha256, Secret{}, "x").empty());
    CHECK_FALSE(equal_constant_time(hmac_hex(HashKind::sha256, Secret{}, "x"), ""));
}
