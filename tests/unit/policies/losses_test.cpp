// Why: what a lever destroyed and nothing replaced cannot be seen by any look; it must stay a
// person's case, and how a case ended must be told as it was.
#include "policies/losses.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using namespace leverd::test;

namespace {

constexpr const char* acme = "tenant/acme";

Outcome deleted_only(OutcomeKind kind) {
    Outcome outcome;
    outcome.intent = "t-1";
    outcome.kind = kind;
    outcome.detail = "delete: 200; create: 400 (invalid workspace fields)";
    outcome.results[lost_result] = acme;
    return outcome;
}

std::string end_of_only_case(const Bench& bench) {
    const auto closed = bench.entries<IncidentClosed>();
    return closed.size() == 1 ? closed[0].end : std::to_string(closed.size()) + " cases ended";
}

std::vector<Paged> open_pages(const Bench& bench) {
    std::vector<Paged> open;
    for (const auto& [key, page] : bench.view().pages) {
        if (page.status != PageStatus::resolved) {
            open.push_back(page);
        }
    }
    return open;
}

void heal(Bench& bench) {
    bench.good("acme");
    bench.advance(std::chrono::seconds{1});
    bench.good("acme");
}

}  // namespace

TEST_CASE("deleted and not recreated is told as that, and stays open until a person says so") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.send(deleted_only(OutcomeKind::failed));
    const auto escalated = bench.entries<IncidentEscalated>();
    REQUIRE(escalated.size() == 1);
    CHECK(escalated[0].why.starts_with("tenant/acme is gone and nothing replaced it"));
    CHECK(escalated[0].why.find("create: 400") != std::string::npos);
    CHECK(escalated[0].why.find("leverd ack i-1") != std::string::npos);
    CHECK(escalated[0].why.find("lost") == std::string::npos);
    heal(bench);
    CHECK(bench.view().symptoms.empty());
    bench.advance(std::chrono::hours{5});
    bench.tick();
    bench.restart();
    bench.advance(std::chrono::hours{1});
    bench.tick();
    CHECK(bench.entries<IncidentClosed>().empty());
    CHECK(bench.entries<Intent>().size() == 1);
    const auto open = open_pages(bench);
    REQUIRE(open.size() == 1);
    CHECK(open[0].status == PageStatus::firing);
    CHECK(open[0].severity == Severity::critical);
    CHECK(open[0].state == "lost");
    CHECK(open[0].title == "tenant/acme: deleted and not recreated");
    CHECK(open[0].text.find("create: 400 (invalid workspace fields)") != std::string::npos);
    CHECK(open[0].text.find("then leverd ack i-1 --why") != std::string::npos);
    bench.send(Acknowledge{"i-1", "mara", "recreated it from the plan"});
    bench.tick();
    CHECK(end_of_only_case(bench) == "lost");
    CHECK(bench.entries<Paged>().back().status != PageStatus::firing);
    CHECK(bench.entries<Paged>().back().text.find("seen to by mara: recreated it from the plan") !=
          std::string::npos);
    const auto given = bench.entries<Acknowledged>();
    REQUIRE(given.size() == 1);
    CHECK(given[0].who == "mara");
    bench.send(Acknowledge{"i-1", "mara", "again"});
    CHECK(bench.entries<Acknowledged>().size() == 1);
}

TEST_CASE("a loss that only a look found is a loss too, unless a later look finds the new one") {
    for (const bool appears : {false, true}) {
        Bench bench;
        bench.settle();
        bench.kill("acme");
        bench.outcome("t-1", OutcomeKind::unknown);
        Settled gone;
        gone.intent = "t-1";
        gone.detail = "deleted, and nothing replaced it";
        gone.results[lost_result] = acme;
        bench.send(gone);
        if (appears) {
            bench.send(Settled{"t-1", Took::yes, "new_id=2", {}});
        }
        heal(bench);
        for (int i = 0; i < 120; ++i) {
            bench.advance(std::chrono::seconds{15});
            bench.good("acme", 1 + i);
            bench.tick();
        }
        INFO(appears);
        CHECK(bench.entries<IncidentClosed>().empty() == !appears);
        CHECK(bench.entries<IncidentEscalated>().size() == (appears ? 0U : 1U));
    }
}

TEST_CASE("an answer that was read is not told as a lost reply") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    Outcome outcome;
    outcome.intent = "t-1";
    outcome.kind = OutcomeKind::unknown;
    outcome.detail = "exit 4: Access denied (what it did before that is not known)";
    bench.send(outcome);
    for (int i = 0; i < 20; ++i) {
        bench.advance(std::chrono::seconds{10});
        bench.bad("acme");
        bench.tick();
    }
    const auto open = open_pages(bench);
    REQUIRE(open.size() == 1);
    CHECK(open[0].text.find("exit 4: Access denied") != std::string::npos);
    CHECK(open[0].text.find("reply was lost") == std::string::npos);
}

