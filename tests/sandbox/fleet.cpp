// Why: the green world at the start: twelve tenants with three workspaces each, and the view of it
// that GET /state gives.
#include "clock.hpp"
#include "crypto.hpp"
#include "world.hpp"

#include <algorithm>
#include <array>

namespace sandbox {

namespace {

constexpr std::array kSlugs{"acme",  "acme-2", "demo",  "globex", "initech",   "umbrella",
                            "hooli", "stark",  "wayne", "wonka",  "cyberdyne", "tyrell"};
constexpr std::array kRuntimes{"claude-code", "hermes", "openclaw"};
constexpr std::array kWeak{"demo", "initech", "stark", "wayne", "cyberdyne"};
constexpr std::array kWithFamily{"wonka", "tyrell"};

constexpr std::int64_t kServing = 3 * 86'400'000LL;  // agents have been up for days

template <std::size_t N>
bool contains(const std::array<const char*, N>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

Workspace make_workspace(const RegistryStore& registry, const std::string& runtime, int column) {
    Workspace workspace;
    workspace.id = random_uuid();
    workspace.name = runtime + "-main";
    workspace.runtime = runtime;
    workspace.role = runtime == "hermes" ? "research assistant" : "engineer";
    workspace.template_name = runtime + "-default";
    workspace.x = 120.0 + 240.0 * column;
    workspace.y = 80.5;
    workspace.digest = registry.digest(kTemplatePrefix + runtime);
    workspace.status = "online";
    workspace.told = workspace.status;
    if (runtime == "claude-code") {
        workspace.model = "sonnet";
        workspace.secrets["CLAUDE_CODE_OAUTH_TOKEN"] = "oauth-" + random_hex(12);
    } else {
        workspace.model = "anthropic/claude-sonnet";
        workspace.secrets["OPENROUTER_API_KEY"] = "key-" + random_hex(12);
    }
    workspace.secrets["MODEL_PROVIDER"] = workspace.model;
    return workspace;
}

json workspace_state(const World& world, const Workspace& workspace) {
    json out = json::object();
    out["id"] = workspace.id;
    out["name"] = workspace.name;
    out["runtime"] = workspace.runtime;
    out["status"] = workspace.status;
    out["digest"] = workspace.digest;
    out["bad_image"] = world.registry.is_bad(workspace.digest);
    out["failure"] = failure_form(world, workspace);
    out["parent_id"] = workspace.parent_id;
    out["kind"] = workspace.kind;
    out["model"] = workspace.model;
    out["access"] = workspace.access;
    out["secrets"] = json::array();
    for (const auto& [name, value] : workspace.secrets) {
        out["secrets"].push_back(name);
    }
    out["live_tokens"] = workspace.tokens.size();
    out["requests"] = workspace.requests;
    return out;
}

const char* presence_name(Presence presence) {
    switch (presence) {
        case Presence::up:
            return "up";
        case Presence::cut:
            return "cut";
        case Presence::bad_gateway:
            return "bad_gateway";
        case Presence::splash:
            return "splash";
    }
    return "";
}

json tenant_state(const World& world, const Tenant& tenant) {
    json out = json::object();
    out["slug"] = tenant.slug;
    out["org_id"] = tenant.org_id;
    out["instance_status"] = tenant.instance_status;
    out["down"] = tenant.down;
    out["presence"] = presence_name(world.presence(tenant));
    out["crash_loop"] = tenant.crash_since != 0;
    out["platform_digest"] = tenant.platform_digest;
    out["platform_tenant_digest"] = tenant.tenant_digest;
    out["pinned"] = tenant.pinned;
    out["later_build"] = tenant.later_build;
    out["newest"] = tenant.newest;
    out["process_age_ms"] = world.now() - tenant.process_start;
    out["listeners"] = world.hub.listeners(tenant.slug);
    out["workspaces"] = json::array();
    for (const Workspace& workspace : tenant.workspaces) {
        if (workspace.removed_at == 0) {
            out["workspaces"].push_back(workspace_state(world, workspace));
        }
    }
    return out;
}

bool tenant_green(const World& world, const Tenant& tenant) {
    if (!tenant.down.empty() || tenant.crash_since != 0 || world.presence(tenant) != Presence::up) {
        return false;
    }
    return std::all_of(
        tenant.workspaces.begin(), tenant.workspaces.end(), [&world](const Workspace& workspace) {
            return workspace.removed_at != 0 ||
                   (workspace.status == "online" && failure_form(world, workspace).empty());
        });
}

}  // namespace

void World::seed_tenants() {
    int number = 0;
    for (const char* slug : kSlugs) {
        Tenant tenant;
        tenant.slug = slug;
        tenant.org_id = random_uuid();
        tenant.admin_token = random_hex(24);
        tenant.created_at = rfc3339(wall() - (40 - number) * 86'400'000LL, false);
        tenant.later_build = number % 2 == 1;
        tenant.weak = contains(kWeak, tenant.slug);
        tenant.platform_digest = registry.digest(kPlatform);
        tenant.tenant_digest = registry.digest(kPlatformTenant);
        tenant.process_start = now_;
        // These processes have served for days: only a restart brings the counter near zero again.
        tenant.counters[R"(method="GET",path="/workspaces",status="200")"] = 250'000;
        tenant.next_update_check = now_ + number * 57;
        tenant.rate_limit = settings.rate_limit;
        boot_event(tenant, "image_pull", "ok");
        boot_event(tenant, "wait_platform_health", "ok");
        for (std::size_t i = 0; i < kRuntimes.size(); ++i) {
            Workspace workspace = make_workspace(registry, kRuntimes[i], static_cast<int>(i));
            workspace.created_at = now_;
            workspace.booted_at = now_ - kServing;
            workspace.heard_uptime = kServing / 1000;
            workspace.next_request = now_ + number * 71 + static_cast<int>(i) * 310;
            workspace.tokens.push_back({random_uuid(), random_hex(32), wall()});
            tenant.workspaces.push_back(std::move(workspace));
        }
        if (contains(kWithFamily, tenant.slug)) {
            tenant.workspaces[2].parent_id = tenant.workspaces[0].id;
        }
        set_newest(tenant, settings.newest);
        tenants.push_back(std::move(tenant));
        ++number;
    }
}

const char* model_secret(const Tenant& tenant) {
    return tenant.newest ? "MODEL" : "MODEL_PROVIDER";
}

// The newest build renamed the secret of the model, and every organisation has a root of its own
// there, the concierge, which nobody asks anything in this play.
void World::set_newest(Tenant& tenant, bool newest) {
    const bool first = newest && !tenant.newest;
    tenant.newest = newest;
    tenant.later_build = tenant.later_build || newest;
    for (Workspace& workspace : tenant.workspaces) {
        for (const char* name : {"MODEL", "MODEL_PROVIDER"}) {
            const auto stored = workspace.secrets.extract(name);
            if (!stored.empty()) {
                workspace.secrets[model_secret(tenant)] = stored.mapped();
            }
        }
    }
    if (!first) {
        return;
    }
    Workspace root;
    root.id = random_uuid();
    root.name = "Concierge";
    root.kind = "platform";
    root.runtime = "codex";
    root.model = "openai/gpt-5.4";
    root.secrets["MODEL"] = root.model;
    root.status = "online";
    root.told = root.status;
    root.booted_at = now_ - kServing;
    root.heard_uptime = kServing / 1000;
    root.next_request = now_ + kServing;
    root.tokens.push_back({random_uuid(), random_hex(32), wall()});
    for (Workspace& workspace : tenant.workspaces) {
        if (workspace.parent_id.empty()) {
            workspace.parent_id = root.id;
        }
    }
    tenant.workspaces.insert(tenant.workspaces.begin(), std::move(root));
}

json World::state() const {
    json out = json::object();
    out["time"] = now_;
    out["green"] = green();
    out["network"] = modes.network;
    out["modes"] = json::object({{"control_plane", modes.control_plane},
                                 {"registry", modes.registry},
                                 {"canvas", modes.canvas},
                                 {"pager", modes.pager},
                                 {"redeploy_reply", modes.redeploy.mode},
                                 {"delete_reply", modes.remove.mode},
                                 {"create_reply", modes.create.mode},
                                 {"put_reply", modes.put_manifest.mode},
                                 {"restart_reply", modes.restart.mode},
                                 {"stop_reply", modes.stop.mode},
                                 {"start_reply", modes.start.mode},
                                 {"hostile", modes.hostile}});
    out["tenants"] = json::array();
    for (const Tenant& tenant : tenants) {
        out["tenants"].push_back(tenant_state(*this, tenant));
    }
    out["registry"] = json::object();
    for (const auto& [name, repository] : registry.all()) {
        json& entry = out["registry"][name];
        entry["tags"] = repository.tags;
        entry["good"] = registry.good_digest(name);
        entry["latest_is_bad"] = registry.is_bad(registry.digest(name));
    }
    return out;
}

bool World::green() const {
    if (!modes.network || modes.control_plane != "ok" || modes.canvas != "ok" ||
        modes.registry != "ok") {
        return false;
    }
    for (const auto& [name, repository] : registry.all()) {
        if (registry.is_bad(registry.digest(name))) {
            return false;
        }
    }
    return std::all_of(tenants.begin(), tenants.end(),
                       [this](const Tenant& tenant) { return tenant_green(*this, tenant); });
}

}  // namespace sandbox
