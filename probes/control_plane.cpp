// Why: the control plane is looked at as its users meet it (health, login entry, admin read), and
// its list of tenants is believed only when it did not shrink in an unlikely way: a degraded answer
// must never read as "all tenants are gone".
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "probes/common.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace leverd::probes {
namespace {

const Subject control_plane_subject{"control-plane"};

// What one of the three steps found; healthy steps only add words.
struct Step {
    Health health = Health::healthy;
    Reason reason = Reason::ok;
    Origin origin = Origin::target;
    std::string words;
    Phases phases;
};

Step step_of(const stack::Problem& problem, Health health) {
    return Step{health, problem.reason, problem.origin, problem.detail, problem.phases};
}

// failing is worse than unknown: an answer that is certainly wrong outweighs one we cannot judge.
int badness(Health health) {
    switch (health) {
        case Health::failing:
            return 3;
        case Health::unknown:
            return 2;
        case Health::degraded:
            return 1;
        case Health::healthy:
            break;
    }
    return 0;
}

boost::asio::awaitable<Step> check_health(Context& context, net::Deadline deadline) {
    stack::ControlPlaneAccess access = control_plane_access(context);
    access.token = Secret{};
    const net::HttpRequest request =
        stack::control_plane_request(access, "GET", context.config->control_plane.health_path);
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_error()) {
        const Health health = health_of(answer.error());
        co_return step_of(answer.error(), health);
    }
    auto body = stack::json_of(request, *answer);
    if (body.has_error()) {
        const Health health = health_of(body.error());
        co_return step_of(body.error(), health);
    }
    if (stack::text_at(*body, "status") != "ok") {
        const stack::Problem problem = stack::problem_of(request, *answer, Reason::wrong_body);
        co_return step_of(problem, Health::failing);
    }
    Step step;
    step.words = stack::describe_without_body(request, *answer);
    step.phases = answer->phases;
    co_return step;
}

// The login entry renders, redirects or wants a cookie: all fine. Only 5xx and silence are not.
boost::asio::awaitable<Step> check_login(Context& context, net::Deadline deadline) {
    stack::ControlPlaneAccess access = control_plane_access(context);
    access.token = Secret{};
    net::HttpRequest request =
        stack::control_plane_request(access, "GET", context.config->control_plane.login_path);
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_error()) {
        const Health health = health_of(answer.error());
        co_return step_of(answer.error(), health);
    }
    const int status = answer->status;
    const bool fine = (status >= 200 && status < 400) || status == 401 || status == 403;
    if (!fine) {
        const stack::Problem problem = stack::problem_of(request, *answer);
        const Health health = status >= 500 ? Health::failing : Health::unknown;
        co_return step_of(problem, health);
    }
    Step step;
    step.words = fmt::format("login entry {}", status);
    step.phases = answer->phases;
    co_return step;
}

// Garbage and 5xx fail; a 4xx may be our credential or our path, so it says nothing.
Health admin_read_health(const stack::Problem& problem) {
    if (problem.status >= 300 && problem.status < 500) {
        return Health::unknown;
    }
    return health_of(problem);
}

// The page size that the configured path asks for; 0 when it asks for none.
std::size_t asked_limit(const std::string& path) {
    const auto at = path.find("limit=");
    std::size_t limit = 0;
    if (at != std::string::npos) {
        std::from_chars(path.data() + at + 6, path.data() + path.size(), limit);
    }
    return limit;
}

std::map<std::string, Tenant> watched(const config::Tenants& settings,
                                      const std::vector<Tenant>& tenants) {
    std::map<std::string, Tenant> out;
    for (const auto& tenant : tenants) {
        if (is_watched(settings, tenant.slug)) {
            out.emplace(tenant.slug, tenant);
        }
    }
    return out;
}

