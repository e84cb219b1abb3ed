// Why: see faults.hpp. One row per fault kind.
#include "faults.hpp"

#include "crypto.hpp"
#include "hosts.hpp"

#include <algorithm>
#include <array>

namespace sandbox {

namespace {

using Names = std::vector<std::string>;

bool one_of(const std::string& value, const Names& allowed) {
    return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

std::string bad_value(const char* key, const Names& allowed) {
    std::string out = std::string(key) + " must be one of:";
    for (const std::string& name : allowed) {
        out += " " + name;
    }
    return out;
}

// Sets `target` to fault[key] when it is one of `allowed`.
std::string set_mode(std::string& target, const json& fault, const char* key,
                     const Names& allowed) {
    const std::string value = text_of(fault, key);
    if (!one_of(value, allowed)) {
        return bad_value(key, allowed);
    }
    target = value;
    return {};
}

std::string set_call(CallMode& target, const json& fault, const Names& allowed) {
    const std::string problem = set_mode(target.mode, fault, "mode", allowed);
    if (problem.empty()) {
        target.sticky = flag_of(fault, "sticky", false);
    }
    return problem;
}

Tenant* tenant_in(World& world, const json& fault) {
    return world.tenant(text_of(fault, "tenant"));
}

std::string workspace_form(World& world, const json& fault, const std::string& form) {
    Tenant* tenant = tenant_in(world, fault);
    if (tenant == nullptr) {
        return "unknown tenant";
    }
    const std::string id = text_of(fault, "id");
    Workspace* workspace = id.empty() ? world.workspace_of(*tenant, text_of(fault, "runtime"))
                                      : world.workspace(*tenant, id);
    if (workspace == nullptr) {
        return "no workspace of that runtime or id";
    }
    workspace->form = form;
    return {};
}

std::string wedge_workspace(World& world, const json& fault, json&) {
    const std::string form = text_of(fault, "form", "agent_error");
    return known_form(form) ? workspace_form(world, fault, form) : "unknown form";
}

std::string heal_workspace(World& world, const json& fault, json&) {
    return workspace_form(world, fault, "");
}

std::string tenant_down(World& world, const json& fault, json&) {
    Tenant* tenant = tenant_in(world, fault);
    if (tenant == nullptr) {
        return "unknown tenant";
    }
    // A dead machine is one that no redeploy reaches; stop and start do.
    const Names allowed{"refuse",   "hang", "cut", "5xx",       "splash",
                        "guard404", "401",  "429", "datastore", "dead_machine"};
    return set_mode(tenant->down, fault, "how", allowed);
}

std::string tenant_up(World& world, const json& fault, json&) {
    Tenant* tenant = tenant_in(world, fault);
    if (tenant == nullptr) {
        return "unknown tenant";
    }
    tenant->down.clear();
    return {};
}

std::string rate_limit(World& world, const json& fault, json&) {
    Tenant* tenant = tenant_in(world, fault);
    const auto limit = fault.find("limit");
    if (tenant == nullptr || limit == fault.end() || !limit->is_number_integer()) {
        return "needs a known tenant and a whole limit";
    }
    tenant->rate_limit = limit->get<int>();
    tenant->window_used = 0;
    return {};
}

std::string registry_push(World& world, const json& fault, json& result) {
    const std::string repository = text_of(fault, "repository");
    std::vector<std::string> tags{text_of(fault, "tag", "latest")};
    if (repository == kPlatform || repository == kPlatformTenant) {
        tags.push_back("staging-" + text_of(fault, "sha7", random_hex(4).substr(0, 7)));
    }
    const std::string digest =
        world.registry.publish(repository, tags, flag_of(fault, "bad", false), world.wall());
    if (digest.empty()) {
        return "unknown repository";
    }
    result["digest"] = digest;
    world.journal->note("publisher", "tag " + repository + ":" + tags[0] + " " + digest);
    return {};
}

std::string registry_mode(World& world, const json& fault, json&) {
    const Names allowed{"ok", "readonly", "down", "401", "429", "5xx", "stale"};
    const std::string problem = set_mode(world.modes.registry, fault, "mode", allowed);
    if (problem.empty() && world.modes.registry == "stale") {
        world.registry.freeze_edge();
    } else if (problem.empty()) {
        world.registry.thaw_edge();
    }
    return problem;
}

std::string runtime_provision(World& world, const json& fault, json& result) {
    Tenant* tenant = tenant_in(world, fault);
    const Workspace* made =
        tenant == nullptr ? nullptr : world.user_provision(*tenant, text_of(fault, "runtime"));
    if (made == nullptr) {
        return "unknown tenant or runtime";
    }
    result["id"] = made->id;
    return {};
}

std::string restart_workspace(World& world, const json& fault, json&) {
    Tenant* tenant = tenant_in(world, fault);
    Workspace* workspace =
        tenant == nullptr ? nullptr : world.workspace_of(*tenant, text_of(fault, "runtime"));
    if (workspace == nullptr) {
        return "unknown tenant or runtime";
    }
    world.restart(*workspace);
    world.journal->note("user", "restart " + workspace->id);
    return {};
}

// What the platform's own sweeps would write; nothing but the next change takes it back.
std::string workspace_status(World& world, const json& fault, json& result) {
    Tenant* tenant = tenant_in(world, fault);
    Workspace* workspace =
        tenant == nullptr ? nullptr : world.workspace_of(*tenant, text_of(fault, "runtime"));
    if (workspace == nullptr) {
        return "unknown tenant or runtime";
    }
    const Names allowed{"online", "offline", "degraded", "failed", "paused"};
    result["id"] = workspace->id;
    return set_mode(workspace->status, fault, "status", allowed);
}

// All tenants, or the one that is named, run another build from now on.
std::string platform(World& world, const json& fault, json&) {
    std::string build;
    const std::string problem = set_mode(build, fault, "build", {"measured", "newest"});
    const bool one = fault.contains("tenant");
    if (!problem.empty() || (one && tenant_in(world, fault) == nullptr)) {
        return problem.empty() ? "unknown tenant" : problem;
    }
    for (Tenant& tenant : world.tenants) {
        if (!one || &tenant == tenant_in(world, fault)) {
            world.set_newest(tenant, build == "newest");
        }
    }
    return {};
}

// What the interfaces do not let anybody store, and what people, imports and older builds stored
// all the same. Only what is named changes.
std::string workspace_row(World& world, const json& fault, json& result) {
    Tenant* tenant = tenant_in(world, fault);
    Workspace* workspace =
        tenant == nullptr ? nullptr : world.workspace_of(*tenant, text_of(fault, "runtime"));
    if (workspace == nullptr) {
        return "unknown tenant or runtime";
    }
    const std::array<std::pair<const char*, std::string*>, 9> texts{{
        {"name", &workspace->name},
        {"role", &workspace->role},
        {"access", &workspace->access},
        {"as_runtime", &workspace->runtime},
        {"row_kind", &workspace->kind},
        {"url", &workspace->url},
        {"workspace_dir", &workspace->workspace_dir},
        {"delivery_mode", &workspace->delivery_mode},
        {"model", &workspace->model},
    }};
    for (const auto& [key, value] : texts) {
        *value = text_of(fault, key, *value);
    }
    workspace->collapsed = flag_of(fault, "collapsed", workspace->collapsed);
    workspace->budget_limit = fault.value("budget_limit", workspace->budget_limit);
    workspace->monthly_spend = fault.value("monthly_spend", workspace->monthly_spend);
    workspace->compute = fault.value("compute", workspace->compute);
    workspace->belongings.update(fault.value("belongings", json::object()));
    if (flag_of(fault, "forget_stored_model", false)) {
        workspace->secrets.erase(model_secret(*tenant));
    }
    if (flag_of(fault, "forget_tokens", false)) {
        workspace->tokens.clear();
    }
    result["id"] = workspace->id;
    return {};
}

std::string values_reply(World& world, const json& fault, json&) {
    return set_call(world.modes.values, fault, {"ok", "lost", "500", "half"});
}

// The tenant takes upgrades from this origin only; empty: from everybody.
std::string cors(World& world, const json& fault, json&) {
    Tenant* tenant = tenant_in(world, fault);
    if (tenant == nullptr) {
        return "unknown tenant";
    }
    tenant->cors_origins.clear();
    if (const std::string origin = text_of(fault, "origin"); !origin.empty()) {
        tenant->cors_origins.push_back(origin);
    }
    return {};
}

// Raw text over the event stream, whatever it is.
std::string stream_text(World& world, const json& fault, json&) {
    const Tenant* tenant = tenant_in(world, fault);
    if (tenant == nullptr) {
        return "unknown tenant";
    }
    const auto wanted = fault.find("times");
    const bool many = wanted != fault.end() && wanted->is_number_integer();
    const std::int64_t times = many ? wanted->get<std::int64_t>() : 1;
    for (std::int64_t i = 0; i < times; ++i) {
        world.hub.tell(tenant->slug, text_of(fault, "text"));
    }
    return {};
}

std::string control_plane(World& world, const json& fault, json&) {
    const Names allowed{"ok",        "5xx", "admin_5xx", "login_5xx", "empty_list",
                        "half_list", "401", "hang",      "html"};
    return set_mode(world.modes.control_plane, fault, "mode", allowed);
}

std::string canvas(World& world, const json& fault, json&) {
    const Names allowed{"ok", "chunk_404", "marker_missing", "5xx"};
    return set_mode(world.modes.canvas, fault, "mode", allowed);
}

std::string pager(World& world, const json& fault, json&) {
    const Names allowed{"ok", "500", "cut"};
    return set_mode(world.modes.pager, fault, "mode", allowed);
}

std::string forge(World& world, const json& fault, json&) {
    const Names allowed{"ok", "401", "bad_token", "5xx", "secondary_limit"};
    return set_mode(world.modes.forge, fault, "mode", allowed);
}

std::string workflow(World& world, const json& fault, json&) {
    const std::string file = text_of(fault, "file");
    const Names allowed{"active",        "disabled_manually", "disabled_inactivity",
                        "disabled_fork", "deleted",           "hidden"};
    return file.empty() ? "needs a file"
                        : set_mode(world.modes.workflows[file], fault, "state", allowed);
}

std::string forge_run(World& world, const json& fault, json&) {
    const std::string status = text_of(fault, "status", "in_progress");
    const Names allowed{"queued", "in_progress", "none"};
    if (!one_of(status, allowed)) {
        return bad_value("status", allowed);
    }
    world.modes.runs = json::array();
    if (status != "none") {
        world.modes.runs.push_back({{"repository", text_of(fault, "repository")},
                                    {"file", text_of(fault, "file")},
                                    {"status", status}});
    }
    return {};
}

std::string network(World& world, const json& fault, json&) {
    if (!fault.contains("up") || !fault["up"].is_boolean()) {
        return "up must be true or false";
    }
    world.modes.network = fault["up"].get<bool>();
    return {};
}

std::string redeploy_reply(World& world, const json& fault, json&) {
    const Names allowed{"ok", "lost", "lost_before_effect", "ok_false", "http_500", "noop"};
    return set_call(world.modes.redeploy, fault, allowed);
}

std::string delete_reply(World& world, const json& fault, json&) {
    const Names allowed{"ok", "lost", "409", "500"};
    return set_call(world.modes.remove, fault, allowed);
}

std::string create_reply(World& world, const json& fault, json&) {
    const Names allowed{"ok", "lost", "empty200", "400", "409", "hang"};
    return set_call(world.modes.create, fault, allowed);
}

std::string restart_reply(World& world, const json& fault, json&) {
    const Names allowed{"ok", "lost", "lost_before_effect", "noop", "503"};
    return set_call(world.modes.restart, fault, allowed);
}

std::string stop_reply(World& world, const json& fault, json&) {
    const Names allowed{"ok", "lost", "lost_before_effect", "http_500", "ok_false", "noop"};
    return set_call(world.modes.stop, fault, allowed);
}

std::string start_reply(World& world, const json& fault, json&) {
    const Names allowed{"ok",   "lost", "lost_before_effect", "http_500", "ok_false",
                        "noop", "stuck"};
    return set_call(world.modes.start, fault, allowed);
}

std::string put_reply(World& world, const json& fault, json&) {
    const Names allowed{"ok", "lost", "lost_before_effect", "http_500", "403", "noop"};
    return set_call(world.modes.put_manifest, fault, allowed);
}

std::string hostile(World& world, const json& fault, json&) {
    const std::string host = text_of(fault, "host");
    const std::string mode = text_of(fault, "mode");
    if (host.empty() || (mode != "none" && !hostile_reply(mode))) {
        return "needs a host and a known mode";
    }
    if (mode == "none") {
        world.modes.hostile.erase(host);
    } else {
        world.modes.hostile[host] = mode;
    }
    return {};
}

struct FaultRow {
    const char* kind;
    std::string (*apply)(World&, const json&, json&);
};

constexpr std::array kFaults{
    FaultRow{"wedge_workspace", wedge_workspace},
    FaultRow{"heal_workspace", heal_workspace},
    FaultRow{"tenant_down", tenant_down},
    FaultRow{"tenant_up", tenant_up},
    FaultRow{"rate_limit", rate_limit},
    FaultRow{"registry_push", registry_push},
    FaultRow{"registry", registry_mode},
    FaultRow{"runtime_provision", runtime_provision},
    FaultRow{"restart_workspace", restart_workspace},
    FaultRow{"workspace_status", workspace_status},
    FaultRow{"workspace_row", workspace_row},
    FaultRow{"platform", platform},
    FaultRow{"values_reply", values_reply},
    FaultRow{"cors", cors},
    FaultRow{"stream_text", stream_text},
    FaultRow{"control_plane", control_plane},
    FaultRow{"canvas", canvas},
    FaultRow{"pager", pager},
    FaultRow{"forge", forge},
    FaultRow{"workflow", workflow},
    FaultRow{"forge_run", forge_run},
    FaultRow{"network", network},
    FaultRow{"redeploy_reply", redeploy_reply},
    FaultRow{"delete_reply", delete_reply},
    FaultRow{"create_reply", create_reply},
    FaultRow{"put_reply", put_reply},
    FaultRow{"restart_reply", restart_reply},
    FaultRow{"stop_reply", stop_reply},
    FaultRow{"start_reply", start_reply},
    FaultRow{"railway_deploy", railway_deploy},
    FaultRow{"railway_rollback", railway_rollback},
    FaultRow{"railway_reads", railway_reads},
    FaultRow{"vercel_deploy", vercel_deploy},
    FaultRow{"vercel_move", vercel_move},
    FaultRow{"vercel_reads", vercel_reads},
    FaultRow{"hostile", hostile},
};

}  // namespace

std::string apply_fault(World& world, const json& fault, json& result) {
    const std::string kind = text_of(fault, "kind");
    for (const FaultRow& row : kFaults) {
        if (kind == row.kind) {
            return row.apply(world, fault, result);
        }
    }
    std::string known = "kind must be one of:";
    for (const FaultRow& row : kFaults) {
        known += std::string(" ") + row.kind;
    }
    return known;
}

}  // namespace sandbox
