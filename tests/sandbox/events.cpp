// Why: what a tenant sends over its WebSocket (wire-contracts 3.1): a frame for each change of a
// workspace, for each logged activity, and heartbeats, which are sent and never kept.
#include "clock.hpp"
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr std::int64_t kHeartbeats = 30'000;

struct Change {
    const char* status;
    const char* event;
};

constexpr std::array kChanges{
    Change{"provisioning", "WORKSPACE_PROVISIONING"}, Change{"online", "WORKSPACE_ONLINE"},
    Change{"offline", "WORKSPACE_OFFLINE"},           Change{"degraded", "WORKSPACE_DEGRADED"},
    Change{"failed", "WORKSPACE_PROVISION_FAILED"},   Change{"removed", "WORKSPACE_REMOVED"},
};

json payload_of(const Workspace& workspace) {
    json out = json::object();
    if (workspace.status == "provisioning") {
        out["name"] = workspace.name;
        out["tier"] = workspace.tier;
        out["runtime"] = workspace.runtime;
    } else if (workspace.status == "degraded") {
        out["error_rate"] = 0.5;
        out["sample_error"] = workspace.last_error;
    } else if (workspace.status == "failed") {
        out["error"] = workspace.last_error;
        out["source"] = "bootstrap_watcher";
        out["runtime"] = workspace.runtime;
    }
    return out;
}

bool names_websocket(const Request& request) {
    std::string upgrade = request.header("upgrade");
    std::transform(upgrade.begin(), upgrade.end(), upgrade.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return upgrade == "websocket";
}

}  // namespace

void World::tell(const Tenant& tenant, const std::string& event, const std::string& workspace,
                 json payload) {
    json frame = json::object();
    frame["event"] = event;
    frame["workspace_id"] = workspace;
    frame["timestamp"] = rfc3339(wall());
    frame["payload"] = std::move(payload);
    hub.tell(tenant.slug, dump(frame));
}

void World::tick_events(Tenant& tenant) {
    // A process that is gone takes its connections with it; one that hangs says nothing.
    const bool gone = presence(tenant) != Presence::up || !modes.network ||
                      tenant.down == "refuse" || tenant.down == "cut" ||
                      tenant.down == "dead_machine";
    if (gone) {
        hub.cut(tenant.slug);
    }
    const bool tells = !gone && tenant.down != "hang";
    for (Workspace& workspace : tenant.workspaces) {
        if (workspace.told != workspace.status) {
            workspace.told = workspace.status;
            for (const Change& change : kChanges) {
                if (tells && workspace.status == change.status) {
                    tell(tenant, change.event, workspace.id, payload_of(workspace));
                }
            }
        }
        const bool serves = workspace.status == "online" || workspace.status == "degraded";
        if (serves && tells && now_ >= workspace.next_heartbeat) {
            workspace.next_heartbeat = now_ + kHeartbeats;
            tell(tenant, "WORKSPACE_HEARTBEAT", workspace.id,
                 json::object({{"active_tasks", 0}, {"uptime_seconds", workspace.heard_uptime}}));
        }
    }
}

// Without a workspace id nobody asks for a token; with one the workspace's own is demanded, which
// only its agent has.
Reply stream_route(World& world, const Tenant& tenant, const Request& request) {
    if (!names_websocket(request)) {
        return text_reply(400, "Bad Request\n", "text/plain; charset=utf-8");
    }
    if (!request.header("x-workspace-id").empty()) {
        return error_reply(401, "invalid workspace auth token");
    }
    const std::string& origin = request.header("origin");
    const auto& allowed = tenant.cors_origins;
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) {
        return text_reply(403, "Forbidden\n", "text/plain; charset=utf-8");
    }
    Reply reply;
    reply.status = 101;
    reply.audience = world.hub.join(tenant.slug);
    return reply;
}

}  // namespace sandbox
