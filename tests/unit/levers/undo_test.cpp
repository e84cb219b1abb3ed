// Why: taking a move back is a move too: it may touch only what is still as leverd left it, and a
// lever without an inverse must say so instead of guessing one.
#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

constexpr const char* first = "molecule-ai/platform";
constexpr const char* second = "molecule-ai/platform-tenant";
constexpr const char* hermes = "molecule-ai/workspace-template-hermes";

std::string latest(const char* repo) {
    return std::string(repo) + ":latest";
}

// Both platform tags were moved from bad to good by a lever that made things worse.
struct Pair {
    World world{"platform-rollback"};
    std::string good1, good2, bad1, bad2;
    Plan done;

    Pair() {
        auto& registry = world.registry;
        good1 = registry.index(first, "p1", "2026-05-01T00:00:00Z");
        good2 = registry.image(second, "t1", "2026-05-01T00:00:00Z");
        bad1 = registry.index(first, "p2", "2026-05-06T00:00:00Z");
        bad2 = registry.image(second, "t2", "2026-05-06T00:00:00Z");
        registry.tags[std::string(first) + ":staging-aaaaaaa"] = good1;
        registry.tags[std::string(second) + ":staging-aaaaaaa"] = good2;
        point(bad1, bad2);
        done = world.planned("platform");
        REQUIRE(world.fire(done).kind == OutcomeKind::accepted);
        REQUIRE(registry.tags[latest(first)] == good1);
        world.http.seen.clear();
    }
    void point(const std::string& one, const std::string& two) {
        world.registry.tags[latest(first)] = one;
        world.registry.tags[latest(second)] = two;
    }
};

TEST_CASE("a pair goes back to the digests it had, by the same lever") {
    Pair pair;
    const auto plan = pair.world.undo(pair.done);
    REQUIRE(plan.has_value());
    check_no_token(*plan);
    CHECK(pair.world.http.mutations().empty());
    CHECK(plan->lever == "platform-rollback");
    CHECK(plan->subject == pair.done.subject);
    CHECK(plan->resource == pair.done.resource);
    CHECK(plan->params.at("to.1") == pair.bad1);
    CHECK(plan->params.at("to.2") == pair.bad2);
    CHECK(plan->moves.at(std::string("image/") + first) == pair.bad1);
    CHECK(plan->calls.size() == 2);
    CHECK(pair.world.fire(*plan).kind == OutcomeKind::accepted);
    CHECK(pair.world.registry.tags[latest(first)] == pair.bad1);
    CHECK(pair.world.registry.tags[latest(second)] == pair.bad2);
    CHECK(pair.world.http.mutations().size() == 2);
    CHECK(pair.world.observe(*plan).took == Took::yes);
    CHECK(pair.world.prove(*plan)->health == Health::healthy);
}

TEST_CASE("nothing is taken back that is not as leverd left it") {
    struct Row {
        const char* name;
        std::function<void(Pair&)> change;
        const char* words;
    };
    const Row rows[] = {
        {"somebody moved one since",
         [](Pair& p) {
             const auto third = p.world.registry.index(first, "p3", "2026-05-06T02:00:00Z");
             p.point(third, p.good2);
         },
         "conflict"},
        {"somebody moved the other one since",
         [](Pair& p) {
             const auto third = p.world.registry.image(second, "t3", "2026-05-06T02:00:00Z");
             p.point(p.good1, third);
         },
         "conflict"},
        {"somebody took one back already", [](Pair& p) { p.point(p.bad1, p.good2); },
         "still the old"},
        {"a tag cannot be read", [](Pair& p) { p.world.registry.heads[second] = 500; },
         "cannot be read"},
        {"the old image is gone",
         [](Pair& p) { p.world.registry.manifests.erase(std::string(second) + "@" + p.bad2); },
         "404"},
        {"another registry is configured",
         [](Pair& p) { p.world.config.registry.url = "https://other.test"; }, "configuration"},
        {"the plan is none of ours", [](Pair& p) { p.done.params["to.1"] = "latest"; },
         "configuration"},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Pair pair;
        row.change(pair);
        const auto plan = pair.world.undo(pair.done);
        REQUIRE(plan.has_error());
        INFO(plan.error().what);
        CHECK(plan.error().what.find(row.words) != std::string::npos);
        check_no_token(plan.error().what + plan.error().hint);
        CHECK(pair.world.http.mutations().empty());
    }
}

TEST_CASE("an undo is refused too when the tag moves between plan and call") {
    Pair pair;
    const auto plan = pair.world.undo(pair.done);
    REQUIRE(plan.has_value());
    pair.point(pair.bad1, pair.good2);
    CHECK(pair.world.fire(*plan).kind == OutcomeKind::refused);
    CHECK(pair.world.http.mutations().empty());
}

TEST_CASE("a template goes back to the image from before the rollback") {
    World world("template-rollback");
    const auto good = world.registry.index(hermes, "good", "2026-05-01T00:00:00Z");
    const auto bad = world.registry.image(hermes, "bad", "2026-05-06T00:00:00Z");
    world.registry.tags[latest(hermes)] = bad;
    world.receipt("hermes: " + good + "\n");
    const auto done = world.planned(std::string("image/") + hermes);
    REQUIRE(world.fire(done).kind == OutcomeKind::accepted);
    // What the receipt says is of no interest here.
    world.config.freeze.receipt.clear();
    const auto plan = world.undo(done);
    REQUIRE(plan.has_value());
    CHECK(plan->moves == std::map<std::string, std::string>{{std::string("image/") + hermes, bad}});
    CHECK(world.fire(*plan).kind == OutcomeKind::accepted);
    CHECK(world.registry.tags[latest(hermes)] == bad);
}

TEST_CASE("a lever without an inverse says so, and its contract says the same") {
    const levers::LeverTable table;
    for (const auto& lever : table.all()) {
        const auto& contract = lever->contract();
        if (contract.can_undo) {
            continue;
        }
        INFO(contract.id);
        World world(contract.id);
        Plan done;
        done.lever = contract.id;
        const auto plan = world.undo(done);
        REQUIRE(plan.has_error());
        CHECK(plan.error().what == "lever " + contract.id + " has no inverse");
        CHECK(plan.error().hint.find(contract.inverse) != std::string::npos);
        CHECK(world.http.seen.empty());
    }
}

}  // namespace
}  // namespace leverd::test
