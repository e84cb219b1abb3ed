// Why: see world.hpp. How the world starts is in fleet.cpp.
#include "world.hpp"

#include "clock.hpp"
#include "crypto.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr std::int64_t kColdStart = 1200;
constexpr std::int64_t kSplash = 1000;
constexpr std::int64_t kRestart = 250;
constexpr std::int64_t kHeartbeat = 500;
constexpr std::int64_t kStopping = 600;
constexpr std::int64_t kNever = 1'000'000'000'000;
// One round of a crash loop: cut connections, then 502, then a short life that ends too soon to
// pass for a recovery.
constexpr std::int64_t kCrashRound = 3200;
constexpr std::int64_t kCrashCut = 1400;
constexpr std::int64_t kCrashBadGateway = 3050;

}  // namespace

std::string CallMode::take() {
    const std::string now = mode;
    if (!sticky) {
        mode = "ok";
    }
    return now;
}

World::World(Settings wanted, Journal* to) : settings(std::move(wanted)), journal(to) {
    now_ = steady_ms();
    registry.seed(wall());
    seed_tenants();
    seed_hosting();
    seed_ = tenants;
}

std::int64_t World::wall() const {
    return wall_ms();
}

void World::tick() {
    now_ = steady_ms();
    tick_hosting();
    for (Tenant& tenant : tenants) {
        tick_updates(tenant);
        tick_crash_loop(tenant);
        if (tenant.stopped_from != 0 && now_ >= tenant.stopped_from) {
            tenant.stopped_from = 0;
            tenant.instance_status = "stopped";
        }
        if (tenant.booting_until != 0 && now_ >= tenant.booting_until) {
            tenant.booting_until = 0;
            tenant.instance_status = "running";
            restart_process(tenant);
            tenant.restarting_until = 0;
            boot_event(tenant, "wait_platform_health", "ok");
        }
        tick_workspaces(tenant);
        tick_events(tenant);
    }
}

void World::reset() {
    modes = Modes{};
    registry.restore();
    seed_hosting();
    tenants = seed_;
    for (Tenant& tenant : tenants) {
        restart_process(tenant);
        tenant.restarting_until = 0;
        for (Workspace& workspace : tenant.workspaces) {
            workspace.next_request = now_;
        }
    }
}

Tenant* World::tenant(const std::string& slug) {
    const auto found = std::find_if(tenants.begin(), tenants.end(),
                                    [&slug](const Tenant& tenant) { return tenant.slug == slug; });
    return found == tenants.end() ? nullptr : &*found;
}

Workspace* World::workspace(Tenant& tenant, const std::string& id) {
    const auto found =
        std::find_if(tenant.workspaces.begin(), tenant.workspaces.end(),
                     [&id](const Workspace& workspace) { return workspace.id == id; });
    return found == tenant.workspaces.end() ? nullptr : &*found;
}

Workspace* World::workspace_of(Tenant& tenant, const std::string& runtime) {
    Workspace* newest = nullptr;
    for (Workspace& workspace : tenant.workspaces) {
        if (workspace.runtime == runtime && workspace.removed_at == 0) {
            newest = &workspace;
        }
    }
    return newest;
}

bool World::has_children(const Tenant& tenant, const std::string& id) const {
    return std::any_of(tenant.workspaces.begin(), tenant.workspaces.end(),
                       [&id](const Workspace& workspace) {
                           return workspace.parent_id == id && workspace.removed_at == 0;
                       });
}

Presence World::presence(const Tenant& tenant) const {
    if (tenant.booting_until > now_) {
        return Presence::splash;
    }
    if (tenant.restarting_until > now_) {
        return Presence::bad_gateway;
    }
    if (tenant.instance_status != "running") {
        return Presence::cut;
    }
    if (tenant.crash_since != 0) {
        const std::int64_t phase = (now_ - tenant.crash_since) % kCrashRound;
        if (phase < kCrashCut) {
            return Presence::cut;
        }
        return phase < kCrashBadGateway ? Presence::bad_gateway : Presence::up;
    }
    return Presence::up;
}

Workspace& World::provision(Tenant& tenant, Workspace wanted) {
    wanted.id = random_uuid();
    wanted.created_at = now_;
    wanted.url.clear();  // its agent says where it is
    wanted.tokens.clear();
    tenant.workspaces.push_back(std::move(wanted));
    Workspace& workspace = tenant.workspaces.back();
    restart(workspace);
    return workspace;
}

void World::remove(Workspace& workspace) {
    workspace.status = "removed";
    workspace.removed_at = wall();
    workspace.rows.clear();
    workspace.tokens.clear();
}

// A restart is a full cold start on whatever :latest is now; it clears a wedged SDK, nothing else.
void World::restart(Workspace& workspace) {
    workspace.status = "provisioning";
    workspace.online_at = now_ + kColdStart;
    workspace.digest = registry.digest(kTemplatePrefix + workspace.runtime);
    workspace.booted_at = workspace.online_at;
    workspace.recent_errors.clear();
    if (workspace.form == "sdk_wedge") {
        workspace.form.clear();
    }
}

void World::restart_in_vain(Workspace& workspace) {
    workspace.status = "provisioning";
    workspace.online_at = now_ + kHeartbeat;
}

void World::stop(Tenant& tenant) {
    tenant.instance_status = "stopping";
    tenant.stopped_from = now_ + kStopping;
}

// A machine that boots is well again, whatever was wrong with it; a bad image is not.
void World::start(Tenant& tenant, bool stuck) {
    tenant.instance_status = "provisioning";
    tenant.booting_until = stuck ? now_ + kNever : now_ + kSplash;
    tenant.down.clear();
    boot_event(tenant, "start_platform_agent", "ok");
}

