// Why: the ledger's text is what leverd remembers; every kind must come back exactly, and equal
// values must give equal bytes.
#include "core/model/codec.hpp"
#include "tests/catch.hpp"
#include "tests/unit/model/examples.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

using namespace leverd;

TEST_CASE("every kind of entry comes back byte for byte") {
    for (const EntryBody& body : test::example_bodies()) {
        const std::string kind(entry_kind(body));
        const std::string text = dump(to_json(body));
        CAPTURE(kind, text);
        const auto back = entry_from_json(kind, text);
        REQUIRE(back.has_value());
        CHECK(back->index() == body.index());
        CHECK(dump(to_json(*back)) == text);
    }
}

TEST_CASE("entries with every member empty come back too") {
    const std::vector<EntryBody> bodies{Started{},        Observed{}, PlanMade{}, Decision{},
                                        Intent{},         Outcome{},  Paged{},    StopSet{},
                                        IncidentClosed{}, Settled{},  Verdict{},  Approval{}};
    for (const EntryBody& body : bodies) {
        const std::string text = dump(to_json(body));
        CAPTURE(text);
        const auto back = entry_from_json(entry_kind(body), text);
        REQUIRE(back.has_value());
        CHECK(dump(to_json(*back)) == text);
    }
}

TEST_CASE("members go where they belong") {
    const auto bodies = test::example_bodies();
    const auto observed = entry_from_json("observation", dump(to_json(bodies[2])));
    REQUIRE(observed.has_value());
    CHECK(std::get<Observed>(*observed).observation == test::example_observation());
    CHECK(std::get<Observed>(*observed).repeats == 17);
    CHECK(std::get<Observed>(*observed).previous_until == at_millis(900));
    const auto intent = entry_from_json("intent", dump(to_json(bodies[12])));
    REQUIRE(intent.has_value());
    CHECK(std::get<Intent>(*intent).plan == test::example_plan());
    CHECK(std::get<Intent>(*intent).decision == "d-1");
    CHECK(std::get<Intent>(*intent).incident == "i-1");
    const auto decision = entry_from_json("decision", dump(to_json(bodies[10])));
    REQUIRE(decision.has_value());
    CHECK(std::get<Decision>(*decision).mode == Mode::automatic);
    CHECK(std::get<Decision>(*decision).guards == std::get<Decision>(bodies[10]).guards);
}

TEST_CASE("the text of an observation, whole") {
    CHECK(dump(to_json(test::example_bodies()[2])) ==
          "{\"observation\":{\"attributes\":{\"runtime\":\"hermes\",\"tenant\":\"acme\"},"
          "\"evidence\":\"503 \\\"busy\\\" \\\\ caf\xC3\xA9\","
          "\"facts\":{\"failed_percent\":33.3,\"requests\":12.0},\"health\":\"failing\","
          "\"origin\":\"target\","
          "\"phases\":{\"body\":5,\"connect\":2,\"dns\":1,\"header\":4,\"tls\":3},"
          "\"probe\":\"tenant_health\",\"reason\":\"http_5xx\","
          "\"seen\":{\"at\":1000,\"wall\":1778090400250},\"subject\":\"tenant/acme\",\"took\":42,"
          "\"version\":\"sha256:abc\"},\"previous_until\":900,\"repeats\":17}");
}

TEST_CASE("64-bit integers are exact") {
    for (const std::int64_t n :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
          std::int64_t{9'007'199'254'740'993}, std::int64_t{-1}, std::int64_t{0}}) {
        const auto back =
            entry_from_json("started", dump(to_json(EntryBody{Started{"", "", "", n}})));
        REQUIRE(back.has_value());
        CHECK(std::get<Started>(*back).boottime_ms == n);
    }
}

TEST_CASE("facts come back with every bit, also those that JSON has no word for") {
    for (const double n :
         {0.1, 1.0 / 3.0, -0.0, 1e300, 5e-324, 12.0, -1e15, std::numeric_limits<double>::max(),
          std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
          std::numeric_limits<double>::quiet_NaN()}) {
        Observed body;
        body.observation.facts["n"] = n;
        const std::string text = dump(to_json(EntryBody{body}));
        const auto back = entry_from_json("observation", text);
        CAPTURE(text);
        REQUIRE(back.has_value());
        const double read = std::get<Observed>(*back).observation.facts.at("n");
        CHECK(std::isnan(read) == std::isnan(n));
        CHECK((std::isnan(n) || (read == n && std::signbit(read) == std::signbit(n))));
    }
}

TEST_CASE("a broken byte in a text is replaced, not thrown about") {
    const std::string text = dump(to_json(EntryBody{StopSet{true, "bad \xFF byte", ""}}));
    CHECK(text == "{\"stopped\":true,\"until\":0,\"who\":\"bad \xEF\xBF\xBD byte\",\"why\":\"\"}");
    CHECK(entry_from_json("stop", text).has_value());
}

TEST_CASE("a page of an older ledger reads as firing or resolved") {
    const auto read = [](const char* resolved) {
        const auto back = entry_from_json(
            "page", std::string{R"({"key":"i-1","severity":"critical","text":"x","title":"t",)"} +
                        R"("resolved":)" + resolved + "}");
        REQUIRE(back.has_value());
        return std::get<Paged>(*back);
    };
    CHECK(read("true").status == PageStatus::resolved);
    CHECK(read("false").status == PageStatus::firing);
    CHECK(read("true").version == 0);
    const auto now = dump(to_json(EntryBody{Paged{}}));
    CHECK(now.find("\"resolved\"") == std::string::npos);
}
