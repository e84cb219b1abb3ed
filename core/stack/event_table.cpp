// Why: see event_table.hpp. Polling goes on whatever events say (some failures send none), so a row
// that is missing here costs time and never a finding.
#include "core/stack/event_table.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace leverd::stack {
namespace {

enum class At {
    all,     // every target of the kind
    tenant,  // the tenant that the event names; every tenant when it names none
    image,   // the image that the event names; every image when it names none
};

struct Row {
    EventSource source;
    std::string_view event;  // '*' matches any run
    std::string_view probe;
    At at;
};

using enum EventSource;

constexpr Row rows[] = {
    // A publisher that ended may have moved a tag; one that runs breaks a freeze.
    {github, "workflow_run", "forge_ci", At::all},
    {github, "workflow_run", "freeze_state", At::all},
    {github, "workflow_run", "image_drift", At::all},
    {github, "push", "forge_ci", At::all},
    {github, "registry_package", "image_drift", At::image},
    {github, "package", "image_drift", At::image},
    {gitea, "workflow_run", "forge_ci", At::all},
    {gitea, "workflow_run", "freeze_state", At::all},
    {gitea, "workflow_run", "image_drift", At::all},
    {gitea, "push", "forge_ci", At::all},
    {gitea, "package", "image_drift", At::image},
    {vercel, "deployment.*", "canvas", At::all},
    {railway, "Deployment.*", "control_plane", At::all},
    {railway, "Deployment.*", "credential", At::all},
    {alertmanager, "tenant", "tenant_health", At::tenant},
    {alertmanager, "tenant", "workspace_status", At::tenant},
    {alertmanager, "alert", "control_plane", At::all},
    {alertmanager, "alert", "canvas", At::all},
    {tenant, "ACTIVITY_LOGGED", "workspace_activity", At::tenant},
    {tenant, "A2A_RESPONSE", "workspace_activity", At::tenant},
    {tenant, "WORKSPACE_PROVISIONING", "workspace_status", At::tenant},
    {tenant, "WORKSPACE_PROVISIONING", "boot_events", At::tenant},
    {tenant, "WORKSPACE_PROVISION_FAILED", "workspace_status", At::tenant},
    {tenant, "WORKSPACE_PROVISION_FAILED", "boot_events", At::tenant},
    {tenant, "WORKSPACE_ONLINE", "workspace_status", At::tenant},
    {tenant, "WORKSPACE_ONLINE", "boot_events", At::tenant},
    {tenant, "WORKSPACE_OFFLINE", "workspace_status", At::tenant},
    {tenant, "WORKSPACE_DEGRADED", "workspace_status", At::tenant},
    {tenant, "WORKSPACE_REMOVED", "workspace_status", At::tenant},
    {tenant, "WORKSPACE_PAUSED", "workspace_status", At::tenant},
    {tenant, "WORKSPACE_HIBERNATED", "workspace_status", At::tenant},
    // leverd's own: the stream to a tenant was opened, and what was missed meanwhile is unknown.
    {tenant, "connected", "workspace_status", At::tenant},
    {tenant, "connected", "workspace_activity", At::tenant},
    {tenant, "connected", "boot_events", At::tenant},
};

}  // namespace

std::vector<Hint> hints_for(EventSource source, std::string_view name, const EventScope& scope) {
    std::vector<Hint> hints;
    for (const Row& row : rows) {
        if (row.source != source || !glob_match(row.event, name)) {
            continue;
        }
        const std::string& named = row.at == At::tenant ? scope.tenant : scope.repository;
        Hint hint{std::string(row.probe), row.at == At::all || named.empty() ? "*" : named};
        if (std::find(hints.begin(), hints.end(), hint) == hints.end()) {
            hints.push_back(std::move(hint));
        }
    }
    return hints;
}

}  // namespace leverd::stack