bool World::redeploy(Tenant& tenant, const std::string& tag) {
    const std::string wanted = tag.empty() ? "latest" : tag;
    const std::string platform = registry.digest(kPlatform, wanted);
    const std::string twin = registry.digest(kPlatformTenant, wanted);
    if (platform.empty() || twin.empty()) {
        return false;
    }
    tenant.platform_digest = platform;
    tenant.tenant_digest = twin;
    tenant.pinned = !tag.empty() && tag != "latest";
    tenant.down.clear();
    tenant.crash_since = 0;
    tenant.instance_status = "provisioning";
    tenant.booting_until = now_ + kSplash;
    tenant.admin_token = random_hex(24);
    boot_event(tenant, "image_pull", "ok");
    boot_event(tenant, "start_platform_agent", "ok");
    const bool bad = registry.is_bad(platform) || registry.is_bad(twin);
    if (bad && tenant.weak) {
        tenant.crash_since = tenant.booting_until;
    }
    return true;
}

void World::restart_process(Tenant& tenant) {
    tenant.counters.clear();
    tenant.process_start = now_;
    tenant.restarting_until = now_ + kRestart;
}

void World::boot_event(Tenant& tenant, const std::string& stage, const std::string& status) {
    json event = json::object();
    event["id"] = random_uuid();
    event["stage"] = stage;
    event["status"] = status;
    event["message"] = stage + " finished: " + status;
    event["created_at"] = rfc3339(wall());
    tenant.boot_events.push_back(std::move(event));
    if (tenant.boot_events.size() > 200) {
        tenant.boot_events.erase(tenant.boot_events.begin());
    }
}

Workspace* World::user_provision(Tenant& tenant, const std::string& runtime) {
    const Workspace* like = workspace_of(tenant, runtime);
    if (registry.find(kTemplatePrefix + runtime) == nullptr) {
        return nullptr;
    }
    Workspace wanted;
    wanted.runtime = runtime;
    wanted.name = runtime + "-" + random_hex(2);
    wanted.role = "assistant";
    wanted.template_name = runtime + "-default";
    wanted.model = "anthropic/claude-sonnet";
    wanted.secrets[model_secret(tenant)] = wanted.model;
    wanted.secrets["OPENROUTER_API_KEY"] = "key-" + random_hex(12);
    wanted.secrets["CLAUDE_CODE_OAUTH_TOKEN"] = "oauth-" + random_hex(12);
    if (like != nullptr) {
        wanted.name = like->name + "-" + random_hex(2);
        wanted.secrets = like->secrets;
        wanted.model = like->model;
        wanted.parent_id = like->parent_id;
    }
    Workspace& made = provision(tenant, std::move(wanted));
    journal->note("user", "create " + made.id, json::object({{"tenant", tenant.slug}}));
    return &made;
}

void World::tick_workspaces(Tenant& tenant) {
    const bool reachable = presence(tenant) == Presence::up && tenant.down.empty();
    for (Workspace& workspace : tenant.workspaces) {
        if (workspace.removed_at != 0) {
            continue;
        }
        if (workspace.status == "provisioning" && now_ >= workspace.online_at) {
            const bool known = !workspace.digest.empty();
            workspace.status = known ? "online" : "failed";
            if (known && workspace.url.empty()) {
                workspace.url = "http://10.0.3.8:8000";
            }
            if (known && workspace.tokens.empty()) {
                // The agent registers, and has a token from then on.
                workspace.tokens.push_back({random_uuid(), random_hex(32), wall()});
            }
            workspace.heard_uptime = (now_ - workspace.booted_at) / 1000;
            workspace.last_error = known ? "" : "image not found for runtime " + workspace.runtime;
            workspace.next_request = now_ + 100;
            boot_event(tenant, "workspace_ready", known ? "ok" : "failed");
        }
        const bool serves = workspace.status == "online" || workspace.status == "degraded";
        if (serves && reachable) {
            workspace.heard_uptime = (now_ - workspace.booted_at) / 1000;
        }
        if (!serves || !reachable) {
            workspace.next_request = std::max(workspace.next_request, now_);
            continue;
        }
        if (now_ >= workspace.next_request) {
            add_request_row(*this, tenant, workspace);
            // Never in step: users are not a metronome.
            workspace.next_request = now_ + 900 + (workspace.requests * 37) % 200;
        }
    }
}

// The platform's own updater: follows both tags, restarts when either moved.
void World::tick_updates(Tenant& tenant) {
    if (now_ < tenant.next_update_check) {
        return;
    }
    tenant.next_update_check = now_ + 700;
    if (tenant.pinned || tenant.booting_until > now_) {
        return;
    }
    const std::string platform = registry.digest(kPlatform);
    const std::string twin = registry.digest(kPlatformTenant);
    if (platform == tenant.platform_digest && twin == tenant.tenant_digest) {
        return;
    }
    tenant.platform_digest = platform;
    tenant.tenant_digest = twin;
    const bool bad = registry.is_bad(platform) || registry.is_bad(twin);
    restart_process(tenant);
    const std::int64_t before = tenant.crash_since;
    tenant.crash_since = bad && tenant.weak ? (before != 0 ? before : now_) : 0;
}

void World::tick_crash_loop(Tenant& tenant) {
    const bool up = tenant.crash_since != 0 && presence(tenant) == Presence::up;
    if (up && !tenant.crash_was_up) {
        tenant.counters.clear();
        tenant.process_start = now_;
    }
    tenant.crash_was_up = up;
}

}  // namespace sandbox
