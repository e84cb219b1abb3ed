// Why: mode auto is the most that a person can give away, so each of its conditions is shown
// here with the whole answer that its absence gets.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"auto without its caps",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "auto"
owner = "ops"
)x",
     R"x(
leverd.toml:14:8: error: mode 'auto' without cool_down, attempts, blast_percent, blast_count
    mode = "auto"
           ^
hint: write each: cool_down = "30m", attempts = 1, blast_percent = 10, blast_count = 1)x"},
    {"auto with half of its caps",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "auto"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_count = 1
)x",
     R"x(
leverd.toml:14:8: error: mode 'auto' without blast_percent
    mode = "auto"
           ^
hint: write each: cool_down = "30m", attempts = 1, blast_percent = 10, blast_count = 1)x"},
    {"auto that would fire again too soon",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "auto"
owner = "ops"
cool_down = "5m"
attempts = 1
blast_percent = 10
blast_count = 1
verify_timeout = "10m"
)x",
     R"x(
leverd.toml:16:13: error: 'cool_down' ("5m") is shorter than 'verify_timeout' ("10m")
    cool_down = "5m"
                ^
hint: leverd would fire again before it knows the effect)x"},
    {"approve without an owner",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "approve"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)x",
     R"x(
leverd.toml:14:8: error: mode 'approve' needs an 'owner'
    mode = "approve"
           ^
hint: name who answers for what it does: owner = "ops")x"},
    {"an hour above its day",
     R"x(
include = ["tenant.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
per_hour = 9
per_day = 3
)x",
     R"x(
leverd.toml:20:12: warning: 'per_hour' (9) is above 'per_day' (3)
    per_hour = 9
               ^
hint: the day's budget is the one that counts)x"},
    {"limits out of range",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
per_day = 0
recurs_within = "31d"
)x",
     R"x(
leverd.toml:20:11: error: 'per_day' must be between 1 and 1000, found 0
    per_day = 0
              ^
leverd.toml:21:17: error: 'recurs_within' must be between "0s" and "30d", found "31d"
    recurs_within = "31d"
                    ^)x"},
    {"undo of a lever that has none",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "auto"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
undo_if_worse = true
)x",
     R"x(
leverd.toml:20:17: error: lever 'tenant-redeploy' has no undo that leverd can run
    undo_if_worse = true
                    ^
hint: levers that have one: platform-rollback, template-rollback)x"},
    {"a record that nothing asks for",
     R"x(
include = ["tenant.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "approve"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
auto_after = { successes = 5 }
)x",
     R"x(
leverd.toml:20:14: warning: 'auto_after' says nothing in mode 'approve'
    auto_after = { successes = 5 }
                 ^
hint: write mode = "auto": it acts as 'approve' until the record suffices)x"},
    {"a record without a number",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "auto"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
auto_after = { better_than_baseline = true }
)x",
     R"x(
leverd.toml:20:14: error: 'auto_after' needs 'successes'
    auto_after = { better_than_baseline = true }
                 ^)x"},
    {"a record out of range",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "auto"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
auto_after = { successes = 51, better_than_base = true }
)x",
     R"x(
leverd.toml:20:28: error: 'successes' must be between 1 and 50, found 51
    auto_after = { successes = 51, better_than_base = true }
                               ^
leverd.toml:20:32: error: unknown key 'better_than_base' in 'auto_after'
    auto_after = { successes = 51, better_than_base = true }
                                   ^
hint: did you mean 'better_than_baseline'?)x"},
    {"an irreversible rung below a reversible one",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[symptom]]
id = "wedged"
title = "Wedged"
subject = "workspace"
all = ["agent-errors"]
lever = "workspace-restart"
then = ["workspace-reprovision"]
[[policy]]
id = "p"
symptom = "wedged"
lever = "workspace-reprovision"
subjects = ["workspace/demo/*"]
mode = "auto"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)x",
     R"x(
leverd.toml:21:8: error: lever 'workspace-reprovision' cannot be undone: auto needs acceptance
    mode = "auto"
           ^
hint: use approve, or name the subjects and add irreversible = "accepted")x"},
    {"a policy for a lever that is no rung",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "auto"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-restart"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)x",
     R"x(
leverd.toml:12:9: error: symptom 'tenant-down' has no lever 'tenant-restart'
    lever = "tenant-restart"
            ^
hint: it has: tenant-redeploy)x"},
};
// clang-format on

TEST_CASE("what auto needs is asked for with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

}  // namespace
}  // namespace leverd::config
