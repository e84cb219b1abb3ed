// Why: whoever is called at night reads the beginning and the next step; neither may be what is
// cut.
#include "core/base/shorten.hpp"

#include "core/base/text.hpp"
#include "tests/catch.hpp"

using namespace leverd;

TEST_CASE("the next step outlives the evidence when a text is shortened") {
    const std::string step = "Next: recreate it by hand, then leverd ack i-1 --why ...";
    const std::string text =
        "Since 18:00. Seen: " + std::string(1'000, 'x') + ". It is gone. " + step;
    const auto shown = shorten(text, 600);
    CHECK(shown.size() <= 600);
    CHECK(shown.starts_with("Since 18:00. Seen: xxx"));
    CHECK(shown.find("...") != std::string::npos);
    CHECK(shown.ends_with("It is gone. " + step));
    // A next step that is longer than the end which is usually kept.
    const auto longer = "Next: " + std::string(450, 'y') + " end";
    CHECK(shorten(std::string(1'000, 'x') + ". " + longer, 600).ends_with(longer));
}

TEST_CASE("what is short enough stays, and no shortened text is longer than it may be") {
    CHECK(shorten("plain text", 10) == "plain text");
    CHECK(shorten("tab\tnew", 60) == "tab?new");
    std::string all;
    for (int byte = 0; byte < 3'000; ++byte) {
        all.push_back(static_cast<char>(byte * 167 % 256));
    }
    for (const auto& text : {all, std::string(3'000, '.'), all + "Next: " + all, "Next: " + all}) {
        for (std::size_t limit = 0; limit < 800; ++limit) {
            const auto once = shorten(text, limit);
            REQUIRE(once.size() <= limit);
            REQUIRE(sanitize(once, limit) == once);
        }
    }
}
