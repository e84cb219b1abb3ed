// Why: the keys for ladders, windows, storms and earned autonomy must arrive in the structs that
// the engine reads, and one that is not written must keep its default.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

Config loaded_from(std::string_view toml) {
    const Folder folder;
    folder.write("base.toml", base_toml());
    const Loaded loaded = load(folder.write("leverd.toml", toml), vocabulary());
    CHECK(folder.plain(rendered(loaded)) == "");
    REQUIRE(loaded.ok());
    return loaded.config;
}

TEST_CASE("what is not written is the agreed default") {
    const Config c = loaded_from("");
    CHECK(c.runbook.flap.window == Millis{1'800'000});
    CHECK(c.runbook.flap.start == 6);
    CHECK(c.runbook.flap.stop == 3);
    CHECK(c.policies.storm.incidents == 5);
    CHECK(c.policies.storm.within == Millis{300'000});
    CHECK(c.policies.storm.quiet == Millis{300'000});
    CHECK(c.policies.storm.ramp == 4);
    CHECK(c.policies.effect.floor_percent == 50);
    CHECK(c.policies.effect.least_verdicts == 4);
    CHECK(c.policies.effect.window == std::chrono::hours{24 * 30});
    CHECK(c.policies.windows.empty());
}

TEST_CASE("k of n, silence and flapping arrive") {
    const Config c = loaded_from(R"(include = ["base.toml"]
[runbook.flapping]
window = "10m"
start = 4.5
stop = 2
[[signal]]
id = "now-and-then"
subject = "tenant"
probe = "tenant_health"
looks = 3
of = 5
[[signal]]
id = "quiet"
subject = "tenant"
probe = "tenant_health"
silent_after = "15m"
)");
    CHECK(c.runbook.flap.window == Millis{600'000});
    CHECK(c.runbook.flap.start == 4.5);
    CHECK(c.runbook.flap.stop == 2);
    REQUIRE(c.runbook.signals.size() == 4);
    CHECK(c.runbook.signals[0].looks == 3);
    CHECK(c.runbook.signals[0].of == 5);
    CHECK(c.runbook.signals[0].silent_after == Millis{0});
    CHECK(c.runbook.signals[1].of == 0);
    CHECK(c.runbook.signals[1].silent_after == Millis{900'000});
}

TEST_CASE("a row takes all, not_all and a ladder") {
    const Config c = loaded_from(R"(include = ["base.toml"]
[[signal]]
id = "cp"
subject = "control-plane"
probe = "control_plane"
[[signal]]
id = "slow"
subject = "tenant"
probe = "tenant_health"
health = ["degraded"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
all = ["slow", "cp"]
not_all = ["tenant-health", "cp"]
within = "5m"
lever = "tenant-redeploy"
then = ["tenant-restart", "platform-rollback"]
[[symptom]]
id = "y"
title = "Y"
subject = "control-plane"
any = ["cp"]
levers = [{ lever = "control-plane-rollback", then = ["canvas-rollback"] }]
)");
    REQUIRE(c.runbook.symptoms.size() == 4);
    const Symptom& x = c.runbook.symptoms[0];
    CHECK(x.any.empty());
    CHECK(x.all == std::vector<std::string>{"slow", "cp"});
    CHECK(x.not_all == std::vector<std::string>{"tenant-health", "cp"});
    CHECK(x.within == Millis{300'000});
    REQUIRE(x.levers.size() == 1);
    CHECK(x.levers[0].lever == "tenant-redeploy");
    CHECK(x.levers[0].then == std::vector<std::string>{"tenant-restart", "platform-rollback"});
    REQUIRE(c.runbook.symptoms[1].levers.size() == 1);
    CHECK(c.runbook.symptoms[1].levers[0].then == std::vector<std::string>{"canvas-rollback"});
}

TEST_CASE("budgets, undo and earned autonomy arrive, also for a rung") {
    const Config c = loaded_from(R"(include = ["base.toml"]
[daemon]
mode_ceiling = "auto"
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[topology]
platform = ["control-plane"]
[[signal]]
id = "p"
subject = "control-plane"
probe = "control_plane"
[[symptom]]
id = "x"
title = "X"
subject = "control-plane"
any = ["p"]
lever = "control-plane-rollback"
then = ["platform-rollback"]
[[policy]]
id = "rung"
symptom = "x"
lever = "platform-rollback"
subjects = ["*"]
mode = "auto"
owner = "ops"
cool_down = "1h"
attempts = 1
recurs_within = "3h"
per_hour = 1
per_day = 2
blast_percent = 100
blast_count = 1
undo_if_worse = true
auto_after = { successes = 7, better_than_baseline = true }
[[policy]]
id = "first"
symptom = "x"
lever = "control-plane-rollback"
subjects = ["*"]
mode = "approve"
owner = "ops"
[[policy]]
id = "a"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["*"]
mode = "recommend"
[[policy]]
id = "b"
symptom = "agent-broken"
lever = "workspace-reprovision"
subjects = ["*"]
mode = "recommend"
)");
    REQUIRE(c.policies.policies.size() == 4);
    const Policy& p = c.policies.policies[0];
    CHECK(p.limits.recurs_within == Millis{10'800'000});
    CHECK(p.limits.per_day == 2);
    CHECK(p.undo_if_worse);
    CHECK(p.auto_after == AutoAfter{7, true});
    const Policy& plain = c.policies.policies[1];
    CHECK(plain.limits.recurs_within == Millis{7'200'000});
    CHECK(plain.limits.per_day == 6);
    CHECK_FALSE(plain.undo_if_worse);
    CHECK_FALSE(plain.auto_after);
}

TEST_CASE("windows, the breaker and the record arrive") {
    const Config c = loaded_from(R"(include = ["base.toml"]
[storm]
incidents = 0
within = "1m"
quiet = "2m"
ramp = 8
[effect]
floor_percent = 80
least_verdicts = 10
window = "7d"
[[window]]
id = "night"
effect = "only"
subjects = ["tenant/demo", "workspace/demo/*"]
levers = ["tenant-redeploy"]
days = ["mon", "sun"]
start = "22:00"
end = "06:30"
zone = "Europe/Berlin"
expires = "2026-07-01T18:00"
owner = "ops"
reason = "only while nobody watches"
[[window]]
id = "always"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "until the audit is over"
mute = true
[page]
group_wait = "30s"
group_at = 8
group_within = "10m"
keep_firing_for = "2m"
)");
    CHECK(c.policies.page.group_wait == Millis{30'000});
    CHECK(c.policies.page.group_at == 8);
    CHECK(c.policies.page.group_within == Millis{600'000});
    CHECK(c.policies.page.keep_firing_for == Millis{120'000});
    CHECK(c.policies.windows.back().mute);
    CHECK_FALSE(c.policies.windows.front().mute);
    CHECK(c.policies.storm.incidents == 0);
    CHECK(c.policies.storm.within == Millis{60'000});
    CHECK(c.policies.storm.quiet == Millis{120'000});
    CHECK(c.policies.storm.ramp == 8);
    CHECK(c.policies.effect.floor_percent == 80);
    CHECK(c.policies.effect.least_verdicts == 10);
    CHECK(c.policies.effect.window == std::chrono::hours{24 * 7});
    REQUIRE(c.policies.windows.size() == 2);
    const Window& night = c.policies.windows[0];
    CHECK(night.id == "night");
    CHECK(night.effect == Window::Effect::only);
    CHECK(night.subjects == std::vector<std::string>{"tenant/demo", "workspace/demo/*"});
    CHECK(night.levers == std::vector<std::string>{"tenant-redeploy"});
    CHECK(night.days.to_string() == "1000001");  // Sunday first, as bits are written
    CHECK(night.start == 22 * 60);
    CHECK(night.end == 6 * 60 + 30);
    CHECK(night.zone.name() == "Europe/Berlin");
    REQUIRE(night.expires);
    CHECK(format_rfc3339(*night.expires) == "2026-07-01T16:00:00.000Z");
    CHECK(night.owner == "ops");
    CHECK(night.reason == "only while nobody watches");
    const Window& always = c.policies.windows[1];
    CHECK(always.effect == Window::Effect::hold);
    CHECK(always.days.all());
    CHECK(always.start == always.end);
    CHECK(always.zone.name() == "UTC");
    CHECK_FALSE(always.expires);
}

TEST_CASE("a window open now, next week or past midnight is not called over") {
    for (const std::string_view hours : {
             "expires = \"2026-03-27T12:01\"\n",
             "start = \"13:00\"\nend = \"13:00\"\ndays = [\"sat\"]\nexpires = "
             "\"2026-03-28T00:01\"\n",
             "start = \"22:00\"\nend = \"13:00\"\ndays = [\"thu\"]\nexpires = "
             "\"2026-03-27T12:30\"\n",
             "days = [\"thu\"]\nexpires = \"2026-04-02T00:30\"\n",
             "days = [\"thu\"]\nexpires = \"2027-01-01T00:00\"\n",
         }) {
        CAPTURE(hours);
        const std::string window =
            "[[window]]\nid = \"w\"\neffect = \"hold\"\nsubjects = [\"*\"]\n"
            "owner = \"ops\"\nreason = \"demo\"\n";
        CHECK(problems_of(window + std::string(hours)) == "");
    }
}

TEST_CASE("two rows may share a signal when they exclude each other or one is above the other") {
    CHECK(problems_of(R"(include = ["base.toml"]
[[signal]]
id = "slow"
subject = "tenant"
probe = "tenant_health"
health = ["degraded"]
[[signal]]
id = "cp"
subject = "control-plane"
probe = "control_plane"
[[symptom]]
id = "slow-alone"
title = "Slow"
subject = "tenant"
any = ["slow"]
unless = ["cp"]
lever = "none"
[[symptom]]
id = "slow-with-cp"
title = "Slow, and the control plane too"
subject = "tenant"
all = ["slow", "cp"]
lever = "none"
[[symptom]]
id = "many"
title = "Many tenants"
subject = "control-plane"
any = ["tenant-health"]
lever = "none"
group = { member = "tenant" }
)") == "");
}

}  // namespace
}  // namespace leverd::config
