// Why: what a person hears over the life of a case: once when leverd cannot handle it, then only
// what is new under the same key, and "over" only when it is.
#include "tests/catch.hpp"
#include "tests/unit/policies/page_story.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <set>

using namespace leverd;
using namespace leverd::test;
using namespace std::chrono_literals;

TEST_CASE("a page is firing, recovered and, one clearing time later, resolved") {
    Bench bench(recommending());
    bench.settle();
    bench.kill("acme");
    CHECK(sent(bench).empty());  // others may join
    pass(bench, 15s, {"acme"});
    CHECK(heard(bench) == std::vector<std::string>{"firing i-1"});
    pass(bench, 10min, {"acme"}, 30s);
    CHECK(heard(bench).size() == 1);
    pass(bench, 30s, {});
    CHECK(heard(bench) == std::vector<std::string>{"firing i-1", "recovered i-1"});
    CHECK(newest(bench).text.starts_with("Recovered, watching until "));
    pass(bench, 4min, {}, 30s);
    CHECK(heard(bench).size() == 2);
    pass(bench, 2min, {}, 30s);
    CHECK(heard(bench) == std::vector<std::string>{"firing i-1", "recovered i-1", "resolved i-1"});
    CHECK(bench.view().book.open.empty());
}

TEST_CASE("a useless lever: the page stays open while the lever is fired again") {
    auto rules = small_rules();
    rules.policies.policies[0].limits.attempts = 2;
    rules.policies.policies[0].limits.cool_down = 20min;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    pass(bench, 9min, {"acme"}, 30s);
    CHECK(sent(bench).empty());  // its proof is waited for: no silence
    pass(bench, 5min, {"acme"}, 30s);
    REQUIRE(heard(bench) == std::vector<std::string>{"firing i-1"});
    CHECK(sent(bench)[0].guard == "cool_down");
    pass(bench, 10min, {"acme"}, 30s);
    REQUIRE(bench.asked<FireLever>().size() == 2);
    bench.outcome("t-2", OutcomeKind::accepted);
    pass(bench, 1min, {"acme"}, 30s);
    CHECK(newest(bench).status == PageStatus::firing);
    CHECK(newest(bench).text.find("tenant-redeploy (t-2) is at work") != std::string::npos);
    CHECK(std::ranges::any_of(sent(bench), [](const Paged& page) {
        return page.news == "now at_work, before held/cool_down";
    }));
    pass(bench, 20min, {"acme"}, 30s);
    for (const auto& line : heard(bench)) {
        CHECK(line == "firing i-1");
    }
    CHECK(newest(bench).state == "escalated");
}

TEST_CASE("what comes back within recurs_within is the same page again") {
    Bench bench(recommending());
    bench.settle();
    bench.kill("acme");
    pass(bench, 15s, {"acme"});
    pass(bench, 10min, {}, 30s);
    REQUIRE(newest(bench).status == PageStatus::resolved);
    bench.kill("acme");
    pass(bench, 15s, {"acme"});
    const auto page = newest(bench);
    CHECK(page.key == "i-1");
    CHECK(page.incident == "i-2");
    CHECK(page.again);
    CHECK(page.times == 1);
    CHECK(page.version > 3);
    CHECK(page.text.starts_with("Again: it came back 1 time. Since "));
    pass(bench, 20min, {}, 30s);
    CHECK(newest(bench).status == PageStatus::resolved);
    CHECK(newest(bench).text.find("It had come back 1 time.") != std::string::npos);
    pass(bench, 3h, {}, 60s);
    bench.kill("acme");
    pass(bench, 15s, {"acme"});
    CHECK(newest(bench).key == "i-3");
    CHECK_FALSE(newest(bench).again);
}

TEST_CASE("a page that is watched is not resolved over a case that opened meanwhile") {
    Bench bench(recommending());
    bench.settle();
    bench.kill("acme");
    pass(bench, 15s, {"acme"});
    pass(bench, 30s, {});
    REQUIRE(newest(bench).status == PageStatus::recovered);
    pass(bench, 4min, {}, 30s);
    bench.kill("acme");
    pass(bench, 5min, {"acme"}, 5s);
    CHECK(heard(bench) ==
          std::vector<std::string>{"firing i-1", "recovered i-1", "firing i-1 again"});
}

TEST_CASE("an outage with a working lever pages nobody, from the first look to the last") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    pass(bench, 2min, {"acme"});
    for (int i = 0; i < 4; ++i) {
        bench.good("acme", 1);
        bench.advance(1s);
        bench.tick();
    }
    pass(bench, 20min, {}, 30s);
    CHECK(bench.entries<Paged>().empty());
}

