// Why: /proc is text that other programs may shape (a process chooses its own name), so its reading
// is checked on texts, and once on the real thing.
#include "exporters/prometheus/process.hpp"

#include "tests/catch.hpp"

#include <algorithm>
#include <string>

using namespace leverd::exporters;

namespace {

std::string stat_of(const std::string& name) {
    return "42 (" + name +
           ") S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 3 0 1000 8192000 300 "
           "18446744073709551615 1 1 0";
}

}  // namespace

TEST_CASE("process figures are read behind any program name") {
    const auto name = GENERATE(as<std::string>{}, "leverd", "a b", "evil) S 9 9 (x", "))) ");
    const auto read = parse_process(stat_of(name), "cpu 1 2\nbtime 1700000000\n", 100, 4096);
    REQUIRE(read);
    CHECK(read->cpu_seconds == Approx(2.0));
    CHECK(read->virtual_bytes == Approx(8192000));
    CHECK(read->resident_bytes == Approx(300 * 4096));
    REQUIRE(read->start_seconds);
    CHECK(*read->start_seconds == Approx(1700000010.0));
}

TEST_CASE("without the boot time only the start is missing") {
    const auto read = parse_process(stat_of("leverd"), "", 100, 4096);
    REQUIRE(read);
    CHECK_FALSE(read->start_seconds);
    CHECK(read->cpu_seconds == Approx(2.0));
}

TEST_CASE("broken texts give nothing") {
    const auto text = GENERATE(as<std::string>{}, "", "42", "42 (x)", "42 (x) ", "42 (x) S 1 2 3",
                               "42 (x) S 1 42 42 0 -1 4 1 0 0 0 -1 x 0 0 20 0 3 0 1 8 3 1");
    CHECK_FALSE(parse_process(text, "btime 1\n", 100, 4096));
    CHECK_FALSE(parse_process(stat_of("x"), "btime 1\n", 0, 4096));
}

TEST_CASE("the families of this very process") {
    const auto families = process_families();
    const auto value = [&](const std::string& name) {
        const auto found = std::find_if(families.begin(), families.end(),
                                        [&](const auto& f) { return f.name == name; });
        REQUIRE(found != families.end());
        REQUIRE(found->metric.size() == 1);
        return found->metric[0].gauge.value;
    };
    CHECK(value("process_resident_memory_bytes") > 100'000);
    CHECK(value("process_open_fds") >= 3);
    CHECK(value("process_max_fds") >= value("process_open_fds"));
    CHECK(value("process_start_time_seconds") > 1.5e9);
    CHECK(process_families("/nonexistent").size() == 1);
}
