// Why: a page that changes with every look of an outage is noise; what changes without any news is
// told now and then.
#include "tests/unit/policies/page_story.hpp"

#include <algorithm>

using namespace leverd;
using namespace leverd::test;
using namespace std::chrono_literals;

TEST_CASE("what a firing page explains besides is told at most each fifteen seconds") {
    Bench bench(recommending());
    bench.settle();
    std::vector<std::string> down;
    const auto second = [&] {
        bench.advance(1s);
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        for (const auto* tenant : {"acme", "globex", "initech"}) {
            if (std::ranges::find(down, tenant) == down.end()) {
                bench.good(tenant, 1);
            } else {
                bench.bad(tenant);
            }
        }
        bench.reference(0, true);
        bench.reference(1, true);
        bench.tick();
    };
    for (int i = 0; i < 30; ++i) {
        second();
    }
    REQUIRE(heard(bench) == std::vector<std::string>{"firing i-1"});
    for (const auto* tenant : {"acme", "globex", "initech"}) {
        down.emplace_back(tenant);
        for (int i = 0; i < 4; ++i) {
            second();
        }
    }
    for (int i = 0; i < 20; ++i) {
        second();
    }
    const auto told = sent(bench);
    REQUIRE(told.size() >= 2);
    CHECK(told.back().text.find("It explains 3 more symptoms") != std::string::npos);
    for (std::size_t i = 1; i < told.size(); ++i) {
        CHECK(told[i].at.at - told[i - 1].at.at >= 15s);
    }
}
