// Why: the explicit table of probe kinds. A new kind is a file, a declaration in looks.hpp and one
// row here.
#include "probes/common.hpp"

#include <algorithm>

namespace leverd::probes {
namespace {

std::vector<std::string> images(const Context& context) {
    return context.config->registry.images;
}

std::vector<std::string> forge_target(const Context& context) {
    return context.config->forge.url.empty() ? std::vector<std::string>{}
                                             : std::vector<std::string>{""};
}

std::vector<std::string> branches(const Context& context) {
    std::vector<std::string> repositories;
    for (const auto& branch : context.config->forge.branches) {
        if (!context.config->forge.url.empty() &&
            std::find(repositories.begin(), repositories.end(), branch.repository) ==
                repositories.end()) {
            repositories.push_back(branch.repository);
        }
    }
    return repositories;
}

std::vector<std::string> canvas_target(const Context& context) {
    return context.config->canvas.url.empty() ? std::vector<std::string>{}
                                              : std::vector<std::string>{""};
}

std::vector<std::string> references(const Context& context) {
    std::vector<std::string> targets;
    for (std::size_t i = 0; i < context.config->observer.references.size(); ++i) {
        targets.push_back(std::to_string(i));
    }
    return targets;
}

// /health, /workspaces, /metrics and at times /buildinfo.
int health_cost(const Context& context, const std::string& target) {
    return build_is_due(context, target) ? 4 : 3;
}

int status_cost(const Context&, const std::string&) {
    return 1;
}

// One read for each workspace that talks.
int activity_cost(const Context& context, const std::string& target) {
    const auto it = context.inventory->workspaces.find(target);
    return it == context.inventory->workspaces.end() ? 0 : static_cast<int>(it->second.size());
}

}  // namespace

const std::vector<ProbeKind>& probe_kinds() {
    static const std::vector<ProbeKind> kinds{
        {"control_plane", look_control_plane, single_target, "control-plane", nullptr, true},
        {"tenant_health", look_tenant_health, watched_tenants, "tenant", health_cost, false},
        {"workspace_status", look_workspace_status, watched_tenants, "tenant", status_cost, false},
        {"workspace_activity", look_workspace_activity, watched_tenants, "tenant", activity_cost,
         false},
        {"boot_events", look_boot_events, watched_tenants, "tenant", nullptr, false},
        {"image_drift", look_image_drift, images, "image", nullptr, false},
        {"freeze_state", look_freeze_state, forge_target, "freeze", nullptr, false},
        {"forge_ci", look_forge_ci, branches, "branch", nullptr, false},
        {"canvas", look_canvas, canvas_target, "canvas", nullptr, false},
        {"reference", look_reference, references, "reference", nullptr, false},
        // The general ones: one target, and the subject stands in the settings.
        {"http", look_http, single_target, "service", nullptr, false},
        {"tls", look_tls, single_target, "service", nullptr, false},
        {"tcp", look_tcp, single_target, "service", nullptr, false},
        {"dns", look_dns, single_target, "service", nullptr, false},
        {"promql", look_promql, single_target, "service", nullptr, false},
        {"heartbeat", look_heartbeat, single_target, "service", nullptr, false},
        {"command", look_command, single_target, "service", nullptr, false},
        {"credential", look_credential, single_target, "credential", nullptr, false},
    };
    return kinds;
}

const ProbeKind* find_probe_kind(std::string_view name) {
    const auto& kinds = probe_kinds();
    const auto it = std::find_if(kinds.begin(), kinds.end(),
                                 [name](const ProbeKind& kind) { return kind.name == name; });
    return it == kinds.end() ? nullptr : &*it;
}

Subject subject_of(const ProbeKind& kind, const std::string& target) {
    std::string text(kind.subject_kind);
    return Subject(target.empty() ? text : text + "/" + target);
}

}  // namespace leverd::probes
