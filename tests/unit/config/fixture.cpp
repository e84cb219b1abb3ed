// Why: see fixture.hpp.
#include "tests/unit/config/fixture.hpp"

#include <stdlib.h>

#include <fstream>

namespace leverd::config {

Folder::Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "leverd-config-XXXXXX").string();
    const char* made = ::mkdtemp(name.data());
    path_ = made == nullptr ? std::filesystem::path{} : std::filesystem::path(made);
}

Folder::~Folder() {
    std::error_code ignored;
    if (!path_.empty()) {
        std::filesystem::remove_all(path_, ignored);
    }
}

std::filesystem::path Folder::write(const std::string& name, std::string_view text) const {
    const auto file = path_ / name;
    std::error_code ignored;
    std::filesystem::create_directories(file.parent_path(), ignored);
    std::ofstream(file, std::ios::binary) << text;
    return file;
}

std::string Folder::plain(std::string text) const {
    const std::string prefix = path_.string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
        text.erase(at, prefix.size());
    }
    return text;
}

Vocabulary vocabulary() {
    Vocabulary v;
    v.probe_kinds = {"control_plane",
                     "tenant_health",
                     "workspace_status",
                     "workspace_activity",
                     "boot_events",
                     "image_drift",
                     "canvas",
                     "reference",
                     "http",
                     "tls",
                     "tcp",
                     "dns",
                     "promql",
                     "heartbeat",
                     "command",
                     "credential",
                     "freeze_state",
                     "forge_ci"};
    v.levers = {"platform-rollback",     "template-rollback",      "tenant-redeploy",
                "workspace-reprovision", "control-plane-rollback", "canvas-rollback",
                "workspace-restart",     "tenant-restart",         "fleet-redeploy"};
    v.undoable_levers = {"platform-rollback", "template-rollback"};
    v.now = WallTime{Millis{1'774'612'800'000}};  // Friday, 2026-03-27T12:00 UTC
    return v;
}

std::string_view base_toml() {
    return R"(
[secrets]
cp = { environment = "CP" }
[stack.control_plane]
url = "https://cp.example"
admin_token = "cp"
[[probe]]
kind = "control_plane"
[[probe]]
kind = "tenant_health"
[[probe]]
kind = "workspace_activity"
[topology]
workspace = ["tenant/{tenant}"]
tenant = ["control-plane"]
[[signal]]
id = "tenant-health"
subject = "tenant"
probe = "tenant_health"
[[signal]]
id = "agent-errors"
subject = "workspace"
probe = "workspace_activity"
[[symptom]]
id = "tenant-down"
row = 1
title = "Tenant down"
subject = "tenant"
any = ["tenant-health"]
lever = "tenant-redeploy"
[[symptom]]
id = "agent-broken"
row = 2
title = "Agent broken"
subject = "workspace"
any = ["agent-errors"]
lever = "workspace-reprovision"
)";
}

std::string rendered(const Loaded& loaded) {
    std::string text;
    for (const Problem& p : loaded.problems) {
        text += (text.empty() ? "" : "\n") + render(p);
    }
    return text;
}

std::string problems_of(std::string_view toml) {
    const Folder folder;
    const std::string_view base = base_toml().substr(1);
    folder.write("base.toml", base);
    folder.write("tenant.toml", base.substr(0, base.rfind("[[symptom]]")));
    return folder.plain(rendered(load(folder.write("leverd.toml", toml), vocabulary())));
}

}  // namespace leverd::config
