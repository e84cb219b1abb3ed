// Why: what must not be mistaken for a symptom, and which cause wins.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <algorithm>

using namespace leverd;
using leverd::test::Bench;

namespace {

bool active(const Bench& bench, const std::string& symptom, const std::string& subject) {
    return bench.view().symptoms.contains({symptom, Subject{subject}});
}

std::size_t open_incidents(const Bench& bench) {
    return static_cast<std::size_t>(std::ranges::count_if(
        bench.view().incidents,
        [](const auto& item) { return item.second.phase != IncidentPhase::closed; }));
}

void everything_fails(Bench& bench) {
    bench.advance(std::chrono::seconds{1});
    for (int i = 0; i < 3; ++i) {
        bench.reference(i, false);
    }
    bench.look("control-plane", "control_plane", Health::failing, Reason::connect_timeout);
    for (const auto* tenant : Bench::tenants) {
        bench.bad(tenant, Reason::connect_timeout);
    }
}

}  // namespace

TEST_CASE("the box that lost its network calls nobody down, raises one alarm and fires nothing") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 330; ++i) {
        everything_fails(bench);
    }
    CHECK(bench.view().symptoms.empty());
    CHECK(bench.asked<FireLever>().empty());
    CHECK_FALSE(bench.view().observer.trusted);
    const auto pages = bench.entries<Paged>();
    CHECK(pages.size() == 1);
    bench.settle();
    CHECK(bench.view().observer.trusted);
    CHECK(bench.view().symptoms.empty());
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("bad looks from before the doubt was noticed are no evidence afterwards") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 3; ++i) {
        bench.advance(std::chrono::seconds{1});
        bench.bad("acme");
    }
    CHECK_FALSE(active(bench, "tenant-unreachable", "tenant/acme"));
    bench.reference(0, false);
    bench.reference(1, false);
    CHECK_FALSE(bench.view().observer.trusted);
    bench.reference(0, true);
    bench.reference(1, true);
    bench.reference(2, true);
    CHECK(bench.view().observer.trusted);
    CHECK_FALSE(active(bench, "tenant-unreachable", "tenant/acme"));
}

TEST_CASE("one reference point of three is not enough to doubt") {
    Bench bench;
    bench.settle();
    bench.reference(0, false);
    CHECK(bench.view().observer.trusted);
    bench.reference(1, false);
    CHECK_FALSE(bench.view().observer.trusted);
}

TEST_CASE("a late loop and a stepped clock are doubts too") {
    Bench bench;
    bench.settle();
    bench.look("observer", "self", Health::unknown, Reason::ok,
               {{"lateness_ms", 10}, {"clock_step_ms", 0}});
    CHECK(bench.view().observer.trusted);
    bench.look("observer", "self", Health::unknown, Reason::ok,
               {{"lateness_ms", 9000}, {"clock_step_ms", 0}});
    CHECK_FALSE(bench.view().observer.trusted);
    bench.look("observer", "self", Health::unknown, Reason::ok,
               {{"lateness_ms", 10}, {"clock_step_ms", 0}});
    CHECK(bench.view().observer.trusted);
    bench.look("observer", "self", Health::unknown, Reason::ok,
               {{"lateness_ms", 10}, {"clock_step_ms", -3600000}});
    CHECK_FALSE(bench.view().observer.trusted);
}

TEST_CASE("a tenant is not called down while the control plane is not seen good") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 5; ++i) {
        bench.advance(std::chrono::seconds{1});
        bench.bad("acme");
        bench.good("globex");
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
        bench.look("control-plane", "control_plane", Health::unknown, Reason::unauthorized);
    }
    CHECK_FALSE(active(bench, "tenant-unreachable", "tenant/acme"));
    bench.look("control-plane", "control_plane", Health::healthy);
    CHECK(active(bench, "tenant-unreachable", "tenant/acme"));
}

TEST_CASE("all tenants at once are not many dead tenants") {
    Bench bench;
    bench.settle();
    for (int i = 0; i < 10; ++i) {
        bench.advance(std::chrono::seconds{1});
        for (const auto* tenant : Bench::tenants) {
            bench.bad(tenant);
        }
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
        bench.look("control-plane", "control_plane", Health::healthy);
    }
    CHECK(bench.view().symptoms.empty());
}

