// Why: the text is all that a person has at 3 a.m.; each of these is what they would read, whole.
#include "policies/page/text.hpp"
#include "tests/unit/policies/page_story.hpp"

using namespace leverd;
using namespace leverd::test;
using namespace std::chrono_literals;

namespace {

std::string last_text(const Bench& bench) {
    return newest(bench).text;
}

Rules worded() {
    auto rules = small_rules();
    rules.runbook.symptoms[0].title = "Whole tenant unreachable";
    rules.runbook.symptoms[0].first_lever = "Lever C (redeploy)";
    return rules;
}

}  // namespace

TEST_CASE("the page of a recommendation, whole") {
    auto rules = worded();
    rules.policies.policies[0].mode = Mode::recommend;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    pass(bench, 20s, {"acme"}, 10s);
    CHECK(bench.entries<Paged>().back().title == "tenant/acme: Whole tenant unreachable");
    CHECK(last_text(bench) ==
          "Since 2027-01-15 08:01:02 UTC. Seen: 3 looks of tenant_health: looked. First lever to "
          "try: Lever C (redeploy). leverd does not fire it: mode: it is only recommended (now "
          "recommend, limit approve). Next: leverd why tenant/acme.");
    pass(bench, 30s, {}, 10s);
    CHECK(last_text(bench) ==
          "Recovered, watching until 2027-01-15 08:06:44 UTC. It recovered without a lever. "
          "It lasted 42s (from 2027-01-15 08:01:02 UTC to 2027-01-15 08:01:44 UTC).");
    pass(bench, 6min, {}, 10s);
    CHECK(last_text(bench) ==
          "Over. It recovered without a lever. It lasted 42s (from 2027-01-15 08:01:02 UTC "
          "to 2027-01-15 08:01:44 UTC).");
}

TEST_CASE("the page of a lever that did not help names it, its verdict and the guard that holds") {
    auto rules = worded();
    rules.policies.policies[0].limits.attempts = 2;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    pass(bench, 13min, {"acme"}, 10s);
    const auto text = last_text(bench);
    CHECK(text.find("Tried: tenant-redeploy (t-1) not_recovered: still missing: ") !=
          std::string::npos);
    CHECK(text.find("tenant-redeploy is held by cool_down: fired ") != std::string::npos);
    CHECK(text.find(", limit 30m).") != std::string::npos);
    CHECK(text.ends_with("Next: leverd why tenant/acme."));
}

TEST_CASE("the page of a question names the decision to answer") {
    auto rules = worded();
    rules.policies.policies[0].mode = Mode::approve;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    pass(bench, 20s, {"acme"}, 10s);
    const auto id = bench.newest("tenant/acme")->id;
    CHECK(last_text(bench).ends_with(
        "tenant-redeploy waits for your approval. Next: leverd approve " + id +
        " --why ..., or leverd reject " + id + " --why ..."));
}

TEST_CASE("a resolve says by which lever it ended") {
    auto rules = worded();
    rules.policies.policies[0].mode = Mode::approve;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    pass(bench, 20s, {"acme"}, 10s);
    bench.approve(bench.newest("tenant/acme")->id);
    bench.tick();
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(61s);
    for (int i = 0; i < 4; ++i) {
        bench.reference(0, true);
        bench.reference(1, true);
        bench.good("acme", 1);
        bench.advance(1s);
        bench.tick();
    }
    pass(bench, 6min, {}, 10s);
    CHECK(bench.entries<Paged>().back().status == PageStatus::resolved);
    CHECK(
        last_text(bench).starts_with("Over. tenant-redeploy (t-1) was proven to help. It lasted "));
}

TEST_CASE("what began soon after the very first start says what is not known") {
    auto rules = worded();
    rules.policies.policies[0].mode = Mode::recommend;
    for (const bool later : {false, true}) {
        Bench bench(rules, true);
        bench.settle();
        if (later) {
            pass(bench, 61min, {}, 60s);
        }
        bench.kill("acme");
        pass(bench, 20s, {"acme"}, 10s);
        const auto words = last_text(bench);
        CAPTURE(words);
        CHECK((words.find("leverd was first started at 2027-01-15 08:00:00 UTC; what happened and "
                          "what was tried before that is not known.") != std::string::npos) ==
              !later);
    }
}

TEST_CASE("the page of a flapping subject says that its history has gaps") {
    auto rules = worded();
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 420; ++i) {
        bench.advance(1s);
        i % 2 == 0 ? bench.bad("acme") : bench.good("acme", 100);
        bench.reference(0, true);
        bench.reference(1, true);
        bench.tick();
    }
    REQUIRE_FALSE(bench.view().flapping.empty());
    CHECK(last_text(bench).find("the ledger keeps one look a minute of it and counts the others") !=
          std::string::npos);
}

TEST_CASE("how many cases ended is said in plain words") {
    CHECK(endings_text(0, 8) == "All 8 are over; no lever was proven to have helped");
    CHECK(endings_text(3, 0) == "All 3 are over; a lever was proven to have helped each of them");
    CHECK(endings_text(1, 1) == "All 2 are over; a lever was proven to have helped 1 of them");
}

TEST_CASE("a case whose end no lever brought is told as what it was") {
    for (const auto& [end, words] :
         {std::pair<std::string, std::string>{"self_healed", "It recovered without a lever"},
          {"gone", "tenant/acme is not there any more"},
          {"unproven",
           "It recovered after a lever had acted; whether that was the reason is not proven"}}) {
        Incident incident;
        incident.subject = Subject{"tenant/acme"};
        incident.end = end;
        CHECK(ending_text(State{}, {&incident}) == words);
    }
}
