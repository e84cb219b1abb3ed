// Why: the compact form must give back what a probe said, and share what it may share only.
#include "policies/looks.hpp"

#include "tests/catch.hpp"

using namespace leverd;

namespace {

Observation look(const std::string& probe, Facts facts) {
    Observation made;
    made.subject = Subject{"tenant/acme"};
    made.probe = probe;
    made.health = Health::degraded;
    made.reason = Reason::drift;
    made.origin = Origin::local;
    made.evidence = "seen";
    made.version = "v1";
    made.facts = std::move(facts);
    made.seen = Now{at_millis(5), WallTime{Millis{6}}};
    made.took = Millis{7};
    made.phases.tls = Millis{3};
    return made;
}

}  // namespace

TEST_CASE("a kept look is given back as it was made") {
    LookShapes shapes;
    Looks looks;
    const auto first = look("b", {{"x", 1}, {"y", 2}});
    looks.keep(shapes, first);
    REQUIRE(looks.find("b") != nullptr);
    CHECK(as_observation(first.subject, *looks.find("b")) == first);
    auto next = look("b", {{"y", 4}});
    next.evidence = "other";
    next.version.clear();
    looks.keep(shapes, next);
    CHECK(as_observation(next.subject, *looks.find("b")) == next);
}

TEST_CASE("looks are found by their probe alone") {
    LookShapes shapes;
    Looks looks;
    for (const auto* probe : {"c", "a", "b"}) {
        looks.keep(shapes, look(probe, {{probe, 1}}));
    }
    for (const auto* probe : {"a", "b", "c"}) {
        REQUIRE(looks.find(probe) != nullptr);
        CHECK(looks.find(probe)->shape->facts == std::vector<std::string>{probe});
    }
    CHECK(looks.find("") == nullptr);
    CHECK(looks.find("bb") == nullptr);
    looks.erase("b");
    looks.erase("z");
    CHECK(looks.find("b") == nullptr);
    CHECK(looks.find("c") != nullptr);
}

TEST_CASE("a look that says the same counts up, another begins anew") {
    LookShapes shapes;
    Looks looks;
    auto one = look("a", {});
    CHECK(looks.keep(shapes, one));
    one.evidence = "in other words";
    one.facts = {{"x", 1}};
    CHECK_FALSE(looks.keep(shapes, one));
    CHECK(looks.find("a")->repeats == 2);
    one.reason = Reason::image_moved;
    CHECK(looks.keep(shapes, one));
    CHECK(looks.find("a")->repeats == 1);
    CHECK(looks.find("a")->fact("x") == 1);
    CHECK_FALSE(looks.find("a")->fact("y").has_value());
}

TEST_CASE("subjects share the names and not the values") {
    LookShapes shapes;
    Looks here;
    Looks there;
    here.keep(shapes, look("a", {{"x", 1}}));
    there.keep(shapes, look("a", {{"x", 2}}));
    CHECK(here.find("a")->shape == there.find("a")->shape);
    CHECK(here.find("a")->values == std::vector<double>{1});
    CHECK(there.find("a")->values == std::vector<double>{2});
}

TEST_CASE("names that a remote side makes up do not pile up") {
    LookShapes shapes;
    Looks looks;
    std::weak_ptr<const LookShape> early;
    for (int i = 0; i < 2000; ++i) {
        looks.keep(shapes, look("a", {{"x" + std::to_string(i), i}}));
        if (i == 0) {
            early = looks.find("a")->shape;
        }
    }
    CHECK(early.expired());
    CHECK(looks.find("a")->values == std::vector<double>{1999});
}
