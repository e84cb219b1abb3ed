// Why: a page that changes with every look of an outage is noise; what changes without any news is
// told now and then.
#include "tests/unit/policies/page_story.hpp"

#include <algorithm>

using namespace leverd;
using namespace leverd::test;
using namespace std::chrono_literals;

namespace {

// A row says that the control plane cannot be judged.
Rules with_blindness() {
    auto rules = small_rules();
    auto unknown = rules.runbook.signals[1];
    unknown.id = "control-plane-unknown";
    unknown.bad_health = {Health::unknown};
    rules.runbook.signals.push_back(unknown);
    auto blind = rules.runbook.symptoms[1];
    blind.id = "control-plane-unknown";
    blind.any = {"control-plane-unknown"};
    blind.levers = {{"**", "none", {}}};
    rules.runbook.symptoms.push_back(blind);
    return rules;
}

}  // namespace

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

TEST_CASE("what outlives its cause calls people anew, under a key of its own") {
    auto rules = recommending();
    rules.runbook.clearing_time = 20s;
    Bench bench(rules);
    bench.settle();
    const auto second = [&](bool login_works) {
        bench.advance(1s);
        bench.look("control-plane", "control_plane",
                   login_works ? Health::healthy : Health::failing,
                   login_works ? Reason::ok : Reason::http_5xx);
        bench.bad("acme");
        bench.good("globex", 1);
        bench.good("initech", 1);
        bench.reference(0, true);
        bench.reference(1, true);
        bench.tick();
    };
    // One outage, one page, as long as its cause is open.
    for (int i = 0; i < 90; ++i) {
        second(false);
    }
    for (const auto& line : heard(bench)) {
        CHECK(line == "firing i-1");
    }
    for (int i = 0; i < 420; ++i) {
        second(true);
    }
    const auto all = sent(bench);
    const auto effect = std::ranges::find(all, Subject{"tenant/acme"}, &Paged::subject);
    REQUIRE(effect != all.end());
    CHECK(effect->key != "i-1");
    CHECK(effect->status == PageStatus::firing);
    CHECK_FALSE(effect->again);
    for (const auto& page : all) {
        CHECK((page.key == "i-1") == (page.subject == Subject{"control-plane"}));
    }
    CHECK(bench.view().pages.at("i-1").status == PageStatus::resolved);
    CHECK(bench.view().pages.at(effect->key).status == PageStatus::firing);
}

TEST_CASE("the page that went over to a wider cause is not the one of what outlives it") {
    auto rules = recommending();
    rules.runbook.clearing_time = 20s;
    Bench bench(rules);
    bench.settle();
    const auto pass_with = [&](int seconds, Health control_plane) {
        for (int i = 0; i < seconds; ++i) {
            bench.look("control-plane", "control_plane", control_plane,
                       control_plane == Health::healthy ? Reason::ok : Reason::http_5xx);
            bench.advance(1s);
            bench.bad("acme");
            bench.good("globex", 1);
            bench.good("initech", 1);
            bench.reference(0, true);
            bench.reference(1, true);
            bench.tick();
        }
    };
    pass_with(60, Health::healthy);
    REQUIRE(newest(bench).subject == Subject{"tenant/acme"});
    const auto key = newest(bench).key;
    pass_with(60, Health::failing);
    REQUIRE(newest(bench).subject == Subject{"control-plane"});
    CHECK(newest(bench).key == key);
    pass_with(420, Health::healthy);
    const auto& cause = bench.view().pages.at(key);
    CHECK(cause.status == PageStatus::resolved);
    CHECK(cause.subject == Subject{"control-plane"});
    const auto& pages = bench.view().pages;
    CHECK(std::ranges::any_of(pages, [&](const auto& item) {
        return item.first != key && item.second.subject == Subject{"tenant/acme"} &&
               item.second.status == PageStatus::firing;
    }));
}

