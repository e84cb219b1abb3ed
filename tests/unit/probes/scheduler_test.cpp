// Why: the scheduler is the daemon's heartbeat. These tests run it on real Asio timers with
// intervals of milliseconds and wait for events, never for guessed times.
#include "tests/unit/probes/scheduler_rig.hpp"

using namespace leverd;
namespace asio = boost::asio;
using namespace leverd::test;

TEST_CASE("every target is looked at again and again") {
    Rig rig;
    rig.script.quick_targets = {"a", "b", "c"};
    rig.run([&rig] {
        return rig.seen_of["tenant/a"] >= 3 && rig.seen_of["tenant/b"] >= 3 &&
               rig.seen_of["tenant/c"] >= 3;
    });
    CHECK(rig.defects.empty());
    CHECK_FALSE(rig.lateness.empty());
    CHECK(rig.scheduler.counters().tasks == 3);
    CHECK(rig.scheduler.counters().in_flight == 0);
}

TEST_CASE("a target that hangs delays nobody and is never looked at twice at once") {
    Rig rig;
    rig.script.quick_targets = {"slow", "fast"};
    rig.script.hangs = {"slow"};
    rig.run([&rig] { return rig.seen_of["tenant/slow"] >= 2; });
    CHECK(rig.seen_of["tenant/fast"] >= 4);
    CHECK(rig.script.most_of_one == 1);
    CHECK(rig.scheduler.counters().skipped_overlap > 0);
}

TEST_CASE("targets that hang hold at most half of the looks") {
    Rig rig;
    rig.world.config.daemon.probes_in_flight = 8;
    for (int i = 0; i < 8; ++i) {
        rig.script.quick_targets.push_back("slow-" + std::to_string(i));
        rig.script.hangs.insert(rig.script.quick_targets.back());
    }
    rig.script.quick_targets.emplace_back("fast");
    int taken = 0;  // by hanging looks, while the fast one ran; once all are known to hang
    int known_from = -1;
    rig.hooks.on_observation = [&](Observation seen) {
        ++rig.seen_of[seen.subject.text()];
        bool known = true;
        int all = 0;
        for (const auto& [target, count] : rig.script.begun) {
            known = known && (target == "fast" || rig.seen_of["tenant/" + target] >= 1);
            all += target == "fast" ? 0 : rig.script.running[target];
        }
        if (known && known_from < 0) {
            known_from = rig.seen_of["tenant/fast"];
        }
        // Looks of the first round, begun before they were known, have ended after another one.
        if (known && rig.seen_of["tenant/fast"] > known_from + 20) {
            taken = std::max(taken, all);
        }
        if (known && rig.seen_of["tenant/fast"] > known_from + 60) {
            rig.group.cancel();
        }
    };
    rig.run({});
    CHECK(known_from >= 0);
    CHECK(taken <= 4);
    CHECK(taken >= 1);
}

