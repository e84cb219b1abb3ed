// Why: a window that opens an hour off on the day of a clock change is how an automatic lever fires
// inside a maintenance. The two nights of a year on which local time is not a line are tested here.
#include "core/base/zone.hpp"

#include "tests/catch.hpp"

using namespace leverd;

namespace {

Zone berlin() {
    auto found = Zone::find("Europe/Berlin");
    REQUIRE(found.has_value());
    return *found;
}

WallTime utc(const std::string& text) {
    const auto parsed = Zone{}.parse_local(text);
    REQUIRE(parsed.has_value());
    return *parsed;
}

std::string shown(const Zone& zone, const std::string& utc_text) {
    const auto local = zone.local(utc(utc_text));
    return std::to_string(local.weekday) + " " + std::to_string(local.minute_of_day / 60) + ":" +
           std::to_string(local.minute_of_day % 60);
}

}  // namespace

TEST_CASE("UTC needs no data and has no surprises") {
    CHECK(format_rfc3339(utc("2026-05-06T18:00")) == "2026-05-06T18:00:00.000Z");
    CHECK(shown(Zone{}, "2026-05-06T23:59") == "2 23:59");
    CHECK(shown(Zone{}, "1969-12-31T23:59") == "2 23:59");
}

TEST_CASE("in spring an hour is skipped, in autumn one comes twice") {
    const auto zone = berlin();
    CHECK(shown(zone, "2026-03-29T00:59") == "6 1:59");
    CHECK(shown(zone, "2026-03-29T01:00") == "6 3:0");
    CHECK(shown(zone, "2026-10-25T00:30") == "6 2:30");
    CHECK(shown(zone, "2026-10-25T01:30") == "6 2:30");
    CHECK(shown(zone, "2026-10-25T02:30") == "6 3:30");
}

TEST_CASE("midnight belongs to the new day of the zone, not of UTC") {
    CHECK(shown(berlin(), "2026-06-30T21:59") == "1 23:59");
    CHECK(shown(berlin(), "2026-06-30T22:00") == "2 0:0");
}

TEST_CASE("a local time that does not exist is refused, a double one is the earlier") {
    const auto zone = berlin();
    const auto skipped = zone.parse_local("2026-03-29T02:30");
    REQUIRE_FALSE(skipped.has_value());
    CHECK(skipped.error().what ==
          "2026-03-29T02:30 does not exist in Europe/Berlin: the clock skips it");
    const auto twice = zone.parse_local("2026-10-25T02:30");
    REQUIRE(twice.has_value());
    CHECK(format_rfc3339(*twice) == "2026-10-25T00:30:00.000Z");
}

TEST_CASE("an unknown zone and an unreadable time say what is right") {
    const auto unknown = Zone::find("Europe/Berln");
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().what == "no time zone \"Europe/Berln\"");
    CHECK(unknown.error().hint == "did you mean \"Europe/Berlin\"?");
    for (const char* text :
         {"", "tomorrow", "2026-05-06", "2026-05-06T18:00Z", "2026-13-01T00:00"}) {
        CAPTURE(text);
        CHECK_FALSE(Zone{}.parse_local(text).has_value());
    }
}