TEST_CASE(
    "what cannot be judged explains nothing: whatever fails below it is told by its own name") {
    Bench bench(with_blindness());
    bench.settle();
    const auto second = [&](bool acme_works) {
        bench.advance(1s);
        bench.look("control-plane", "control_plane", Health::unknown, Reason::unauthorized);
        bench.good("globex", 1);
        if (acme_works) {
            bench.good("acme", 1);
        } else {
            bench.bad("acme");
        }
        bench.reference(0, true);
        bench.reference(1, true);
        bench.tick();
    };
    for (int i = 0; i < 60; ++i) {
        second(true);
    }
    for (int i = 0; i < 360; ++i) {
        second(false);
    }
    const auto all = sent(bench);
    CHECK(std::ranges::any_of(all, [](const Paged& page) {
        return page.subject == Subject{"tenant/acme"} && page.status == PageStatus::firing &&
               page.title.find("tenant-unreachable") != std::string::npos;
    }));
    CHECK(bench.asked<FireLever>().empty());
    REQUIRE(bench.newest("tenant/acme").has_value());
    const auto held = *bench.newest("tenant/acme");
    CHECK(held.reason == "explained");
    CHECK(std::ranges::any_of(held.guards, [](const GuardVerdict& one) {
        return one.text.find("control-plane cannot be judged, so it may be the cause") !=
               std::string::npos;
    }));
}

TEST_CASE("what fails while a page about blindness is watched has a page of its own") {
    auto rules = with_blindness();
    rules.policies.policies[0].mode = Mode::recommend;
    Bench bench(rules);
    bench.settle();
    const auto second = [&](Health control_plane, bool globex_works) {
        bench.advance(1s);
        bench.look("control-plane", "control_plane", control_plane,
                   control_plane == Health::healthy ? Reason::ok : Reason::unauthorized);
        bench.good("acme", 1);
        if (globex_works) {
            bench.good("globex", 1);
        } else {
            bench.bad("globex");
        }
        bench.reference(0, true);
        bench.reference(1, true);
        bench.tick();
    };
    for (int i = 0; i < 60; ++i) {
        second(Health::unknown, true);
    }
    const auto blind = newest(bench).key;
    for (int i = 0; i < 150 && newest(bench).status != PageStatus::recovered; ++i) {
        second(Health::healthy, true);
    }
    REQUIRE(newest(bench).status == PageStatus::recovered);
    for (int i = 0; i < 240; ++i) {
        second(Health::healthy, false);
    }
    const auto all = sent(bench);
    const auto told = std::ranges::find(all, Subject{"tenant/globex"}, &Paged::subject);
    REQUIRE(told != all.end());
    CHECK(told->key != blind);
}

TEST_CASE("a restart tells nothing new of a case that is as it was") {
    Bench bench(recommending());
    bench.settle();
    bench.kill("acme");
    pass(bench, 30s, {"acme"});
    const auto before = newest(bench);
    REQUIRE(before.state == "held/mode");
    bench.restart();
    pass(bench, 3min, {"acme"});
    for (const auto& page : sent(bench)) {
        CHECK(page.version == before.version);
    }
    CHECK(newest(bench).version == before.version);
}

TEST_CASE("a hold that stays is told to whoever holds the page, a minute later") {
    Bench bench(recommending());
    bench.settle();
    bench.kill("acme");
    pass(bench, 30s, {"acme"});
    REQUIRE(newest(bench).state == "held/mode");
    const auto doubted = [&](Millis time) {
        for (Millis gone{0}; gone < time; gone += 5s) {
            bench.advance(5s);
            for (int i = 0; i < 3; ++i) {
                bench.reference(i, false);
            }
            bench.bad("acme");
            bench.tick();
        }
    };
    const auto told = [&] {
        const auto pages = bench.entries<Paged>();
        return std::ranges::any_of(pages, [](const auto& page) {
            return page.key == "i-1" && page.state == "held/observer";
        });
    };
    doubted(60s);
    CHECK(bench.newest("tenant/acme")->reason == "observer");
    CHECK_FALSE(told());
    doubted(3min);
    CHECK(told());
}