TEST_CASE("flapping and then down: the hold is told by subject, lever and guard") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 4; ++i) {
        pass(bench, 5s, {"acme"});
        pass(bench, 5s, {});
    }
    CHECK(sent(bench).empty());
    REQUIRE_FALSE(bench.view().flapping.empty());
    pass(bench, 3min, {"acme"});
    const auto page = newest(bench);
    CHECK(page.status == PageStatus::firing);
    CHECK(page.subject == Subject{"tenant/acme"});
    CHECK(page.lever == "tenant-redeploy");
    CHECK(page.guard == "flapping");
    CHECK(page.text.find("limit below 3 changes") != std::string::npos);
}

TEST_CASE("a flapping subject has one open page until it was steady for the clearing time") {
    auto rules = recommending();
    rules.policies.storm.incidents = 0;
    rules.runbook.signals[0].looks = 1;
    rules.runbook.signals[0].clear_looks = 1;
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 20; ++i) {
        pass(bench, 30s, {"acme"});
        pass(bench, 30s, {});
    }
    REQUIRE_FALSE(bench.view().flapping.empty());
    CHECK(newest(bench).title.ends_with(", goes up and down"));
    CHECK(newest(bench).text.find("It goes up and down, ") != std::string::npos);
    CHECK(newest(bench).text.find(" times in ") != std::string::npos);
    std::set<std::string> keys;
    int calls = 0;
    for (const auto& page : sent(bench)) {
        keys.insert(page.key);
        calls +=
            page.status == PageStatus::firing && (page.version == 1 || page.news == "it came back");
        CHECK(page.status != PageStatus::resolved);
    }
    CHECK(keys == std::set<std::string>{"i-1"});
    CHECK(calls <= 4);
    pass(bench, 40min, {}, 30s);
    REQUIRE(bench.view().flapping.empty());
    CHECK(newest(bench).status == PageStatus::resolved);
    CHECK(newest(bench).title.find("goes up and down") == std::string::npos);
    CHECK(bench.view().book.open.empty());
}

TEST_CASE("forty subjects down at once are one page, also over a restart") {
    auto rules = recommending();
    rules.runbook.symptoms[0].needs_working_sibling = false;
    rules.runbook.symptoms.erase(rules.runbook.symptoms.begin() + 2);  // no wider cause
    rules.policies.policies.erase(rules.policies.policies.begin() + 1);
    Bench bench(rules);
    bench.settle();
    std::vector<std::string> down;
    for (int i = 0; i < 40; ++i) {
        down.push_back(fmt::format("shop{:02}", i));
    }
    bench.kill_all(down);
    pass(bench, 2min, down);
    REQUIRE(heard(bench) == std::vector<std::string>{"firing storm-1"});
    CHECK(newest(bench).title == "40 separate incidents at once, e.g. tenant/shop00");
    CHECK(newest(bench).text.find("tenant/shop04: tenant-unreachable; and 35 more") !=
          std::string::npos);
    CHECK(newest(bench).text.find("All depend on platform") != std::string::npos);
    bench.restart();
    pass(bench, 2min, down);
    CHECK(heard(bench) == std::vector<std::string>{"firing storm-1"});  // what resume asks for
    pass(bench, 7min, {}, 30s);
    CHECK(newest(bench).status == PageStatus::resolved);
    CHECK(newest(bench).text.find("All 40 are over; no lever was proven to have helped.") !=
          std::string::npos);
}

TEST_CASE("an open storm breaker names who is held by it, once") {
    auto rules = small_rules();
    rules.runbook.symptoms[0].needs_working_sibling = false;
    rules.runbook.symptoms.erase(rules.runbook.symptoms.begin() + 2);
    rules.policies.policies.erase(rules.policies.policies.begin() + 1);
    rules.runbook.symptoms[0].dwell = 30s;
    Bench bench(rules);
    bench.settle();
    const std::vector<std::string> down{"a", "b", "c", "d", "e", "f"};
    bench.kill_all(down);
    pass(bench, 3min, down);
    REQUIRE(bench.view().breaker.phase == BreakerPhase::open);
    REQUIRE(heard(bench) == std::vector<std::string>{"firing storm-1"});
    CHECK(newest(bench).text.find("tenant/a") != std::string::npos);
    CHECK(newest(bench).text.find("The storm breaker is open") != std::string::npos);
}

TEST_CASE("an effect that heals after its cause keeps the cause's page") {
    auto rules = recommending();
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 3; ++i) {
        bench.advance(1s);
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        bench.bad("acme");
        bench.reference(0, true);
        bench.reference(1, true);
        bench.tick();
    }
    for (int i = 0; i < 20; ++i) {
        bench.advance(1s);
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        bench.tick();
    }
    REQUIRE(heard(bench) == std::vector<std::string>{"firing i-1"});
    pass(bench, 4s, {"acme"}, 1s);
    pass(bench, 4s, {}, 1s);
    pass(bench, 10min, {}, 30s);
    std::set<std::string> keys;
    for (const auto& page : sent(bench)) {
        keys.insert(page.key);
    }
    CHECK(keys == std::set<std::string>{"i-1"});
    CHECK(heard(bench).back() == "resolved i-1");
    CHECK(std::ranges::count(heard(bench), "firing i-1 again") == 0);
}

