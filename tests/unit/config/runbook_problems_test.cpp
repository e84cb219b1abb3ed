// Why: what an operator reads after each mistake in signals, symptoms and topology, to the letter.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"an unknown signal",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-helth"]
lever = "none"
unless = ["agent-erors"]
)x",
     R"x(
leverd.toml:6:8: error: unknown signal 'tenant-helth'
    any = ["tenant-helth"]
           ^
hint: did you mean 'tenant-health'?
leverd.toml:8:11: error: unknown signal 'agent-erors'
    unless = ["agent-erors"]
              ^
hint: did you mean 'agent-errors'?)x"},
    {"an unknown reason, health and condition",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
reasons = ["http_5x"]
health = ["failing", "unknown"]
where = ["requests > = 3", "requests >= three"]
)x",
     R"x(
leverd.toml:6:12: error: unknown reason 'http_5x'
    reasons = ["http_5x"]
               ^
hint: did you mean 'http_5xx'?
leverd.toml:7:22: error: 'unknown' is no bad health
    health = ["failing", "unknown"]
                         ^
hint: degraded and failing count against a subject; "unknown" alone is a signal about not seeing
leverd.toml:8:10: error: bad condition 'requests > = 3'
    where = ["requests > = 3", "requests >= three"]
             ^
hint: write a fact, one of < <= == >= > and a number: "requests >= 3"
leverd.toml:8:28: error: bad condition 'requests >= three'
    where = ["requests > = 3", "requests >= three"]
                               ^
hint: write a fact, one of < <= == >= > and a number: "requests >= 3")x"},
    {"a lever for not seeing",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
health = ["unknown"]
[[symptom]]
id = "x"
title = "T"
subject = "tenant"
any = ["s"]
lever = "tenant-redeploy"
[[policy]]
id = "p"
symptom = "x"
lever = "tenant-redeploy"
subjects = ["*"]
mode = "observe"
)x",
     R"x(
leverd.toml:12:9: error: a lever for a symptom that rests on not seeing ('s')
    lever = "tenant-redeploy"
            ^
hint: write lever = "none": a person looks first)x"},
    {"no bad health at all",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
health = []
)x",
     R"x(
leverd.toml:6:10: error: 'health' must name at least one of degraded, failing
    health = []
             ^)x"},
    {"two attributes in spread_by",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
spread_by = { runtime = { hermes = "31m" }, tenant = { demo = "1m" } }
)x",
     R"x(
leverd.toml:6:13: error: 'spread_by' must name exactly one attribute
    spread_by = { runtime = { hermes = "31m" }, tenant = { demo = "1m" } }
                ^)x"},
    {"a bad duration in spread_by",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
spread_by = { runtime = { hermes = "31" } }
)x",
     R"x(
leverd.toml:6:36: error: 'hermes' must be a duration, found '31'
    spread_by = { runtime = { hermes = "31" } }
                                       ^
hint: write a number and a unit: ms, s, m, h or d, as in "30s")x"},
    {"a signal whose probe does not run",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "canvas"
probe = "canvas"
)x",
     R"x(
leverd.toml:5:9: warning: probe 'canvas' does not run, so this signal is never raised
    probe = "canvas"
            ^
hint: add [[probe]] with kind = "canvas")x"},
    {"an unknown subject kind",
     R"x(
include = ["base.toml"]
[[signal]]
id = "s"
subject = "tennant"
probe = "tenant_health"
)x",
     R"x(
leverd.toml:4:11: error: unknown subject kind 'tennant'
    subject = "tennant"
              ^
hint: did you mean 'tenant'?)x"},
    {"a symptom without lever",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
)x",
     R"x(
leverd.toml:2:1: error: [[symptom]] needs 'lever' or 'levers'
    [[symptom]]
    ^
hint: write lever = "none" when no lever is right)x"},
    {"a symptom with both forms of lever",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
levers = [{ lever = "tenant-redeploy" }]
)x",
     R"x(
leverd.toml:8:10: error: write either 'lever' or 'levers', not both
    levers = [{ lever = "tenant-redeploy" }]
             ^)x"},
    {"an unknown lever",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "tenant-redploy"
)x",
     R"x(
leverd.toml:7:9: error: unknown lever 'tenant-redploy'
    lever = "tenant-redploy"
            ^
hint: did you mean 'tenant-redeploy'?)x"},
    {"a lever that is never reached",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
levers = [{ lever = "none" }, { lever = "tenant-redeploy" }]
)x",
     R"x(
leverd.toml:7:31: error: this lever is never reached
    levers = [{ lever = "none" }, { lever = "tenant-redeploy" }]
                                  ^
