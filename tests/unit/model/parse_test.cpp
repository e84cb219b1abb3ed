// Why: whatever a remote side sends, parsing ends with a value or a short error that quotes
// nothing.
#include "core/model/codec.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

using namespace leverd;

namespace {
std::string repeat(std::string_view piece, std::size_t times) {
    std::string out;
    out.reserve(piece.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        out.append(piece);
    }
    return out;
}
}  // namespace

TEST_CASE("good JSON comes through unchanged") {
    for (const std::string& text :
         {std::string("{}"), std::string("[]"), std::string("null"), std::string("true"),
          std::string("\"caf\xC3\xA9\""), std::string("18446744073709551615"),
          std::string("-9223372036854775808"), std::string("0.1"), std::string("\"\""),
          std::string("{\"a\":[1,2,{\"b\":null,\"c\":[[]]}],\"d\":{\"a\":{\"a\":1}},\"e\":\"x\"}"),
          std::string("[{\"a\":1},{\"a\":2}]"), repeat("[", 64) + repeat("]", 64)}) {
        const auto parsed = parse_json(text);
        CAPTURE(text);
        REQUIRE(parsed.has_value());
        CHECK(dump(*parsed) == text);
    }
    CHECK(parse_json(" \t\r\n{ \"a\" : 1 } ").has_value());
}

TEST_CASE("hostile JSON is refused in so many words") {
    struct Row {
        std::string text;
        std::string what;
    };
    const std::vector<Row> rows{
        {"", "not valid JSON at byte 1"},
        {"{", "not valid JSON at byte 2"},
        {"{\"a\":1", "not valid JSON at byte 7"},
        {"[1,2", "not valid JSON at byte 5"},
        {"[1,]", "not valid JSON at byte 4"},
        {"\"abc", "not valid JSON at byte 5"},
        {"nul", "not valid JSON at byte 4"},
        {"NaN", "not valid JSON at byte 1"},
        {"{}{}", "not valid JSON at byte 3"},
        {"{} x", "not valid JSON at byte 4"},
        {"// c\n{}", "not valid JSON at byte 1"},
        {"\"\xFF\"", "not valid JSON at byte 2"},
        {"\"\xC0\xAF\"", "not valid JSON at byte 2"},
        {"\"\xED\xA0\x80\"", "not valid JSON at byte 3"},
        {"\"\\ud800\"", "not valid JSON at byte 8"},
        {std::string("\"a\0b\"", 5), "not valid JSON at byte 3"},
        {std::string("\0", 1), "not valid JSON at byte 1"},
        {std::string("{}\0{\"down\":1}", 13), "not valid JSON at byte 3"},
        {"1e999", "number out of range before byte 5"},
        {"[-1e999]", "number out of range before byte 7"},
        {"01", "not valid JSON at byte 2"},
        {"{\"a\":1,\"a\":1}", "repeated key \"a\""},
        {"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", "repeated key \"b\""},
        {"{\"a\":1,\"\\u0061\":2}", "repeated key \"a\""},
        {"{\"" + repeat("k", 500) + "\":1,\"" + repeat("k", 500) + "\":2}",
         "repeated key \"" + repeat("k", 61) + "...\""},
        {repeat("[", 65) + repeat("]", 65), "nested deeper than 64 levels"},
        {repeat("[", 100'000), "nested deeper than 64 levels"},
        {repeat("{\"a\":", 100'000), "nested deeper than 64 levels"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text.substr(0, 80));
        const auto parsed = parse_json(row.text);
        REQUIRE(parsed.has_error());
        CHECK(parsed.error().what == row.what);
    }
}

TEST_CASE("the depth limit is the caller's") {
    CHECK(parse_json("[[]]", 2).has_value());
    CHECK(parse_json("[[[]]]", 2).has_error());
    CHECK(parse_json("1", 0).has_value());
    CHECK(parse_json("[]", 0).has_error());
    CHECK(parse_json("[]", -1).has_error());
}

TEST_CASE("an error does not quote what was parsed") {
    const auto parsed = parse_json("{\"token\": s3cr3t-value}");
    REQUIRE(parsed.has_error());
    CHECK(parsed.error().what.find("s3cr3t") == std::string::npos);
    CHECK(parsed.error().hint.find("s3cr3t") == std::string::npos);
}

TEST_CASE("every prefix of a document ends in an error or a value, never worse") {
    const std::string text =
        "{\"a\":[1,-2.5e3,true,false,null,\"\\u00e9\\n\"],\"b\":{\"c\":\"\xC3\xA9\"}}";
    for (std::size_t length = 0; length < text.size(); ++length) {
        CHECK(parse_json(std::string_view(text).substr(0, length)).has_error());
    }
    CHECK(parse_json(text).has_value());
}

TEST_CASE("a number too large for 64 bits becomes a double, not another integer") {
    const auto parsed = parse_json("18446744073709551616");
    REQUIRE(parsed.has_value());
    CHECK(parsed->is_number_float());
}
