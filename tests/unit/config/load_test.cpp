// Why: what is written must arrive in the struct, and what is not written keeps its default.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

Loaded load_text(std::string_view toml) {
    const Folder folder;
    return load(folder.write("leverd.toml", toml), vocabulary());
}

TEST_CASE("an empty file is the defaults, and the defaults only recommend") {
    const Loaded loaded = load_text("");
    REQUIRE(loaded.ok());
    CHECK(loaded.problems.empty());
    CHECK(loaded.config.daemon.stop_file == "/var/lib/leverd/STOP");
    CHECK(loaded.config.policies.ceiling == Mode::recommend);
    CHECK(loaded.config.policies.policies.empty());
    CHECK(loaded.config.probes.empty());
}

TEST_CASE("settings arrive") {
    const Loaded loaded = load_text(R"(
[daemon]
state_directory = "/srv/state"
socket = "/run/x.sock"
listen = "[::1]:0"
api_token = "api"
probes_in_flight = 7
mode_ceiling = "approve"
[net]
ca_file = "/etc/ca.pem"
nameservers = ["127.0.0.1:15353"]
user_agent = "ops"
[secrets]
api = { file = "/etc/leverd/api" }
cp = { credential = "cp" }
hook = { environment = "HOOK" }
alice_token = { file = "/etc/leverd/alice" }
[[api_token]]
name = "alice"
secret = "alice_token"
role = "approve"
[metrics]
series_limit = 1234
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 2
max_lateness = "1500ms"
max_clock_step = "3s"
dwell = "2s"
[stack.control_plane]
url = "https://cp.example/"
admin_token = "cp"
redeploy_path = "/cp/admin/tenants/{slug}/redeploy"
[stack.canvas]
url = "https://app.example/"
marker = "_next"
assets_max = 3
[stack.registry]
url = "https://r.example"
user = "ops"
images = ["x/platform", "x/platform-tenant"]
platform_image = "x/platform"
platform_tenant_image = "x/platform-tenant"
template_prefix = "x/template-"
allow_private_realm = true
[tenants]
url = "https://{slug}.example"
include = ["demo-*"]
exclude = ["demo-9"]
requests_per_minute = 600
share_percent = 7
[freeze]
active = true
receipt = "/r/digests.txt"
workflows_receipt = "/r/workflows.txt"
[[probe]]
kind = "reference"
interval = "500ms"
[[probe]]
kind = "workspace_activity"
interval = "1s"
retry = "250ms"
timeout = "2s"
window = "20s"
[[lever]]
id = "tenant-redeploy"
timeout = "4s"
propagation = "1s"
prove_every = "300ms"
proof_spread = "500ms"
[[lever]]
id = "canvas-rollback"
[[notify]]
id = "pager"
kind = "webhook"
url = "https://pager.example/x"
secret = "hook"
)");
    CHECK(rendered(loaded) == "");
    const Config& c = loaded.config;
    CHECK(c.daemon.state_directory == "/srv/state");
    CHECK(c.daemon.stop_file == "/srv/state/STOP");
    CHECK(c.daemon.socket == "/run/x.sock");
    CHECK(c.daemon.listen == "[::1]:0");
    CHECK(c.daemon.api_token == "api");
    REQUIRE(c.api_tokens.size() == 1);
    CHECK(c.api_tokens[0].name == "alice");
    CHECK(c.api_tokens[0].secret == "alice_token");
    CHECK(c.api_tokens[0].role == "approve");
    CHECK(c.metrics.series_limit == 1'234);
    CHECK(c.daemon.probes_in_flight == 7);
    CHECK(c.net.ca_file == "/etc/ca.pem");
    CHECK(c.net.nameservers == std::vector<std::string>{"127.0.0.1:15353"});
    CHECK(c.net.user_agent == "ops");
    CHECK(c.secrets.at("api").file == "/etc/leverd/api");
    CHECK(c.secrets.at("cp").credential == "cp");
    CHECK(c.secrets.at("hook").environment == "HOOK");
    CHECK(c.observer.references.size() == 2);
    CHECK(c.policies.observer.quorum == 2);
    CHECK(c.policies.observer.max_lateness == Millis{1'500});
    CHECK(c.policies.observer.max_clock_step == Millis{3'000});
    CHECK(c.policies.observer.dwell == Millis{2'000});
    CHECK(c.policies.ceiling == Mode::approve);
    CHECK(c.policies.freeze_active);
    CHECK(c.control_plane.url == "https://cp.example");
    CHECK(c.control_plane.admin_token == "cp");
    CHECK(c.control_plane.health_path == "/health");
    CHECK(c.control_plane.redeploy_path == "/cp/admin/tenants/{slug}/redeploy");
    CHECK(c.canvas.url == "https://app.example/");
    CHECK(c.canvas.marker == "_next");
    CHECK(c.canvas.assets_max == 3);
    CHECK(c.registry.url == "https://r.example");
    CHECK(c.registry.user == "ops");
    CHECK(c.registry.images == std::vector<std::string>{"x/platform", "x/platform-tenant"});
    CHECK(c.registry.template_prefix == "x/template-");
    CHECK(c.registry.allow_private_realm);
    CHECK(c.tenants.url == "https://{slug}.example");
    CHECK(c.tenants.include == std::vector<std::string>{"demo-*"});
    CHECK(c.tenants.exclude == std::vector<std::string>{"demo-9"});
    CHECK(c.tenants.requests_per_minute == 600);
    CHECK(c.tenants.share_percent == 7);
    CHECK(c.freeze.receipt == "/r/digests.txt");
    CHECK(c.freeze.workflows_receipt == "/r/workflows.txt");
    REQUIRE(c.probes.size() == 2);
    CHECK(c.probes[0].retry == Millis{500});  // the default, but not longer than the interval
    CHECK(c.probes[1].retry == Millis{250});
    CHECK(c.probes[1].timeout == Millis{2'000});
    CHECK(c.probes[1].window == Millis{20'000});
    REQUIRE(c.levers.size() == 2);
    CHECK(c.levers[0].timeout == Millis{4'000});
    CHECK(c.levers[0].propagation == Millis{1'000});
    CHECK(c.levers[0].prove_every == Millis{300});
    CHECK(c.levers[0].proof_spread == Millis{500});
    CHECK_FALSE(c.levers[1].propagation);
    REQUIRE(c.notify.size() == 1);
    CHECK(c.notify[0].secret == "hook");
}

TEST_CASE("a policy with all that it needs is accepted") {
    constexpr std::string_view observer = R"(include = ["base.toml"]
[daemon]
mode_ceiling = "auto"
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
[[policy]]
id = "other"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["tenant/other"]
mode = "recommend"
[[policy]]
id = "another"
symptom = "agent-broken"
lever = "workspace-reprovision"
subjects = ["workspace/other/*"]
mode = "recommend"
[[policy]]
id = "p"
owner = "ops"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
)";
    for (const std::string_view policy : {
             "symptom = \"tenant-down\"\nlever = \"tenant-redeploy\"\nsubjects = [\"*\"]\n"
             "mode = \"auto\"\n",
             "symptom = \"agent-broken\"\nlever = \"workspace-reprovision\"\n"
             "subjects = [\"workspace/demo/*\"]\nmode = \"auto\"\nirreversible = \"accepted\"\n",
             "symptom = \"agent-broken\"\nlever = \"workspace-reprovision\"\nsubjects = [\"*\"]\n"
             "mode = \"approve\"\n",
         }) {
        CAPTURE(policy);
        CHECK(problems_of(std::string(observer) + std::string(policy)) == "");
    }
}

TEST_CASE("signals, symptoms, topology and limits arrive") {
    const Folder folder;
    folder.write("base.toml", base_toml());
    const Loaded loaded = load(folder.write("leverd.toml", R"(include = ["base.toml"]
[runbook]
fresh_for = "3m"
gone_after = "20m"
clearing_time = "90s"
blind_after = "7m"
[[signal]]
id = "s"
subject = "workspace"
probe = "workspace_activity"
health = ["degraded", "failing"]
reasons = ["agent_errors"]
except_reasons = ["tls_expired"]
where = ["requests >= 3", "failed_percent<99.5"]
looks = 5
clear_looks = 4
spread = "11m"
spread_fact = "provision_seconds"
spread_by = { runtime = { hermes = "31m", other = "0s" } }
[[symptom]]
id = "x"
row = 5
title = "Title"
first_lever = "Lever"
note = "Note"
subject = "tenant"
any = ["s", "agent-errors"]
requires_healthy = ["control-plane"]
needs_working_sibling = true
dwell = "1s"
levers = [
    { subjects = "tenant/a", lever = "none" },
    { lever = "tenant-redeploy" },
]
[symptom.group]
member = "workspace"
min_members = 3
distinct = "control-plane"
min_percent = 50
within = "15m"
others_work = true
after_change_of = "image/a*"
after_change_within = "30m"
[[policy]]
id = "p"
symptom = "x"
lever = "tenant-redeploy"
subjects = ["tenant/a", "tenant/b-*"]
mode = "observe"
owner = "ops"
cool_down = "1h"
attempts = 2
per_hour = 3
blast_percent = 4
blast_count = 5
approval_ttl = "6m"
verify_timeout = "7m"
[[policy]]
id = "q"
symptom = "tenant-down"
lever = "tenant-redeploy"
subjects = ["*"]
mode = "observe"
[[policy]]
id = "r"
symptom = "agent-broken"
lever = "workspace-reprovision"
subjects = ["*"]
mode = "observe"
)"),
                               vocabulary());
    CHECK(folder.plain(rendered(loaded)) == "");
    const Runbook& r = loaded.config.runbook;
    CHECK(r.fresh_for == Millis{180'000});
    CHECK(r.gone_after == Millis{1'200'000});
    CHECK(r.clearing_time == Millis{90'000});
    CHECK(r.blind_after == Millis{420'000});
    REQUIRE(r.signals.size() == 3);
    const Signal& s = r.signals[0];
    CHECK(s.subject_kind == "workspace");
    CHECK(s.probe == "workspace_activity");
    CHECK(s.bad_health == std::vector<Health>{Health::degraded, Health::failing});
    CHECK(s.reasons == std::vector<Reason>{Reason::agent_errors});
    CHECK(s.except_reasons == std::vector<Reason>{Reason::tls_expired});
    CHECK(s.where == std::vector<FactCondition>{{"requests", Compare::greater_equal, 3},
                                                {"failed_percent", Compare::less, 99.5}});
    CHECK(s.looks == 5);
    CHECK(s.clear_looks == 4);
    CHECK(s.spread == Millis{660'000});
    CHECK(s.spread_attribute == "runtime");
    CHECK(s.spread_fact == "provision_seconds");
    CHECK(s.spread_by ==
          std::map<std::string, Millis>{{"hermes", Millis{1'860'000}}, {"other", Millis{0}}});
    REQUIRE(r.symptoms.size() == 3);
    const Symptom& x = r.symptoms[0];
    CHECK(x.row == 5);
    CHECK(x.title == "Title");
    CHECK(x.first_lever == "Lever");
    CHECK(x.note == "Note");
    CHECK(x.any == std::vector<std::string>{"s", "agent-errors"});
    CHECK(x.requires_healthy == std::vector<Subject>{Subject{"control-plane"}});
    CHECK(x.needs_working_sibling);
    CHECK(x.dwell == Millis{1'000});
    REQUIRE(x.levers.size() == 2);
    CHECK(x.levers[0].subjects == "tenant/a");
    CHECK(x.levers[0].lever == "none");
    CHECK(x.levers[1].subjects == "**");
    REQUIRE(x.group);
    CHECK(*x.group == GroupRule{"workspace", 3, "control-plane", 50, Millis{900'000}, true,
                                "image/a*", Millis{1'800'000}});
    REQUIRE(r.topology.size() == 2);
    CHECK(r.topology[1].kind == "workspace");
    CHECK(r.topology[1].parents == std::vector<std::string>{"tenant/{tenant}"});
    REQUIRE(loaded.config.policies.policies.size() == 3);
    const Policy& p = loaded.config.policies.policies[0];
    CHECK(p.subjects == std::vector<std::string>{"tenant/a", "tenant/b-*"});
    CHECK(p.mode == Mode::observe);
    CHECK(p.limits.cool_down == Millis{3'600'000});
    CHECK(p.limits.attempts == 2);
    CHECK(p.limits.per_hour == 3);
    CHECK(p.limits.blast_percent == 4);
    CHECK(p.limits.blast_count == 5);
    CHECK(p.limits.approval_ttl == Millis{360'000});
    CHECK(p.limits.verify_timeout == Millis{420'000});
}

TEST_CASE("warnings do not stop a configuration, and are kept with it") {
    const Loaded loaded = load_text("[daemon]\nlisten = \"0.0.0.0:1\"\n");
    CHECK(loaded.ok());
    REQUIRE(loaded.config.warnings.size() == 1);
    CHECK(loaded.config.warnings[0] == render(loaded.problems[0]));
    CHECK_FALSE(load_text("[daemon]\nlisten = \"0.0.0.0\"\n").ok());
}

}  // namespace
}  // namespace leverd::config
