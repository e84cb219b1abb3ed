// Why: a guesser must neither fill the journal nor stay out of it.
#include "daemon/muffle.hpp"
#include "tests/catch.hpp"

using namespace leverd;

TEST_CASE("the first is told at once, the rest once a minute and by number") {
    Muffle muffle(Millis{60'000});
    const Instant start = at_millis(1'000'000);
    CHECK(muffle.heard(start) == 1);
    for (int i = 1; i < 6'000; ++i) {
        CHECK_FALSE(muffle.heard(start + Millis{i * 10}).has_value());
    }
    CHECK(muffle.heard(start + Millis{60'000}) == 6'000);
    CHECK_FALSE(muffle.heard(start + Millis{60'001}).has_value());
    CHECK(muffle.heard(start + Millis{999'999}) == 2);
}