TEST_CASE("a case that a wider cause takes over goes on as the cause's page") {
    auto rules = recommending();
    Bench bench(rules);
    bench.settle();
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "sha256:1");
    bench.advance(10s);
    bench.look("image/platform", "image_drift", Health::healthy, Reason::ok, {}, "sha256:2");
    bench.kill("acme");
    pass(bench, 15s, {"acme"});
    REQUIRE(heard(bench) == std::vector<std::string>{"firing i-1"});
    pass(bench, 30s, {"acme", "globex", "initech"});
    for (const auto& line : heard(bench)) {
        CHECK(line == "firing i-1");
    }
    CHECK(newest(bench).subject == Subject{"platform"});
}

TEST_CASE("four seconds of doubt call nobody; five minutes are a warning") {
    Bench bench;
    bench.settle();
    bench.reference(0, false);
    bench.reference(1, false);
    bench.reference(2, false);
    bench.tick();
    REQUIRE_FALSE(bench.view().observer.trusted);
    bench.advance(4s);
    bench.settle();
    CHECK(bench.entries<Paged>().empty());
    for (int i = 0; i < 320; ++i) {
        bench.advance(1s);
        bench.reference(0, false);
        bench.reference(1, false);
        bench.reference(2, false);
        bench.tick();
    }
    REQUIRE(heard(bench) == std::vector<std::string>{"firing observer"});
    CHECK(newest(bench).severity == Severity::warning);
}

TEST_CASE("a window or a veto with mute pages nobody, is on record, and ends with it") {
    auto rules = recommending();
    Bench bench(rules);
    bench.settle();
    bench.send(VetoCommand{"tenant/acme", {}, 10min, "ana", "planned work", true});
    bench.kill("acme");
    pass(bench, 1min, {"acme"});
    CHECK(sent(bench).empty());
    REQUIRE(bench.entries<Paged>().size() == 1);
    CHECK(newest(bench).muted == "veto v-1");
    pass(bench, 12min, {"acme"}, 30s);
    REQUIRE_FALSE(heard(bench).empty());
    for (const auto& line : heard(bench)) {
        CHECK(line == "firing i-1");
    }
    CHECK(newest(bench).muted.empty());
}

TEST_CASE("what was muted to its end is never told, what was told before goes on being told") {
    auto rules = recommending();
    Window window;
    window.id = "demo";
    window.mute = true;
    window.expires = WallTime{Millis{1'800'000'000'000}} + 10min;
    rules.policies.windows.push_back(window);
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    pass(bench, 1min, {"acme"});
    pass(bench, 15min, {}, 30s);
    CHECK(sent(bench).empty());
    CHECK(newest(bench).status == PageStatus::resolved);
    bench.kill("globex");
    pass(bench, 1min, {"globex"});
    REQUIRE(sent(bench).size() == 1);
    bench.send(VetoCommand{"tenant/*", {}, 1h, "ana", "planned work", true});
    pass(bench, 10min, {}, 30s);
    const auto lines = heard(bench);
    CHECK(lines.front() == "firing i-2");
    CHECK(lines.back() == "resolved i-2");
}

TEST_CASE("the severity of a page is that of its row in the runbook") {
    auto rules = recommending();
    rules.runbook.symptoms[0].severity = Severity::warning;
    Bench bench(rules);
    bench.settle();
    bench.kill("acme");
    pass(bench, 1min, {"acme"});
    CHECK(newest(bench).severity == Severity::warning);
}

TEST_CASE("what the daemon says about itself is a page with its row's grace") {
    Bench bench;
    bench.settle();
    bench.send(SelfReport{"config_refused", "", "line 3: unknown key"});
    pass(bench, 4min, {}, 30s);
    CHECK(sent(bench).empty());
    pass(bench, 2min, {}, 30s);
    REQUIRE(heard(bench) == std::vector<std::string>{"firing config_refused"});
    CHECK(newest(bench).title == "the configuration was refused");
    CHECK(newest(bench).text.find("line 3: unknown key") != std::string::npos);
    bench.send(SelfReport{"config_refused", "", ""});
    pass(bench, 6min, {}, 30s);
    CHECK(newest(bench).status == PageStatus::resolved);
    bench.send(SelfReport{"history_lost", "", "the ledger is shorter than known"});
    bench.tick();
    CHECK(newest(bench).key == "history_lost");
    CHECK(newest(bench).severity == Severity::critical);
}