TEST_CASE("500 targets, a fifth of them hanging: the rest begin in time") {
    Rig rig;
    rig.world.config.probes[0].interval = Millis{1'000};
    rig.world.config.probes[0].timeout = Millis{800};
    for (int i = 0; i < 500; ++i) {
        rig.script.quick_targets.push_back("t" + std::to_string(i));
        if (i % 5 == 0) {
            rig.script.hangs.insert(rig.script.quick_targets.back());
        }
    }
    int looks = 0;
    rig.hooks.on_observation = [&rig, &looks](Observation) {
        if (++looks == 1'500) {
            rig.group.cancel();
        }
    };
    rig.run({});
    std::sort(rig.lateness.begin(), rig.lateness.end());
    REQUIRE(rig.lateness.size() >= 1'500);
    const Millis p99 = rig.lateness[rig.lateness.size() * 99 / 100];
    CAPTURE(p99.count());
    CHECK(p99 < Millis{100});
}

TEST_CASE("a look that ignores its deadline is reported, cancelled and taken up again") {
    Rig rig;
    rig.script.quick_targets = {"deaf"};
    rig.script.deaf = {"deaf"};
    rig.run([&rig] { return rig.seen_of["tenant/deaf"] >= 2; });
    const Observation& seen = rig.last["tenant/deaf"];
    CHECK(seen.health == Health::unknown);
    CHECK(seen.reason == Reason::deadline_local);
    CHECK(seen.origin == Origin::local);
    CHECK(seen.probe == "quick");
    CHECK(rig.scheduler.counters().abandoned == 2);
    CHECK(rig.script.most_of_one == 1);
    CHECK(rig.script.now_running == 0);
}

TEST_CASE("a look that throws becomes an observation and the others go on") {
    Rig rig;
    rig.script.quick_targets = {"bad", "good"};
    rig.script.throws = {"bad"};
    rig.run([&rig] { return rig.seen_of["tenant/bad"] >= 2 && rig.seen_of["tenant/good"] >= 2; });
    CHECK(rig.last["tenant/bad"].health == Health::unknown);
    CHECK(rig.last["tenant/bad"].evidence == "the look threw: a defect");
    CHECK(rig.defects.empty());
}

TEST_CASE("no more looks at once than allowed") {
    Rig rig;
    rig.world.config.daemon.probes_in_flight = 3;
    for (int i = 0; i < 20; ++i) {
        rig.script.quick_targets.push_back("t" + std::to_string(i));
    }
    rig.run([&rig] {
        return std::all_of(
            rig.script.quick_targets.begin(), rig.script.quick_targets.end(),
            [&rig](const std::string& t) { return rig.seen_of["tenant/" + t] >= 2; });
    });
    CHECK(rig.script.most_at_once <= 3);
}

TEST_CASE("wishes for a look are one look, soon") {
    Rig rig;
    rig.world.config.probes[0].interval = Millis{60'000};
    rig.script.quick_targets = {"a"};
    int wishes = 0;
    // The first look comes within the start's spread; it is pulled, then ten wishes make one more.
    asio::post(rig.io, [&rig] {
        rig.scheduler.refresh();
        CHECK(rig.scheduler.look_soon("quick", "a"));
    });
    rig.run([&rig, &wishes] {
        const int seen = rig.seen_of["tenant/a"];
        if (seen == 1 && wishes == 0) {
            for (; wishes < 10; ++wishes) {
                rig.scheduler.look_soon(Subject("workspace/a/" + test::org_id), "quick");
                rig.scheduler.look_soon(Subject("tenant/a"), "quick");
            }
        }
        return seen >= 2;
    });
    CHECK(rig.script.begun["a"] == 2);
    CHECK(rig.scheduler.counters().looks == 2);
}

TEST_CASE("a wish for something unknown is refused") {
    Rig rig;
    rig.script.quick_targets = {"a"};
    bool asked = false;
    rig.run([&rig, &asked] {
        asked = true;
        CHECK_FALSE(rig.scheduler.look_soon("quick", "nobody"));
        CHECK_FALSE(rig.scheduler.look_soon(Subject("tenant/a"), "lever:tenant-redeploy"));
        CHECK_FALSE(rig.scheduler.look_soon(Subject("tenant/nobody"), "quick"));
        return true;
    });
    CHECK(asked);
}

TEST_CASE("targets come and go, also in the middle of a look") {
    Rig rig;
    rig.script.quick_targets = {"old", "stays"};
    rig.script.hangs = {"old"};
    rig.run([&rig] {
        if (rig.script.running["old"] == 1 && rig.script.quick_targets.front() == "old") {
            rig.script.quick_targets = {"new", "stays"};
            rig.scheduler.refresh();
        }
        return rig.seen_of["tenant/new"] >= 2 && rig.script.running["old"] == 0;
    });
    CHECK(rig.seen_of["tenant/old"] == 0);  // its one look ended after it was gone
    CHECK(rig.script.begun["old"] == 1);
    CHECK(rig.scheduler.counters().tasks == 2);
}

TEST_CASE("a kind that discovers brings its new targets by itself") {
    Rig rig;
    rig.kinds.front().discovers = true;
    rig.script.quick_targets = {"a"};
    rig.run([&rig] {
        if (rig.seen_of["tenant/a"] == 1) {
            rig.script.quick_targets = {"a", "b"};
        }
        return rig.seen_of["tenant/b"] >= 1;
    });
    CHECK(rig.seen_of["tenant/b"] >= 1);
}

TEST_CASE("a tenant's share of requests is respected and counted, without noise") {
    Rig rig;
    rig.world.config.tenants.requests_per_minute = 5;
    rig.kinds.front().cost = one_request;
    rig.kinds.push_back({"free", quick_look, quick_targets, "tenant", nullptr, false});
    rig.add_settings("free", Millis{5}, Millis{5}, Millis{100});
    rig.script.quick_targets = {"a"};
    rig.run([&rig] { return rig.scheduler.counters().skipped_budget >= 3; });
    // The clock of this world stands still, so the share never refills.
    CHECK(rig.last["tenant/a"].health == Health::healthy);
    CHECK(rig.scheduler.counters().skipped_budget >= 3);
}

TEST_CASE("leverd takes at most five percent of the limit that a tenant announces") {
    Rig rig;
    rig.world.config.tenants.requests_per_minute = 6'000;
    rig.world.inventory.paces["a"].limit = 100;
    rig.kinds.front().cost = one_request;
    rig.kinds.push_back({"free", free_look, quick_targets, "tenant", nullptr, false});
    rig.add_settings("free", Millis{5}, Millis{5}, Millis{100});
    rig.script.quick_targets = {"a"};
    rig.run([&rig] { return rig.scheduler.counters().skipped_budget >= 3; });
    CHECK(rig.script.begun["a"] == 5);
}

TEST_CASE("a tenant whose limit is used up is left alone, and that is said once") {
    Rig rig;
    rig.kinds.front().cost = one_request;
    rig.script.quick_targets = {"a", "b"};
    TenantPace& pace = rig.world.inventory.paces["a"];
    pace.not_before = rig.world.clock.value.at + Millis{10};
    pace.why = "the tenant answered 429";
    rig.run([&rig] { return rig.scheduler.counters().skipped_budget >= 5; });
    CHECK(rig.script.begun["a"] == 0);
    CHECK(rig.seen_of["tenant/a"] == 1);
    CHECK(rig.last["tenant/a"].health == Health::unknown);
    CHECK(rig.last["tenant/a"].evidence == "no look for 10ms: the tenant answered 429");
}

TEST_CASE("settings that are gone end the looks, new ones start them") {
    Rig rig;
    rig.script.quick_targets = {"a"};
    bool stopped = false;
    rig.kinds.push_back({"other", quick_look, quick_targets, "image", nullptr, false});
    rig.run([&rig, &stopped] {
        if (rig.seen_of["tenant/a"] == 2 && !stopped) {
            stopped = true;
            rig.world.config.probes.clear();
            rig.add_settings("other", Millis{5}, Millis{5}, Millis{100});
            rig.scheduler.refresh();
        }
        return stopped && rig.last["tenant/a"].probe == "other";
    });
    CHECK(rig.scheduler.counters().tasks == 1);
}

TEST_CASE("a look on demand goes to the caller only") {
    Rig rig;
    rig.script.quick_targets = {"a"};
    std::optional<Result<Looked>> good;
    std::optional<Result<Looked>> bad;
    auto keep_good = [&good](std::exception_ptr, Result<Looked> r) { good.emplace(std::move(r)); };
    auto keep_bad = [&bad](std::exception_ptr, Result<Looked> r) { bad.emplace(std::move(r)); };
    asio::co_spawn(rig.io, rig.scheduler.look_now("quick", "a"), std::move(keep_good));
    asio::co_spawn(rig.io, rig.scheduler.look_now("quick", "nobody"), std::move(keep_bad));
    rig.io.run();
    REQUIRE(good.has_value());
    REQUIRE(good->has_value());
    CHECK((*good)->observations.size() == 1);
    CHECK(rig.seen_of.empty());
    REQUIRE(bad.has_value());
    CHECK(bad->error().what == "nothing to look at: quick nobody");
}

TEST_CASE("the table of kinds is complete and consistent") {
    const std::vector<std::string> names{"control_plane",
                                         "tenant_health",
                                         "workspace_status",
                                         "workspace_activity",
                                         "boot_events",
                                         "image_drift",
                                         "freeze_state",
                                         "forge_ci",
                                         "canvas",
                                         "reference",
                                         "http",
                                         "tls",
                                         "tcp",
                                         "dns",
                                         "promql",
                                         "heartbeat",
                                         "command",
                                         "credential"};
    REQUIRE(probes::probe_kinds().size() == names.size());
    test::World world;
    world.config.registry.images = {"molecule-ai/platform"};
    world.config.forge.url = "https://forge.test/";
    world.config.forge.branches = {{"molecule-ai/control-plane", "main", "", "", ""}};
    world.config.canvas.url = "https://app.test/";
    world.config.observer.references = {"https://ref.test/"};
    std::vector<std::string> subjects{"control-plane", "tenant/acme",
                                      "tenant/acme",   "tenant/acme",
                                      "tenant/acme",   "image/molecule-ai/platform",
                                      "freeze",        "branch/molecule-ai/control-plane",
                                      "canvas",        "reference/0"};
    subjects.resize(names.size() - 1, "service");  // without settings the name is not known
    subjects.emplace_back("credential");
    for (std::size_t i = 0; i < names.size(); ++i) {
        CAPTURE(names[i]);
        const auto* kind = probes::find_probe_kind(names[i]);
        REQUIRE(kind != nullptr);
        const auto targets = kind->targets(world.context);
        REQUIRE(targets.size() == 1);
        CHECK(probes::subject_of(*kind, targets[0]).text() == subjects[i]);
    }
    CHECK(probes::find_probe_kind("nothing") == nullptr);
}

TEST_CASE("an event looks at once, and a storm of them is one look per retry") {
    Rig rig;
    rig.world.config.probes[0].interval = Millis{60'000};
    rig.world.config.probes[0].retry = Millis{40};
    rig.script.quick_targets = {"a", "b"};
    std::vector<net::Deadline> looks;
    asio::post(rig.io, [&rig] {
        rig.scheduler.refresh();
        CHECK(rig.scheduler.hint("quick", "*") == 2);
        CHECK(rig.scheduler.hint("quick", "nobody") == 0);
        CHECK(rig.scheduler.hint("other", "*") == 0);
    });
    rig.run([&rig, &looks] {
        if (rig.seen_of["tenant/a"] > static_cast<int>(looks.size())) {
            looks.push_back(net::deadline_in(Millis{0}));
        }
        for (int i = 0; i < 1000; ++i) {
            rig.scheduler.hint("quick", "a");
        }
        return looks.size() >= 4;
    });
    CHECK(rig.seen_of["tenant/b"] == 1);
    CHECK(looks.back() - looks.front() >= Millis{3 * 40 - 10});
    CHECK(rig.script.most_of_one == 1);
    CHECK(rig.scheduler.counters().hinted <= 8);
}

TEST_CASE("an event that comes during a look makes another one, and spends the tenant's share") {
    Rig rig;
    rig.world.config.probes[0].interval = Millis{60'000};
    rig.world.config.tenants.requests_per_minute = 3;
    rig.kinds[0].cost = one_request;
    rig.script.quick_targets = {"a"};
    asio::post(rig.io, [&rig] {
        rig.scheduler.refresh();
        rig.scheduler.hint("quick", "a");
    });
    rig.run([&rig] {
        // Still counted as running: the observation is handed out before the look's end.
        rig.scheduler.hint("quick", "a");
        return rig.scheduler.counters().skipped_budget > 0 || rig.seen_of["tenant/a"] >= 3;
    });
    CHECK(rig.seen_of["tenant/a"] == 3);
}
