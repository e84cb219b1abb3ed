// Why: whatever a stack answers may end on a page. Each row is a place where a secret was seen to
// stand in a real answer.
#include "core/base/redact.hpp"

#include "tests/catch.hpp"

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
    const Redactor redactor;
    for (const std::string& text : texts) {
        CAPTURE(text);
        const std::string shown = redactor.text(text);
        CAPTURE(shown);
        CHECK(shown.find(planted) == std::string::npos);
        CHECK(shown.find("[masked]") != std::string::npos);
    }
}

TEST_CASE("what leverd holds is masked wherever it is") {
    Redactor redactor;
    redactor.learn(Secret{std::string(planted)});
    redactor.learn(Secret{"abc"});
    CHECK(redactor.text("x " + std::string(planted) + std::string(planted) + " abc") ==
          "x [masked][masked] abc");
    CHECK(redactor.header("x-echo", planted) == "[masked]");
}

TEST_CASE("headers with a telling name are masked as a whole") {
    const Redactor redactor;
    CHECK(redactor.header("Set-Cookie", "a=b") == "[masked]");
    CHECK(redactor.header("X-Auth-Token", "a b c") == "[masked]");
    CHECK(redactor.header("content-type", "application/json") == "application/json");
}

TEST_CASE("what a person needs stays readable") {
    const Redactor redactor;
    for (const std::string text :
         {R"({"status":"ok","service":"molecule-cp"})", "sha256:0123456789abcdef",
          R"({"error":"invalid admin auth token"})", "404 page not found",
          "3f0c0000-0000-4000-8000-000000000001"}) {
        CHECK(redactor.text(text) == text);
    }
}

TEST_CASE("an excerpt never shows half a secret at its cut") {
    Redactor redactor;
    redactor.learn(Secret{std::string(900, 'k')});
    for (std::size_t lead = 0; lead < 5000; lead += 7) {
        const std::string body = std::string(lead, ' ') + std::string(900, 'k') + "rest";
        CHECK(excerpt_of(redactor, body, 1024).find("kkkk") == std::string::npos);
    }
    CHECK(excerpt_of(redactor, std::string(5000, 'x'), 1024).size() <= 1024);
}
