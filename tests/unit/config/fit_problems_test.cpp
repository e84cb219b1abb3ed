// Why: rows and policies that are each right and do not fit are only warned about, in these words.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"two rows for one subject and one signal",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "tenant"
any = ["tenant-health"]
lever = "none"
)x",
     R"x(
base.toml:24:6: warning: symptoms 'x' and 'tenant-down' both rest on signal 'tenant-health'
    id = "tenant-down"
         ^
hint: the first is at leverd.toml:3:6; one fault opens two: give one an 'unless')x"},
    {"two groups of which none is above",
     R"x(
[[probe]]
kind = "tenant_health"
[secrets]
cp = { environment = "CP" }
[stack.control_plane]
url = "https://cp.example"
admin_token = "cp"
[topology]
tenant = ["edge", "region"]
[[signal]]
id = "s"
subject = "tenant"
probe = "tenant_health"
[[symptom]]
id = "edge-down"
title = "Edge"
subject = "edge"
any = ["s"]
lever = "none"
group = { member = "tenant" }
[[symptom]]
id = "region-down"
title = "Region"
subject = "region"
any = ["s"]
lever = "none"
group = { member = "tenant" }
)x",
     R"x(
leverd.toml:22:6: warning: symptoms 'edge-down' and 'region-down' both rest on signal 's'
    id = "region-down"
         ^
hint: the first is at leverd.toml:15:6; one fault opens two: give one an 'unless')x"},
    {"a lever and a rung that no policy names",
     R"x(
include = ["base.toml"]
[[symptom]]
id = "x"
title = "X"
subject = "control-plane"
any = ["cp"]
levers = [{ lever = "control-plane-rollback", then = ["canvas-rollback"] }]
[[signal]]
id = "cp"
subject = "control-plane"
probe = "control_plane"
[[policy]]
id = "p"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/demo"]
mode = "recommend"
[[policy]]
id = "q"
symptom = "agent-broken"
lever = "workspace-reprovision"
subjects = ["workspace/demo/*"]
mode = "recommend"
)x",
     R"x(
leverd.toml:7:10: warning: no policy names lever 'control-plane-rollback' of symptom 'x'
    levers = [{ lever = "control-plane-rollback", then = ["canvas-rollback"] }]
             ^
hint: it is never pulled: add a [[policy]], at least with mode = "recommend"
leverd.toml:7:10: warning: no policy names lever 'canvas-rollback' of symptom 'x'
    levers = [{ lever = "control-plane-rollback", then = ["canvas-rollback"] }]
             ^
hint: it is never pulled: add a [[policy]], at least with mode = "recommend")x"},
    {"a rung behind one that is only recommended",
     R"x(
include = ["base.toml"]
[daemon]
mode_ceiling = "approve"
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[[symptom]]
id = "x"
title = "X"
subject = "control-plane"
any = ["cp"]
lever = "control-plane-rollback"
then = ["canvas-rollback"]
[[signal]]
id = "cp"
subject = "control-plane"
probe = "control_plane"
[[policy]]
id = "p"
symptom = "x"
lever = "control-plane-rollback"
subjects = ["*"]
mode = "recommend"
[[policy]]
id = "q"
symptom = "x"
lever = "canvas-rollback"
subjects = ["*"]
mode = "approve"
owner = "ops"
)x",
     R"x(
leverd.toml:15:8: warning: rung 'canvas-rollback' of symptom 'x' is never reached
    then = ["canvas-rollback"]
           ^
hint: no policy lets 'control-plane-rollback' before it fire: give that one 'approve' or 'auto' too
base.toml:29:9: warning: no policy names lever 'tenant-redeploy' of symptom 'tenant-down'
    lever = "tenant-redeploy"
            ^
hint: it is never pulled: add a [[policy]], at least with mode = "recommend"
base.toml:36:9: warning: no policy names lever 'workspace-reprovision' of symptom 'agent-broken'
    lever = "workspace-reprovision"
            ^
hint: it is never pulled: add a [[policy]], at least with mode = "recommend")x"},
};
// clang-format on

TEST_CASE("what does not fit together is warned about with both places") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

}  // namespace
}  // namespace leverd::config
