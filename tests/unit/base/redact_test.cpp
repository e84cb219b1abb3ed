// Why: whatever a stack answers may end on a page. Each row is a place where a secret was seen to
// stand in a real answer.
#include "core/base/redact.hpp"

#include "core/base/known_secrets.hpp"
#include "tests/catch.hpp"
#include "tests/unit/base/echo_forms.hpp"

#include <vector>

using namespace leverd;

namespace {

// Stands for the secret; no part of it may be left.
constexpr std::string_view planted = "Zq7pL9xkV3";

}  // namespace

TEST_CASE("a planted secret never survives, wherever it stands") {
    const std::string s(planted);
    const std::vector<std::string> texts{
        R"({"admin_token":")" + s + R"("})",
        R"({"adminToken" : ")" + s + R"(","ok":true})",
        R"({"a":{"client_secret":")" + s + R"("}})",
        R"({"password":")" + s + R"(\")" + s + R"("})",
        R"({"error":"{\"api_key\":\")" + s + R"(\"}"})",
        "{'token': '" + s + "'}",
        "Authorization: Bearer " + s,
        "authorization: basic " + s + "==",
        "the upstream said: bearer " + s + ", goodbye",
        "https://x.test/?a=1&token=" + s + "&b=2",
        "session=" + s + "; Path=/",
        "Set-Cookie: sid=1; auth_token=" + s,
        R"({"token":")" + s,
        "key ghp_" + s + s,
        "sk-" + s + s,
        "eyJ" + s + s + "." + s + "." + s,
        "X-Api-Key: " + s,
        "password = " + s,
        "PASSWORD=" + s + "\nnext",
    };
    for (const std::string& text : texts) {
        CAPTURE(text);
        const std::string shown = redact(text);
        CAPTURE(shown);
        CHECK(shown.find(planted) == std::string::npos);
        CHECK(shown.find("[masked]") != std::string::npos);
    }
}

TEST_CASE("what leverd holds is masked wherever it is") {
    const Secret known{std::string(planted)};
    const Secret too_short{"abc"};
    CHECK(redact("x " + std::string(planted) + std::string(planted) + " abc") ==
          "x [masked][masked] abc");
    CHECK(redact_header("x-echo", planted) == "[masked]");
}

TEST_CASE("headers with a telling name are masked as a whole") {
    CHECK(redact_header("Set-Cookie", "a=b") == "[masked]");
    CHECK(redact_header("X-Auth-Token", "a b c") == "[masked]");
    CHECK(redact_header("content-type", "application/json") == "application/json");
}

TEST_CASE("what a person needs stays readable") {
    for (const std::string text :
         {R"({"status":"ok","service":"molecule-cp"})", "sha256:0123456789abcdef",
          R"({"error":"invalid admin auth token"})", "404 page not found",
          "3f0c0000-0000-4000-8000-000000000001"}) {
        CHECK(redact(text) == text);
    }
}

TEST_CASE("an excerpt never shows half a secret at its cut") {
    const Secret known{std::string(900, 'k')};
    for (std::size_t lead = 0; lead < 5000; lead += 7) {
        const std::string body = std::string(lead, ' ') + std::string(900, 'k') + "rest";
        CHECK(excerpt_of(body, 1024).find("kkkk") == std::string::npos);
    }
    CHECK(excerpt_of(std::string(5000, 'x'), 1024).size() <= 1024);
}

namespace {

// With everything in it that an encoder touches.
const std::string canary = "Kn0wn/s3cret+of=\"p&rod\"-7QzX";

}  // namespace

TEST_CASE("a known secret is masked in every coat in which it travels") {
    const Secret known{std::string(canary)};
    for (const auto& form : test::echo_forms()) {
        CAPTURE(form.name);
        for (const std::string before :
             {"", "you sent: ", "a", "ab", "abc\n", "{\"x\":\"", "://"}) {
            const std::string worn = form.put_on(canary);
            const std::string text = before + worn + "\" and more words here";
            CAPTURE(text);
            for (const std::string& shown : {redact(text), mask_known(text)}) {
                CAPTURE(shown);
                CHECK_FALSE(test::leaks(shown, canary));
                CHECK(shown.find("[masked]") != std::string::npos);
                CHECK(shown.find("more words here") != std::string::npos);
            }
        }
    }
}

TEST_CASE("a secret that others cut is masked as far as it goes") {
    const Secret known{std::string(canary)};
    CHECK(mask_known("bad token '" + canary.substr(0, 18) + "...'") == "bad token '[masked]...'");
    CHECK(mask_known("Basic " + test::base64("me:" + canary).substr(0, 30)).find("S24wd24") ==
          std::string::npos);
}

TEST_CASE("JSON stays JSON when a secret is masked in it") {
    const Secret known{"nQuote12-345x"};
    // The escape before the secret could be taken for a part of it.
    CHECK(mask_known("{\"a\":\"\\nQuote12-345x\"}") == "{\"a\":\"[masked]\"}");
}

TEST_CASE("a secret is known from its making until a day after its last copy") {
    auto& known = KnownSecrets::instance();
    const std::string value = "r0tated-yesterday-8d7f";
    const Instant now = at_millis(1'000'000);
    known.tell(now);
    {
        const Secret first{std::string(value)};
        const Secret copy = first;
        known.tell(now + 10 * KnownSecrets::kept_for);
        CHECK(mask_known(value) == "[masked]");
        known.tell(now);
    }
    known.tell(now + KnownSecrets::kept_for - Millis{1});
    CHECK(mask_known(value) == "[masked]");
    forget_old_secrets(now + KnownSecrets::kept_for + Millis{1});
    CHECK(mask_known(value) == value);
    const Secret again{std::string(value)};
    CHECK(mask_known(value) == "[masked]");
}

TEST_CASE("secrets that are fetched again and again do not fill the memory") {
    auto& known = KnownSecrets::instance();
    const std::size_t before = known.size();
    for (int i = 0; i < 3000; ++i) {
        const Secret minted{"token-" + std::to_string(i) + std::string(4000, 'x')};
    }
    CHECK(known.size() - before <= KnownSecrets::unused_bytes_max / 4000);
    CHECK(mask_known("token-2999" + std::string(4000, 'x')) == "[masked]");
}

TEST_CASE("a plain word is masked in what others say and not in leverd's own words") {
    const Secret word{"workspace"};
    CHECK(redact("its mode is workspace") == "its mode is [masked]");
    CHECK(mask_known("{\"workspace\":1}") == "{\"workspace\":1}");
    CHECK_FALSE(hard_to_mask(word).empty());
    CHECK_FALSE(hard_to_mask(Secret{"short"}).empty());
    CHECK(hard_to_mask(Secret{"a-token-0123456789"}).empty());
}

TEST_CASE("bytes that merely hold a secret are not known themselves") {
    const Secret wire = Secret::unlisted("GET / HTTP/1.1 wire-bytes-0123456789");
    CHECK(mask_known("wire-bytes-0123456789") == "wire-bytes-0123456789");
}