TEST_CASE("several tenants after the platform image moved are one platform incident") {
    Bench bench;
    bench.settle();
    bench.look("image/platform", "image_drift", Health::healthy, Reason::receipt_missing, {},
               "sha256:1");
    bench.advance(std::chrono::seconds{10});
    bench.look("image/platform", "image_drift", Health::healthy, Reason::receipt_missing, {},
               "sha256:2");
    bench.auto_plan = false;
    bench.kill_all({"acme", "globex"});
    CHECK(active(bench, "platform-regression", "platform"));
    CHECK(open_incidents(bench) == 1);
    const auto tenant = bench.newest("tenant/acme");
    REQUIRE(tenant);
    CHECK(tenant->action == Action::hold);
    CHECK(tenant->reason == "explained");
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("several tenants without an image move are no platform regression") {
    Bench bench;
    bench.settle();
    bench.kill_all({"acme", "globex"});
    CHECK_FALSE(active(bench, "platform-regression", "platform"));
    CHECK(active(bench, "tenant-unreachable", "tenant/acme"));
}

TEST_CASE(
    "control plane down: one incident, its children linked, their levers held, they still clear") {
    Bench bench;
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    REQUIRE(active(bench, "tenant-unreachable", "tenant/acme"));
    for (int i = 0; i < 3; ++i) {
        bench.advance(std::chrono::seconds{1});
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
    }
    REQUIRE(active(bench, "login-broken", "control-plane"));
    CHECK(open_incidents(bench) == 1);
    CHECK(bench.newest("tenant/acme")->reason == "explained");
    bench.good("acme");
    bench.good("acme");
    CHECK_FALSE(active(bench, "tenant-unreachable", "tenant/acme"));
    CHECK(bench.asked<FireLever>().empty());
}

TEST_CASE("when the higher cause clears, what is still wrong below gets its own incident") {
    Bench bench;
    bench.auto_plan = false;
    bench.settle();
    bench.kill("acme");
    for (int i = 0; i < 3; ++i) {
        bench.advance(std::chrono::seconds{1});
        bench.look("control-plane", "control_plane", Health::failing, Reason::http_5xx);
        for (int r = 0; r < 3; ++r) {
            bench.reference(r, true);
        }
    }
    REQUIRE(open_incidents(bench) == 1);
    bench.look("control-plane", "control_plane", Health::healthy);
    bench.look("control-plane", "control_plane", Health::healthy);
    CHECK_FALSE(active(bench, "login-broken", "control-plane"));
    REQUIRE(active(bench, "tenant-unreachable", "tenant/acme"));
    const auto case_of_acme = [&] {
        const SymptomKey key{"tenant-unreachable", Subject{"tenant/acme"}};
        return bench.view().incidents.at(bench.view().symptoms.at(key).incident).symptom;
    };
    // It may only not have cleared yet.
    CHECK(case_of_acme() == "login-broken");
    CHECK(open_incidents(bench) == 1);
    bench.advance(Rules{}.runbook.clearing_time);
    bench.tick();
    CHECK(case_of_acme() == "tenant-unreachable");
    CHECK(open_incidents(bench) == 1);
}

TEST_CASE("what no rule explains any more is closed and says so, after a reload and a restart") {
    for (const bool reloads : {true, false}) {
        INFO((reloads ? "reload" : "restart"));
        auto rules = leverd::test::small_rules();
        rules.policies.policies[0].mode = Mode::recommend;
        Bench bench(rules);
        bench.settle();
        bench.kill("acme", 20);
        REQUIRE(bench.view().incidents_open == 1);
        auto without = rules;
        std::erase_if(without.runbook.signals,
                      [](const auto& s) { return s.id == "tenant-health"; });
        std::erase_if(without.runbook.symptoms,
                      [](const auto& s) { return s.subject_kind == "tenant"; });
        std::erase_if(without.runbook.symptoms,
                      [](const auto& s) { return s.id == "platform-regression"; });
        std::erase_if(without.policies.policies,
                      [](const auto& p) { return p.id == "p-c" || p.id == "p-a"; });
        if (reloads) {
            bench.reload(without);
        } else {
            bench.restart_with(without);
        }
        const auto closed = bench.entries<IncidentClosed>();
        REQUIRE(closed.size() == 1);
        CHECK(closed[0].end == "rule_gone");
        CHECK(bench.view().symptoms.empty());
        CHECK(bench.view().tripped.empty());
        CHECK(bench.view().subjects.at(Subject{"tenant/acme"}).detectors.empty());
        for (int i = 0; i < 80; ++i) {
            bench.advance(std::chrono::seconds{5});
            bench.all_good();
            bench.tick();
        }
        CHECK(bench.view().book.open.empty());
        const auto pages = bench.entries<Paged>();
        CHECK(std::ranges::any_of(pages, [](const Paged& page) {
            return page.text.starts_with(
                "Closed, and nobody saw whether it is over. Its rule is "
                "not in the runbook any more.");
        }));
    }
}
