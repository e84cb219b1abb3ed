// Why: these checks stand between remote text and a URL, a page or a record.
#include "core/base/text.hpp"
#include "tests/catch.hpp"

using namespace leverd;

namespace {
std::string repeat(std::string_view piece, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out.append(piece);
    }
    return out;
}
}  // namespace

TEST_CASE("slugs") {
    for (const std::string& good :
         {std::string("a"), std::string("acme-42"), std::string("-"), repeat("z", 63)}) {
        CHECK(is_slug(good));
    }
    for (const std::string& bad :
         {std::string(), repeat("z", 64), std::string("Acme"), std::string("a_b"),
          std::string("a.b"), std::string("a/b"), std::string("a b"), std::string("a\n"),
          std::string("a\0b", 3), std::string("\xC3\xA9"), std::string("../x"),
          std::string("a%2f")}) {
        CHECK_FALSE(is_slug(bad));
    }
}

TEST_CASE("uuids") {
    CHECK(is_uuid("0f8fad5b-d9cb-469f-a165-70867728950e"));
    CHECK(is_uuid("0F8FAD5B-D9CB-469F-A165-70867728950E"));
    for (const char* bad :
         {"", "0f8fad5b-d9cb-469f-a165-70867728950", "0f8fad5b-d9cb-469f-a165-70867728950e0",
          "0f8fad5bd-9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-7086772895g0",
          "{f8fad5b-d9cb-469f-a165-70867728950}", "0f8fad5b-d9cb-469f-a165/70867728950e"}) {
        CHECK_FALSE(is_uuid(bad));
    }
}

TEST_CASE("digests") {
    CHECK(is_digest("sha256:" + repeat("0123456789abcdef", 4)));
    CHECK_FALSE(is_digest("sha256:" + repeat("0123456789ABCDEF", 4)));
    CHECK_FALSE(is_digest("sha256:" + repeat("0", 63)));
    CHECK_FALSE(is_digest("sha256:" + repeat("0", 65)));
    CHECK_FALSE(is_digest("sha512:" + repeat("0", 64)));
    CHECK_FALSE(is_digest(repeat("0", 71)));
    CHECK_FALSE(is_digest(""));
}

TEST_CASE("tags") {
    for (const std::string& good : {std::string("latest"), std::string("staging-0a1b2c3"),
                                    std::string("_x.Y-1"), repeat("t", 128)}) {
        CHECK(is_tag(good));
    }
    for (const std::string& bad :
         {std::string(), std::string(".x"), std::string("-x"), std::string("a/b"),
          std::string("a:b"), std::string("a b"), repeat("t", 129)}) {
        CHECK_FALSE(is_tag(bad));
    }
}

TEST_CASE("repositories") {
    for (const std::string& good :
         {std::string("platform"), std::string("molecule-ai/workspace-template-hermes"),
          std::string("a/b/c"), std::string("a__b"), std::string("a--b"), std::string("a.b_c"),
          repeat("a", 255)}) {
        CHECK(is_repository(good));
    }
    for (const std::string& bad :
         {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
          std::string("a/../b"), std::string("."), std::string("A"), std::string("-a"),
          std::string("a-"), std::string("a..b"), std::string("a___b"), std::string("a._b"),
          std::string("a b"), std::string("a?b"), repeat("a", 256)}) {
        CHECK_FALSE(is_repository(bad));
    }
}

