// Why: times are read by people and by the configuration, so their spelling is exact.
#include "core/base/time.hpp"
#include "tests/catch.hpp"

#include <limits>

using namespace leverd;

TEST_CASE("a wall time is spelled as RFC 3339 in UTC with milliseconds") {
    const auto [ms, expected] = GENERATE(table<std::int64_t, std::string>({
        {0, "1970-01-01T00:00:00.000Z"},
        {1'778'090'400'250, "2026-05-06T18:00:00.250Z"},
        {951'782'399'999, "2000-02-28T23:59:59.999Z"},
        {951'868'799'999, "2000-02-29T23:59:59.999Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {253'402'300'799'999, "9999-12-31T23:59:59.999Z"},
        {253'402'300'800'000, "9999-12-31T23:59:59.999Z"},
        {std::numeric_limits<std::int64_t>::max(), "9999-12-31T23:59:59.999Z"},
        {-62'167'219'200'000, "0000-01-01T00:00:00.000Z"},
        {-62'167'219'200'001, "0000-01-01T00:00:00.000Z"},
        {std::numeric_limits<std::int64_t>::min(), "0000-01-01T00:00:00.000Z"},
    }));
    CHECK(format_rfc3339(WallTime{Millis{ms}}) == expected);
}

TEST_CASE("a duration is spelled in the largest unit that is exact") {
    const auto [ms, expected] = GENERATE(table<std::int64_t, std::string>({
        {0, "0s"},
        {250, "250ms"},
        {999, "999ms"},
        {1'000, "1s"},
        {1'001, "1001ms"},
        {90'000, "90s"},
        {120'000, "2m"},
        {900'000, "15m"},
        {5'400'000, "90m"},
        {7'200'000, "2h"},
        {90'000'000, "25h"},
        {259'200'000, "3d"},
        {-1'500, "-1500ms"},
        {-60'000, "-1m"},
    }));
    CHECK(format_duration(Millis{ms}) == expected);
}
