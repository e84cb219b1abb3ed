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
#include <set>

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

// How long a tenant that vanished from the list without a reason is looked at all the same.
constexpr Millis missing_kept{900'000};
constexpr std::size_t names_told = 3;

std::set<std::string> known_slugs(const Context& context) {
    const auto known = watched_tenants(context);
    std::set<std::string> slugs(known.begin(), known.end());
    for (const auto& slug : context.inventory->expected) {
        if (is_watched(context.config->tenants, slug)) {
            slugs.insert(slug);
        }
    }
    return slugs;
}

struct Absences {
    std::vector<std::string> unexplained;  // looked at a while longer
    std::vector<std::string> gone;
};

// A tenant whose last row said that it does not run had a reason to go. One that ran had none: it
// stays in the list for a while, and is called missing.
Absences note_absences(Inventory& inventory, const std::set<std::string>& known,
                       std::map<std::string, Tenant>& next, Instant now) {
    Absences out;
    std::erase_if(inventory.missing, [&](const auto& one) { return next.contains(one.first); });
    for (const auto& slug : known) {
        if (next.contains(slug)) {
            continue;
        }
        const auto held = inventory.tenants.find(slug);
        const bool ran =
            held == inventory.tenants.end() || held->second.instance_status == "running";
        const Instant since = inventory.missing.try_emplace(slug, now).first->second;
        if (!ran || now - since >= missing_kept) {
            inventory.missing.erase(slug);
            inventory.expected.erase(slug);
            out.gone.push_back(slug);
            continue;
        }
        out.unexplained.push_back(slug);
        if (held != inventory.tenants.end()) {
            next.emplace(slug, held->second);
        }
    }
    return out;
}

std::string missing_words(const std::vector<std::string>& slugs) {
    std::string names;
    for (std::size_t i = 0; i < std::min(slugs.size(), names_told); ++i) {
        names += (i == 0 ? "" : ", ") + slugs[i];
    }
    if (slugs.size() > names_told) {
        names += fmt::format(" and {} more", slugs.size() - names_told);
    }
    return fmt::format("missing without a reason: {}; looked at for {} all the same", names,
                       format_duration(missing_kept));
}

struct Taken {
    Step step;
    std::vector<std::string> gone;
};

// Takes the list over when it is believable; else says why not, and the old one stays.
Taken take_list(Context& context, const stack::OrgList& list) {
    auto next = watched(context.config->tenants, list.tenants);
    const auto known = known_slugs(context);
    Taken taken;
    Step& step = taken.step;
    step.phases = list.response.phases;
    // An empty list is never evidence, also when nobody was known: then nothing is watched.
    const InventoryVerdict verdict =
        next.empty() ? InventoryVerdict::empty : judge_inventory(known.size(), next.size());
    if (verdict != InventoryVerdict::accepted) {
        step.health = Health::unknown;
        step.reason =
            verdict == InventoryVerdict::empty ? Reason::inventory_empty : Reason::inventory_shrunk;
        step.words = fmt::format(
            "the list names {} tenants and we know {}: not believed, the last "
            "good list stays",
            next.size(), known.size());
        return taken;
    }
    const std::size_t limit = asked_limit(context.config->control_plane.orgs_path);
    Absences absences;
    if (limit > 0 && list.rows >= limit) {
        // A full page may be the first of several: who is missing from it is not gone.
        for (const auto& [slug, tenant] : context.inventory->tenants) {
            if (is_watched(context.config->tenants, slug)) {
                next.emplace(slug, tenant);
            }
        }
    } else {
        absences = note_absences(*context.inventory, known, next, context.clock->now().at);
    }
    step.words = fmt::format("{} tenants", next.size());
    if (list.rejected > 0) {
        step.words += fmt::format(", {} rows unusable", list.rejected);
    }
    if (!absences.unexplained.empty()) {
        step.health = Health::degraded;
        step.reason = Reason::inventory_shrunk;
        step.words += ", " + missing_words(absences.unexplained);
    }
    taken.gone = std::move(absences.gone);
    adopt(*context.inventory, std::move(next));
    return taken;
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
    std::vector<std::string> gone;
    if (list.has_error()) {
        steps.push_back(step_of(list.error(), admin_read_health(list.error())));
    } else {
        Taken taken = take_list(context, *list);
        believed = taken.step.health != Health::unknown;
        gone = std::move(taken.gone);
        steps.push_back(std::move(taken.step));
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
    for (const std::string& slug : gone) {
        // So that nothing is left of it, neither a run of bad looks nor a look that grows old.
        all.push_back(observation(Subject("tenant/" + slug), task, Health::unknown, Reason::removed,
                                  "no longer in the control plane's list"));
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