TEST_CASE("a mode that only watches calls nobody, whatever holds its lever") {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::observe;
    Bench bench(rules);
    bench.settle();
    bench.send(StopCommand{true, "ana", "work", 0ms});
    bench.kill("acme");
    pass(bench, 30min, {"acme"}, 30s);
    CHECK(bench.entries<Paged>().empty());
}

TEST_CASE("a lever whose outcome nobody knows is told after its grace and only once") {
    Bench bench;
    bench.settle();
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::unknown);
    pass(bench, 30s, {"acme"});
    CHECK(sent(bench).empty());
    pass(bench, 2min, {"acme"});
    REQUIRE(heard(bench) == std::vector<std::string>{"firing i-1"});
    CHECK(newest(bench).severity == Severity::critical);
    CHECK(newest(bench).state == "outcome_unknown");
}

TEST_CASE("what a turn leaves out is nothing: looking at everything tells nothing more") {
    auto rules = recommending();
    // What a restart does not remember of quiet looks must not matter here.
    rules.policies.observer.dwell = 0ms;
    rules.policies.observer.quorum = 0;
    rules.runbook.fresh_for = 24h;
    rules.runbook.signals[0].looks = 1;
    rules.runbook.signals[0].clear_looks = 1;
    std::uint32_t seed = 7;
    const auto random = [&](std::uint32_t below) {
        seed = seed * 1'664'525U + 1'013'904'223U;
        return (seed >> 16U) % below;
    };
    Bench bench(rules);
    bench.settle();
    std::set<std::string> down;
    int compared = 0;
    for (int step = 0; step < 600; ++step) {
        const std::string name = Bench::tenants[random(5)];
        if (random(12) == 0) {
            down.insert(name);
        } else if (random(6) == 0) {
            down.erase(name);
        }
        if (random(60) == 0) {
            bench.send(VetoCommand{"tenant/" + name, {}, 2min, "ana", "work", random(2) == 0});
        }
        pass(bench, 7s, {down.begin(), down.end()}, 7s);
        Engine whole(rules);
        for (const auto& entry : bench.ledger()) {
            whole.restore(entry);
        }
        const auto turn = whole.resume(Started{"test", "test", "boot", 0}, bench.now());
        for (const auto& entry : turn.entries) {
            const auto* page = std::get_if<Paged>(&entry.body);
            const bool told = page != nullptr || std::holds_alternative<PageJoined>(entry.body);
            CAPTURE(step, page == nullptr ? "joined" : page->key + ": " + page->text);
            CHECK_FALSE(told);
        }
        ++compared;
    }
    CHECK(compared == 600);
    CHECK(bench.entries<Paged>().size() > 20);
}

TEST_CASE("a lever at work below a subject does not silence the outage of the subject itself") {
    auto rules = small_rules();
    auto errors = rules.runbook.signals[0];
    errors.id = "agent-errors";
    errors.subject_kind = "workspace";
    errors.probe = "workspace_activity";
    rules.runbook.signals.push_back(errors);
    auto broken = rules.runbook.symptoms[0];
    broken.id = "workspace-always-errors";
    broken.subject_kind = "workspace";
    broken.any = {"agent-errors"};
    broken.requires_healthy = {};
    broken.needs_working_sibling = false;
    broken.levers = {{"**", "workspace-restart", {}}};
    rules.runbook.symptoms.push_back(broken);
    rules.runbook.topology.push_back({"workspace", {"tenant/acme"}});
    auto restart = rules.levers.at("tenant-redeploy");
    restart.id = "workspace-restart";
    restart.proof = {ProofStep{ProofStep::Who::target, "workspace_activity", 2, {}, Millis{0}, {}}};
    rules.levers[restart.id] = restart;
    auto policy = rules.policies.policies[0];
    policy.id = "w";
    policy.symptom = broken.id;
    policy.lever = restart.id;
    policy.subjects = {"**"};
    rules.policies.policies.push_back(policy);
    Bench bench(rules);
    bench.settle();
    for (int i = 0; i < 3; ++i) {
        bench.advance(1s);
        bench.look("workspace/acme/agent", "workspace_activity", Health::failing,
                   Reason::agent_errors);
        bench.all_good();
    }
    pass(bench, 10s, {}, 1s);
    REQUIRE(bench.asked<FireLever>().size() == 1);
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.kill("acme");
    pass(bench, 1min, {"acme"});
    const auto& cases = bench.view().incidents;
    const auto tenant = std::ranges::find_if(
        cases, [](const auto& one) { return one.second.subject == Subject{"tenant/acme"}; });
    REQUIRE(tenant != cases.end());
    REQUIRE(tenant->second.decision->reason == "in_flight");
    CHECK(sent(bench).empty());
    pass(bench, 5min, {"acme"});
    REQUIRE_FALSE(sent(bench).empty());
    CHECK(sent(bench).front().subject == Subject{"tenant/acme"});
    CHECK(sent(bench).front().state == "held/in_flight");
}