hint: an earlier one is for every subject)x"},
    {"a lever for another kind of subject",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
levers = [{ subjects = "image/*", lever = "none" }]
)x",
     R"x(
leverd.toml:7:10: error: 'image/*' matches no subject of kind 'tenant'
    levers = [{ subjects = "image/*", lever = "none" }]
             ^)x"},
    {"no signal",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = []
lever = "none"
)x",
     R"x(
leverd.toml:6:7: error: 'any' must name at least one signal
    any = []
          ^)x"},
    {"a signal about another kind",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["agent-errors"]
lever = "none"
)x",
     R"x(
leverd.toml:6:7: error: signal 'agent-errors' is about 'workspace', needed is 'tenant'
    any = ["agent-errors"]
          ^
hint: a group needs signals of its member kind, others of their own kind or of one above it)x"},
    {"a signal that is needed and forbidden",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
unless = ["tenant-health"]
)x",
     R"x(
leverd.toml:8:10: error: signal 'tenant-health' is in both 'any' and 'unless'
    unless = ["tenant-health"]
             ^)x"},
    {"a group whose members are of another kind",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
[symptom.group]
member = "workspace"
)x",
     R"x(
leverd.toml:6:7: error: signal 'tenant-health' is about 'tenant', needed is 'workspace'
    any = ["tenant-health"]
          ^
hint: a group needs signals of its member kind, others of their own kind or of one above it)x"},
    {"a group whose members do not depend on it",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "canvas"
any = ["tenant-health"]
lever = "none"
[symptom.group]
member = "tenant"
)x",
     R"x(
leverd.toml:9:10: error: 'tenant' does not depend on 'canvas' in [topology]
    member = "tenant"
             ^
hint: members are found through what they depend on)x"},
    {"a group counted by what members do not have",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["agent-errors"]
lever = "none"
[symptom.group]
member = "workspace"
distinct = "canvas"
)x",
     R"x(
leverd.toml:10:12: error: 'workspace' does not depend on 'canvas' in [topology]
    distinct = "canvas"
               ^)x"},
    {"others_work without distinct",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["agent-errors"]
lever = "none"
[symptom.group]
member = "workspace"
others_work = true
)x",
     R"x(
leverd.toml:10:15: error: 'others_work' needs 'distinct'
    others_work = true
                  ^
hint: it asks whether others under the same distinct parents work)x"},
    {"half of a change rule",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["agent-errors"]
lever = "none"
[symptom.group]
member = "workspace"
after_change_of = "image/*"
)x",
     R"x(
leverd.toml:8:1: error: 'after_change_of' and 'after_change_within' go together
    [symptom.group]
    ^)x"},
    {"a requirement that is no subject",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
requires_healthy = ["control-plane", "Tenant"]
)x",
     R"x(
leverd.toml:8:38: error: an entry of 'requires_healthy' must be one subject: "tenant/demo"
    requires_healthy = ["control-plane", "Tenant"]
                                         ^)x"},
    {"a requirement on an unknown kind",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
requires_healthy = ["control-plan"]
)x",
     R"x(
leverd.toml:8:20: error: unknown subject kind 'control-plan'
    requires_healthy = ["control-plan"]
                       ^
hint: did you mean 'control-plane'?)x"},
    {"the same symptom and row twice",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "tenant-down"
row = 1
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
)x",
     R"x(
base.toml:24:6: error: duplicate symptom 'tenant-down'
    id = "tenant-down"
         ^
hint: the first one is at leverd.toml:3:6
base.toml:25:7: error: duplicate row '1'
    row = 1
          ^
hint: the first one is at leverd.toml:4:7)x"},
    {"a topology that goes in a circle",
     R"x(
[topology]
platform = ["tenant/{tenant}"]
tenant = ["platform"]
)x",
     R"x(
leverd.toml:2:12: error: 'platform' depends on itself
    platform = ["tenant/{tenant}"]
               ^
leverd.toml:3:10: error: 'tenant' depends on itself
    tenant = ["platform"]
             ^)x"},
    {"a bad topology",
     R"x(
[topology]
workspace = ["tenant/{tenant", "Runtime"]
)x",
     R"x(
leverd.toml:2:14: error: an entry of 'workspace' must be a subject: "tenant/{tenant}"
    workspace = ["tenant/{tenant", "Runtime"]
                 ^
leverd.toml:2:32: error: an entry of 'workspace' must be a subject: "tenant/{tenant}"
    workspace = ["tenant/{tenant", "Runtime"]
                                   ^)x"},
};
// clang-format on

TEST_CASE("a mistake in the runbook is shown with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

}  // namespace
}  // namespace leverd::config