TEST_CASE("sanitize keeps what can be printed and marks what it cuts") {
    struct Row {
        std::string in;
        std::size_t limit;
        std::string out;
    };
    const std::vector<Row> rows{
        {"", 10, ""},
        {"plain text", 10, "plain text"},
        {"plain text!", 10, "plain t..."},
        {"tab\tnew\nline\x7F\x1B[31m", 64, "tab?new?line??[31m"},
        {std::string("nul\0byte", 8), 64, "nul?byte"},
        {"caf\xC3\xA9", 64, "caf\xC3\xA9"},
        {"\xF0\x9F\x9A\x80", 64, "\xF0\x9F\x9A\x80"},
        {"cut in caf\xC3\xA9", 11, "cut in c..."},
        {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 7, "\xC3\xA9\xC3\xA9..."},
        {"broken \xC3( \xFF \x80", 64, "broken ?( ? ?"},
        {"overlong \xC0\xAF", 64, "overlong ??"},
        {"surrogate \xED\xA0\x80", 64, "surrogate ???"},
        {"beyond \xF4\x90\x80\x80", 64, "beyond ????"},
        {"c1 \xC2\x85", 64, "c1 ?"},
        {"bidi \xE2\x80\xAE"
         "evil",
         64, "bidi ?evil"},
        {"line \xE2\x80\xA8 separator", 64, "line ? separator"},
        {"ends \xE2\x82", 64, "ends ??"},
        {"abcdef", 3, "..."},
        {"abcdef", 2, ".."},
        {"abcdef", 0, ""},
        {"abc", 3, "abc"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.in, row.limit);
        CHECK(sanitize(row.in, row.limit) == row.out);
    }
}

TEST_CASE("sanitize never exceeds its limit and its output is a fixed point") {
    std::string all;
    for (int round = 0; round < 3; ++round) {
        for (int byte = 0; byte < 256; ++byte) {
            all.push_back(static_cast<char>((byte * 167 + round * 91) % 256));
        }
    }
    for (std::size_t limit = 0; limit < 800; ++limit) {
        const std::string once = sanitize(all, limit);
        REQUIRE(once.size() <= limit);
        REQUIRE(sanitize(once, limit) == once);
    }
}

TEST_CASE("globs") {
    struct Row {
        const char* pattern;
        const char* text;
        bool match;
    };
    const std::vector<Row> rows{
        {"tenant/acme", "tenant/acme", true},
        {"tenant/acme", "tenant/acme2", false},
        {"tenant/*", "tenant/acme", true},
        {"tenant/*", "tenant/", true},
        {"tenant/*", "tenant/a/b", false},
        {"workspace/*/*", "workspace/a/b", true},
        {"workspace/*", "workspace/a/b", false},
        {"*", "canvas", true},
        {"*", "tenant/acme", false},
        {"**", "tenant/acme", false},
        {"**", "canvas", true},
        {"*-demo", "a-demo-demo", true},
        {"*-demo", "a-demo-demos", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"*/a*b", "x/aab", true},
        {"*a/b", "aaa/b", true},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"?", "a", false},
        {"[a]", "a", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.pattern, row.text);
        CHECK(glob_match(row.pattern, row.text) == row.match);
    }
}

TEST_CASE("a hostile glob takes no exponential time") {
    CHECK_FALSE(glob_match(repeat("a*", 2'000) + "b", repeat("a", 20'000)));
}

TEST_CASE("split keeps empty parts") {
    CHECK(split("a/b", '/') == std::vector<std::string>{"a", "b"});
    CHECK(split("", '/') == std::vector<std::string>{""});
    CHECK(split("/a//", '/') == std::vector<std::string>{"", "a", "", ""});
}

TEST_CASE("suggest finds the near word and says nothing when none is near") {
    const std::vector<std::string> words{"interval", "timeout", "subjects", "mode", "on", ""};
    CHECK(suggest("intervall", words) == "interval");
    CHECK(suggest("tiemout", words) == "timeout");
    CHECK(suggest("subject", words) == "subjects");
    CHECK(suggest("modes", words) == "mode");
    CHECK(suggest("elephant", words) == std::nullopt);
    CHECK(suggest("x", words) == std::nullopt);
    CHECK(suggest("", words) == std::nullopt);
    CHECK(suggest(repeat("a", 100'000), words) == std::nullopt);
    CHECK(suggest("abc", {}) == std::nullopt);
}

TEST_CASE("SHA-256 of the standard's examples") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
