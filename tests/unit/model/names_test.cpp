// Why: the words are a public interface; a changed or missing one is seen here first.
#include "core/model/codec.hpp"
#include "core/model/inventory.hpp"
#include "core/model/reason.hpp"
#include "tests/catch.hpp"
#include "tests/unit/model/examples.hpp"

#include <set>
#include <string>

using namespace leverd;

TEST_CASE("every reason has its own word, a text and a known layer") {
    std::set<std::string_view> names;
    constexpr auto last = static_cast<int>(Reason::parent_unreadable);
    for (int i = 0; i <= last; ++i) {
        const auto reason = static_cast<Reason>(i);
        const ReasonRow& row = describe(reason);
        CAPTURE(row.name);
        CHECK(row.reason == reason);
        CHECK(names.insert(row.name).second);
        CHECK_FALSE(row.text.empty());
        CHECK(layer_name(row.layer) != "invalid");
        CHECK(reason_from_name(row.name) == reason);
        CHECK(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
              std::string_view::npos);
    }
    CHECK(names.size() == static_cast<std::size_t>(last) + 1);
    CHECK(reason_from_name("no_such_reason") == std::nullopt);
    CHECK(reason_from_name("") == std::nullopt);
    CHECK(describe(static_cast<Reason>(9'999)).reason != Reason::ok);
}

TEST_CASE("the words of the enumerations") {
    CHECK(to_string(Health::healthy) == "healthy");
    CHECK(to_string(Health::unknown) == "unknown");
    CHECK(to_string(Origin::local) == "local");
    CHECK(to_string(Mode::observe) == "observe");
    CHECK(to_string(Mode::automatic) == "auto");
    CHECK(to_string(Action::ask) == "ask");
    CHECK(to_string(OutcomeKind::refused) == "refused");
    CHECK(to_string(Took::unclear) == "unclear");
    CHECK(to_string(VerdictKind::not_recovered) == "not_recovered");
    CHECK(to_string(Severity::critical) == "critical");
    CHECK(to_string(Reversibility::restores_old_state) == "restores_old_state");
    CHECK(to_string(static_cast<Mode>(77)) == "invalid");
}

TEST_CASE("every alternative of an entry has its kind") {
    const std::vector<std::string_view> kinds{"started",
                                              "config",
                                              "observation",
                                              "symptom_raised",
                                              "symptom_cleared",
                                              "incident_opened",
                                              "incident_linked",
                                              "incident_closed",
                                              "incident_escalated",
                                              "plan",
                                              "decision",
                                              "approval",
                                              "intent",
                                              "outcome",
                                              "settled",
                                              "verdict",
                                              "stop",
                                              "observer",
                                              "page",
                                              "veto",
                                              "veto_lifted",
                                              "flapping",
                                              "breaker",
                                              "autonomy",
                                              "diagnosed",
                                              "known_good",
                                              "page_joined",
                                              "acknowledged",
                                              "snapshot",
                                              "compaction",
                                              "history_doubted",
                                              "history_accepted",
                                              "blind"};
    const auto bodies = test::example_bodies();
    REQUIRE(bodies.size() == kinds.size());
    REQUIRE(bodies.size() == std::variant_size_v<EntryBody>);
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        CHECK(bodies[i].index() == i);
        CHECK(entry_kind(bodies[i]) == kinds[i]);
    }
}

TEST_CASE("a list that came from outside is judged against the list we know") {
    const auto [known, next, verdict] = GENERATE(table<std::size_t, std::size_t, InventoryVerdict>({
        {0, 0, InventoryVerdict::accepted},
        {0, 5, InventoryVerdict::accepted},
        {1, 0, InventoryVerdict::empty},
        {50, 0, InventoryVerdict::empty},
        {3, 1, InventoryVerdict::accepted},
        {4, 2, InventoryVerdict::accepted},
        {4, 1, InventoryVerdict::shrunken},
        {5, 3, InventoryVerdict::accepted},
        {5, 2, InventoryVerdict::shrunken},
        {100, 50, InventoryVerdict::accepted},
        {100, 49, InventoryVerdict::shrunken},
        {4, 400, InventoryVerdict::accepted},
    }));
    CAPTURE(known, next);
    CHECK(judge_inventory(known, next) == verdict);
}
