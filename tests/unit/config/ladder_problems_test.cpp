// Why: what an operator reads when a row's newer keys do not fit together: k of n, silence,
// all and not_all, and ladders, to the letter.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"fewer looks of than looks",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
looks = 4
of = 3
)x",
     R"x(
leverd.toml:7:6: error: 'of' is 3, less than 'looks' (4)
    of = 3
         ^
hint: looks = 3 with of = 5: three bad ones among the last five)x"},
    {"more looks than are remembered",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
looks = 3
of = 65
)x",
     R"x(
leverd.toml:7:6: error: 'of' must be between 1 and 64, found 65
    of = 65
         ^)x"},
    {"silence beside other rules",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
silent_after = "15m"
looks = 2
reasons = ["http_5xx"]
)x",
     R"x(
leverd.toml:7:9: error: 'looks' beside 'silent_after'
    looks = 2
            ^
hint: such a signal is about silence only; make two signals and a symptom with any = [...]
leverd.toml:8:11: error: 'reasons' beside 'silent_after'
    reasons = ["http_5xx"]
              ^
hint: such a signal is about silence only; make two signals and a symptom with any = [...])x"},
    {"silence within the pause between two looks",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
silent_after = "30s"
)x",
     R"x(
leverd.toml:6:16: error: 'silent_after' is not longer than the probe's 'interval' ("30s")
    silent_after = "30s"
                   ^
hint: every pause between two looks would be silence)x"},
    {"neither any nor all",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
lever = "none"
)x",
     R"x(
leverd.toml:2:1: error: [[symptom]] needs 'any' or 'all'
    [[symptom]]
    ^
hint: any = ["..."]: one of these signals is enough; all = ["..."]: every one is needed)x"},
    {"empty lists of signals",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
all = []
not_all = []
lever = "none"
)x",
     R"x(
leverd.toml:6:7: error: 'all' must name at least one signal
    all = []
          ^
leverd.toml:7:11: error: 'not_all' must name at least one signal
    not_all = []
              ^)x"},
    {"within without all",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
within = "5m"
lever = "none"
)x",
     R"x(
leverd.toml:7:10: error: 'within' needs 'all'
    within = "5m"
             ^
hint: it is the time from the first of 'all' to the last)x"},
    {"no signal about the row's own kind",
     R"x(
include = ["base.toml"]
[[signal]]
id = "cp"
subject = "control-plane"
probe = "control_plane"
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
all = ["cp"]
lever = "none"
)x",
     R"x(
leverd.toml:10:7: error: no signal is about 'tenant' itself
    all = ["cp"]
          ^
hint: one of 'any' or 'all' must be; those above it only add to it)x"},
    {"a signal of something below",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
all = ["tenant-health", "agent-errors"]
lever = "none"
)x",
     R"x(
leverd.toml:6:7: error: signal 'agent-errors' is about 'workspace', needed is 'tenant'
    all = ["tenant-health", "agent-errors"]
          ^
hint: a group needs signals of its member kind, others of their own kind or of one above it)x"},
    {"a signal that is needed and forbidden",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
all = ["tenant-health"]
unless = ["tenant-health"]
lever = "none"
)x",
     R"x(
leverd.toml:7:10: error: signal 'tenant-health' is in both 'all' and 'unless'
    unless = ["tenant-health"]
             ^)x"},
    {"everything that is needed is forbidden",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
all = ["tenant-health"]
not_all = ["tenant-health"]
lever = "none"
)x",
     R"x(
leverd.toml:7:11: error: 'all' needs everything that 'not_all' forbids
    not_all = ["tenant-health"]
              ^
hint: this symptom is never raised)x"},
    {"all beside a group",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "control-plane"
all = ["tenant-health"]
within = "5m"
lever = "none"
[symptom.group]
member = "tenant"
)x",
     R"x(
leverd.toml:6:7: error: 'all' beside a group
    all = ["tenant-health"]
          ^
hint: a group counts the members for which one of 'any' is raised; its time is group.within
leverd.toml:7:10: error: 'within' beside a group
    within = "5m"
             ^
hint: a group counts the members for which one of 'any' is raised; its time is group.within)x"},
    {"a lever twice on the ladder",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "tenant-redeploy"
then = ["tenant-restart", "tenant-redeploy"]
)x",
     R"x(
leverd.toml:8:27: error: lever 'tenant-redeploy' is on the ladder twice
    then = ["tenant-restart", "tenant-redeploy"]
                              ^
hint: each lever stands on it once; 'attempts' says how often it may be tried)x"},
    {"a rung twice",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "tenant-redeploy"
then = ["tenant-restart", "tenant-restart"]
)x",
     R"x(
leverd.toml:8:27: error: duplicate entry 'tenant-restart' in 'then'
    then = ["tenant-restart", "tenant-restart"]
                              ^)x"},
    {"a rung that does not exist",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "tenant-redeploy"
then = ["tenant-restrt"]
)x",
     R"x(
leverd.toml:8:9: error: unknown lever 'tenant-restrt'
    then = ["tenant-restrt"]
            ^
hint: did you mean 'tenant-restart'?)x"},
    {"an empty ladder",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "tenant-redeploy"
then = []
)x",
     R"x(
leverd.toml:8:8: error: 'then' must name at least one lever
    then = []
           ^
hint: leave it out when the first lever is the only one)x"},
    {"rungs after none",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
then = ["tenant-restart"]
)x",
     R"x(
leverd.toml:8:8: error: 'then' after lever "none"
    then = ["tenant-restart"]
           ^
hint: make the first of 'then' the 'lever')x"},
    {"rungs beside levers",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
levers = [{ lever = "tenant-redeploy", then = ["tenant-redeploy"] }]
then = ["tenant-restart"]
)x",
     R"x(
leverd.toml:7:48: error: lever 'tenant-redeploy' is on the ladder twice
    levers = [{ lever = "tenant-redeploy", then = ["tenant-redeploy"] }]
                                                   ^
hint: each lever stands on it once; 'attempts' says how often it may be tried
leverd.toml:8:8: error: 'then' needs 'lever'
    then = ["tenant-restart"]
           ^
hint: it names the rungs after the first)x"},
    {"flapping that stops where it starts",
     R"x(
include = ["base.toml"]
[runbook.flapping]
window = "30m"
start = 4
stop = 4
)x",
     R"x(
leverd.toml:5:8: error: 'stop' (4) is not below 'start' (4)
    stop = 4
           ^
hint: what starts to flap would stop at once)x"},
    {"flapping that starts below the default stop",
     R"x(
include = ["base.toml"]
[runbook.flapping]
start = 2.5
)x",
     R"x(
leverd.toml:3:9: error: 'stop' (3) is not below 'start' (2.5)
    start = 2.5
            ^
hint: what starts to flap would stop at once)x"},
    {"flapping out of range",
     R"x(
include = ["base.toml"]
[runbook.flapping]
window = "0s"
start = "6"
stop = nan
end = 3
)x",
     R"x(
leverd.toml:3:10: error: 'window' must be between "1s" and "1d", found "0s"
    window = "0s"
             ^
leverd.toml:4:9: error: 'start' must be a number, found a string
    start = "6"
            ^
leverd.toml:5:8: error: 'stop' must be between 0.5 and 1000, found nan
    stop = nan
           ^
leverd.toml:6:1: error: unknown key 'end' in [runbook.flapping]
    end = 3
    ^
hint: known: start, stop, window)x"},
};
// clang-format on

TEST_CASE("a mistake in a row or its ladder is shown with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

}  // namespace
}  // namespace leverd::config