// Tokens and workspaces of a tenant that went away, or came back as another organisation, go too.
void adopt(Inventory& inventory, std::map<std::string, Tenant> next) {
    for (const auto& [slug, old] : inventory.tenants) {
        const auto it = next.find(slug);
        if (it == next.end() || it->second.org_id != old.org_id) {
            inventory.admin_tokens.erase(slug);
            inventory.workspaces.erase(slug);
            inventory.builds.erase(slug);
            inventory.paces.erase(slug);
        }
    }
    inventory.tenants = std::move(next);
}

// Takes the list over when it is believable; else says why not.
Step take_list(Context& context, const stack::OrgList& list) {
    auto next = watched(context.config->tenants, list.tenants);
    const std::vector<std::string> known = watched_tenants(context);
    Step step;
    step.phases = list.response.phases;
    const InventoryVerdict verdict = judge_inventory(known.size(), next.size());
    if (verdict != InventoryVerdict::accepted) {
        step.health = Health::unknown;
        step.reason =
            verdict == InventoryVerdict::empty ? Reason::inventory_empty : Reason::inventory_shrunk;
        step.words = fmt::format("the list names {} tenants and we know {}: not believed",
                                 next.size(), known.size());
        return step;
    }
    const std::size_t limit = asked_limit(context.config->control_plane.orgs_path);
    if (limit > 0 && list.rows >= limit) {
        // A full page may be the first of several: who is missing from it is not gone.
        for (const std::string& slug : known) {
            next.emplace(slug, context.inventory->tenants.at(slug));
        }
    }
    step.words = fmt::format("{} tenants", next.size());
    if (list.rejected > 0) {
        step.words += fmt::format(", {} rows unusable", list.rejected);
    }
    adopt(*context.inventory, std::move(next));
    return step;
}

Observation tenant_row(const Tenant& tenant, const Task& task) {
    Health health = Health::degraded;
    Reason reason = Reason::not_running;
    if (tenant.instance_status == "running") {
        health = Health::healthy;
        reason = Reason::ok;
    } else if (tenant.instance_status == "provisioning") {
        reason = Reason::provisioning;
    } else if (tenant.instance_status == "stopped" || tenant.instance_status == "suspended") {
        reason = Reason::stopped;
    }
    Observation row =
        observation(Subject("tenant/" + tenant.slug), task, health, reason,
                    "control plane: instance_status \"" + tenant.instance_status + "\"");
    row.attributes["tenant"] = tenant.slug;
    row.attributes["instance_status"] = tenant.instance_status;
    return row;
}

Observation fold_steps(const std::vector<Step>& steps, const Task& task) {
    const auto worst = std::max_element(
        steps.begin(), steps.end(),
        [](const Step& a, const Step& b) { return badness(a.health) < badness(b.health); });
    std::string words = worst->words;
    if (worst->health == Health::healthy) {
        words.clear();
        for (const Step& step : steps) {
            words += (words.empty() ? "" : "; ") + step.words;
        }
    }
    Observation seen =
        observation(control_plane_subject, task, worst->health, worst->reason, std::move(words));
    seen.origin = worst->origin;
    // Phases describe one call: the one that decided.
    seen.phases = worst->phases;
    return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_control_plane(Context& context, Task task,
                                                        net::Deadline deadline) {
    const Now started = context.clock->now();
    std::vector<Step> steps;
    Step health = co_await check_health(context, deadline);
    steps.push_back(std::move(health));
    Step login = co_await check_login(context, deadline);
    steps.push_back(std::move(login));
    stack::ControlPlaneAccess access = control_plane_access(context);
    auto list =
        co_await stack::list_orgs(access, context.config->control_plane.orgs_path, deadline);
    bool believed = false;
    if (list.has_error()) {
        steps.push_back(step_of(list.error(), admin_read_health(list.error())));
    } else {
        steps.push_back(take_list(context, *list));
        believed = steps.back().health == Health::healthy;
    }
    Observations all;
    all.push_back(fold_steps(steps, task));
    all.front().facts["tenants"] = static_cast<double>(context.inventory->tenants.size());
    if (believed) {
        for (const Tenant& tenant : list->tenants) {
            if (is_watched(context.config->tenants, tenant.slug)) {
                all.push_back(tenant_row(tenant, task));
            }
        }
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
