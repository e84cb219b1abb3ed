// Why: what an operator reads when a policy says too much, too little or nothing, to the letter.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"an unknown symptom",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-dwn"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
)x",
     R"x(
leverd.toml:4:11: error: unknown symptom 'tenant-dwn'
    symptom = "tenant-dwn"
              ^
hint: did you mean 'tenant-down'?)x"},
    {"an unknown lever",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
)x",
     R"x(
leverd.toml:5:9: error: unknown lever 'tenant-redploy'
    lever = "tenant-redploy"
            ^
hint: did you mean 'tenant-redeploy'?)x"},
    {"a lever that the symptom does not have",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "canvas-rollback"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
)x",
     R"x(
leverd.toml:5:9: error: symptom 'tenant-down' has no lever 'canvas-rollback'
    lever = "canvas-rollback"
            ^
hint: it has: tenant-redeploy)x"},
    {"subjects of another kind",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["workspace/demo/*", "**"]
mode = "recommend"
owner = "ops"
)x",
     R"x(
leverd.toml:6:12: error: 'workspace/demo/*' matches no subject of kind 'tenant'
    subjects = ["workspace/demo/*", "**"]
               ^
hint: symptom 'tenant-down' is about 'tenant'
leverd.toml:6:12: error: '**' is no subject
    subjects = ["workspace/demo/*", "**"]
               ^
hint: write "*" for all)x"},
    {"no subjects",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = []
mode = "recommend"
owner = "ops"
)x",
     R"x(
leverd.toml:6:12: error: 'subjects' must not be empty
    subjects = []
               ^
hint: write ["*"] for every subject of the symptom)x"},
    {"a policy without mode",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
owner = "ops"
)x",
     R"x(
leverd.toml:2:1: error: [[policy]] needs 'mode'
    [[policy]]
    ^)x"},
    {"an unknown mode",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "automatic"
owner = "ops"
)x",
     R"x(
leverd.toml:7:8: error: unknown mode 'automatic'
    mode = "automatic"
           ^
hint: known: observe, recommend, approve, auto)x"},
    {"limits out of range",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
attempts = 0
per_hour = 61
blast_percent = 101
blast_count = 0
approval_ttl = "0s"
)x",
     R"x(
leverd.toml:9:12: error: 'attempts' must be between 1 and 10, found 0
    attempts = 0
               ^
leverd.toml:10:12: error: 'per_hour' must be between 1 and 60, found 61
    per_hour = 61
               ^
leverd.toml:11:17: error: 'blast_percent' must be between 1 and 100, found 101
    blast_percent = 101
                    ^
leverd.toml:12:15: error: 'blast_count' must be between 1 and 1000, found 0
    blast_count = 0
                  ^
leverd.toml:13:16: error: 'approval_ttl' must be between "1s" and "1d", found "0s"
    approval_ttl = "0s"
                   ^)x"},
    {"the same policy twice",
     R"x(
include = ["base.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
)x",
     R"x(
leverd.toml:10:6: error: duplicate policy 'p'
    id = "p"
         ^
hint: the first one is at leverd.toml:3:6)x"},
    {"a policy whose subjects one before it names already",
     R"x(
include = ["tenant.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo-*", "tenant/acme"]
mode = "recommend"
[[policy]]
id = "q"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo-2"]
mode = "recommend"
[[policy]]
id = "wider"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo-2", "tenant/other"]
mode = "recommend"
)x",
     R"x(
leverd.toml:8:1: warning: policy 'q' is never reached
    [[policy]]
    ^
hint: 'p' before it is for every subject that it names)x"},
    {"a policy that is never reached",
     R"x(
include = ["tenant.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["*"]
mode = "recommend"
owner = "ops"
[[policy]]
id = "q"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
)x",
     R"x(
leverd.toml:9:1: warning: policy 'q' is never reached
    [[policy]]
    ^
hint: 'p' before it is for every subject)x"},
    {"a cool-down shorter than the verification",
     R"x(
include = ["tenant.toml"]
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
owner = "ops"
cool_down = "5m"
verify_timeout = "10m"
)x",
     R"x(
