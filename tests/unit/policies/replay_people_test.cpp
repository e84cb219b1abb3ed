// Why: a replay must hear what people said then, at the question it asks now, once and not for
// ever.
#include "policies/replay_people.hpp"
#include "tests/catch.hpp"

using namespace leverd;
using namespace std::chrono_literals;

namespace {

Decision question(const std::string& id, const std::string& lever) {
    Decision made;
    made.id = id;
    made.lever = lever;
    made.subject = Subject{"tenant/acme"};
    made.action = Action::ask;
    made.hash = "h-" + id;
    return made;
}

State asking(const Decision& decision) {
    State state;
    auto& incident = state.incidents["i-1"];
    incident.id = "i-1";
    incident.decision = decision;
    return state;
}

Approval yes() {
    Approval made;
    made.approved = true;
    made.who = "someone";
    return made;
}

}  // namespace

TEST_CASE("an answer waits for its question, and is given once") {
    const auto start = at_millis(1000);
    EarlyAnswers early;
    early.keep(start, question("then", "tenant-redeploy"), yes());
    CHECK_FALSE(early.take(start, State{}).has_value());
    const auto now = asking(question("now", "tenant-redeploy"));
    const auto given = early.take(start + 30s, now);
    REQUIRE(given.has_value());
    CHECK(given->decision == "now");
    CHECK(given->hash == "h-now");
    CHECK(given->approved);
    CHECK_FALSE(early.take(start + 30s, now).has_value());
}

TEST_CASE("an answer goes to no other question and not to a late one") {
    const auto start = at_millis(1000);
    EarlyAnswers early;
    early.keep(start, question("then", "tenant-redeploy"), yes());
    CHECK_FALSE(early.take(start, asking(question("now", "tenant-restart"))).has_value());
    auto closed = asking(question("now", "tenant-redeploy"));
    closed.incidents["i-1"].phase = IncidentPhase::closed;
    CHECK_FALSE(early.take(start, closed).has_value());
    CHECK_FALSE(early.take(start + 61s, asking(question("now", "tenant-redeploy"))).has_value());
}