TEST_CASE("a case that ended after a lever acted did not heal by itself") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::unknown);
    heal(bench);
    for (int i = 0; i < 240 && bench.entries<IncidentClosed>().empty(); ++i) {
        bench.advance(std::chrono::seconds{15});
        bench.tick();
    }
    CHECK(end_of_only_case(bench) == "unproven");
}

TEST_CASE("a lever that for certain did nothing is no reason for the end") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::refused);
    heal(bench);
    bench.tick();
    CHECK(end_of_only_case(bench) == "self_healed");
}

TEST_CASE("a case whose subject is gone did not heal") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::refused);
    bench.look(acme, "tenant_health", Health::unknown, Reason::removed);
    bench.advance(std::chrono::seconds{1});
    bench.tick();
    CHECK(end_of_only_case(bench) == "gone");
}

TEST_CASE("sealed values are needed until the loss is made good, proven away or acknowledged") {
    Bench bench;
    bench.settle();
    CHECK(needs_sealed(bench.view(), "t-1"));  // nobody knows it: history may be missing
    bench.kill("acme");
    REQUIRE(bench.view().intents.contains("t-1"));
    CHECK(needs_sealed(bench.view(), "t-1"));  // under way
    SECTION("nothing was sent") {
        bench.outcome("t-1", OutcomeKind::refused);
        CHECK_FALSE(needs_sealed(bench.view(), "t-1"));
    }
    SECTION("accepted, and not proven yet") {
        bench.outcome("t-1", OutcomeKind::accepted);
        CHECK(needs_sealed(bench.view(), "t-1"));
    }
    SECTION("lost, until a person has seen to it") {
        bench.send(deleted_only(OutcomeKind::failed));
        CHECK(needs_sealed(bench.view(), "t-1"));
        heal(bench);
        bench.advance(std::chrono::hours{5});
        bench.tick();
        bench.restart();
        CHECK(needs_sealed(bench.view(), "t-1"));
        bench.send(Acknowledge{"i-1", "mara", "recreated it"});
        CHECK_FALSE(needs_sealed(bench.view(), "t-1"));
    }
}

TEST_CASE(
    "what was put in place and not seen to work stays a person's case, though its subject is "
    "gone") {
    for (const bool own_look : {false, true}) {
        INFO((own_look ? "the lever saw it fail" : "nobody could tell"));
        Bench bench;
        bench.settle();
        bench.kill("acme");
        REQUIRE(bench.asked<FireLever>().size() == 1);
        Outcome outcome;
        outcome.intent = "t-1";
        outcome.kind = OutcomeKind::accepted;
        outcome.results["deleted"] = "yes";
        outcome.results["replaced_by"] = "tenant/acme-new";
        bench.send(outcome);
        CHECK(needs_sealed(bench.view(), "t-1"));
        if (!own_look) {
            bench.look(acme, "tenant_health", Health::unknown, Reason::removed);
        }
        for (int i = 0; i < 30 && bench.entries<Verdict>().empty(); ++i) {
            bench.advance(std::chrono::seconds{30});
            if (own_look) {
                bench.look(acme, "lever:tenant-redeploy", Health::failing,
                           Reason::workspace_failed);
            }
            bench.reference(0, true);
            bench.tick();
        }
        REQUIRE(bench.entries<Verdict>().size() == 1);
        CHECK(bench.entries<Verdict>()[0].kind ==
              (own_look ? VerdictKind::not_recovered : VerdictKind::inconclusive));
        bench.look(acme, "tenant_health", Health::unknown, Reason::removed);
        bench.advance(std::chrono::minutes{30});
        bench.tick();
        CHECK(bench.entries<IncidentClosed>().empty());
        const auto escalated = bench.entries<IncidentEscalated>();
        REQUIRE_FALSE(escalated.empty());
        CHECK(escalated.back().why.find("tenant/acme-new was put in place of tenant/acme and was "
                                        "not seen to work") != std::string::npos);
        CHECK_FALSE(open_pages(bench).empty());
        CHECK(needs_sealed(bench.view(), "t-1"));
        bench.send(Acknowledge{"i-1", "mara", "it works, I asked it"});
        bench.tick();
        CHECK(end_of_only_case(bench) == "unproven");
        CHECK_FALSE(needs_sealed(bench.view(), "t-1"));
    }
}