leverd.toml:9:13: warning: 'cool_down' ("5m") is shorter than 'verify_timeout' ("10m")
    cool_down = "5m"
                ^
hint: the lever could be proposed again before its effect is known)x"},
    {"auto without references",
     R"x(
include = ["base.toml"]
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
)x",
     R"x(
leverd.toml:9:8: error: mode 'auto' needs 2 [observer] references and a quorum
    mode = "auto"
           ^
hint: else leverd cannot tell a broken stack from its own broken network)x"},
    {"approve with one reference",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example"]
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
)x",
     R"x(
leverd.toml:14:8: error: mode 'approve' needs 2 [observer] references and a quorum
    mode = "approve"
           ^
hint: else leverd cannot tell a broken stack from its own broken network)x"},
    {"approve without quorum",
     R"x(
include = ["base.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
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
)x",
     R"x(
leverd.toml:3:14: warning: the references are not used: 'quorum' is 0
    references = ["https://a.example", "https://b.example"]
                 ^
hint: set quorum = 1 or more
leverd.toml:13:8: error: mode 'approve' needs 2 [observer] references and a quorum
    mode = "approve"
           ^
hint: else leverd cannot tell a broken stack from its own broken network)x"},
    {"auto above the ceiling",
     R"x(
include = ["tenant.toml"]
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[daemon]
mode_ceiling = "approve"
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
)x",
     R"x(
leverd.toml:14:8: warning: mode 'auto' is above this box's mode_ceiling 'approve'
    mode = "auto"
           ^
hint: it acts as 'approve')x"},
    {"auto without owner",
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
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)x",
     R"x(
leverd.toml:14:8: error: mode 'auto' needs an 'owner'
    mode = "auto"
           ^
hint: name who answers for what it does: owner = "ops")x"},
    {"an irreversible lever without acceptance",
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
symptom = "agent-broken"
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
leverd.toml:14:8: error: lever 'workspace-reprovision' cannot be undone: auto needs acceptance
    mode = "auto"
           ^
hint: use approve, or name the subjects and add irreversible = "accepted")x"},
    {"an irreversible lever on everything",
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
symptom = "agent-broken"
lever = "workspace-reprovision"
subjects = ["*"]
mode = "auto"
owner = "ops"
irreversible = "accepted"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)x",
     R"x(
leverd.toml:13:12: error: lever 'workspace-reprovision' cannot be undone: auto needs exact subjects
    subjects = ["*"]
               ^
hint: not '*'; spell the tenant: "workspace/demo/*")x"},
    {"an irreversible lever on a guessed tenant",
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
symptom = "agent-broken"
lever = "workspace-reprovision"
subjects = ["workspace/demo*/*"]
mode = "auto"
owner = "ops"
irreversible = "accepted"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)x",
     R"x(
leverd.toml:13:12: error: lever 'workspace-reprovision' cannot be undone: auto needs exact subjects
    subjects = ["workspace/demo*/*"]
               ^
hint: not 'workspace/demo*/*'; spell the tenant: "workspace/demo/*")x"},
    {"another word than accepted",
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
symptom = "agent-broken"
lever = "workspace-reprovision"
subjects = ["workspace/demo/*"]
mode = "auto"
owner = "ops"
irreversible = "yes"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)x",
     R"x(
leverd.toml:14:8: error: lever 'workspace-reprovision' cannot be undone: auto needs acceptance
    mode = "auto"
           ^
hint: use approve, or name the subjects and add irreversible = "accepted"
leverd.toml:16:16: error: unknown word for 'irreversible' 'yes'
    irreversible = "yes"
                   ^
hint: known: accepted)x"},
};
// clang-format on

TEST_CASE("a mistake in a policy is shown with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

}  // namespace
}  // namespace leverd::config
