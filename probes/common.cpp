// Why: see common.hpp; the judgement of answers that are not the expected ones stands here, once.
#include "probes/common.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace leverd::probes {

Secret secret_of(const Context& context, const std::string& name) {
    if (context.secrets == nullptr || name.empty()) {
        return Secret{};
    }
    const auto it = context.secrets->find(name);
    return it == context.secrets->end() ? Secret{} : it->second;
}

stack::ControlPlaneAccess control_plane_access(const Context& context) {
    stack::ControlPlaneAccess access;
    access.http = context.http;
    access.url = context.config->control_plane.url;
    access.token = secret_of(context, context.config->control_plane.admin_token);
    return access;
}

stack::TenantAccess tenant_access(const Context& context, const std::string& slug) {
    stack::TenantAccess access;
    access.http = context.http;
    access.url_template = context.config->tenants.url;
    access.slug = slug;
    access.pace = &context.inventory->paces[slug];
    access.clock = context.clock;
    const auto it = context.inventory->tenants.find(slug);
    if (it != context.inventory->tenants.end()) {
        access.org_id = it->second.org_id;
    }
    return access;
}

bool is_watched(const config::Tenants& tenants, const std::string& slug) {
    const auto matches = [&slug](const std::string& pattern) { return glob_match(pattern, slug); };
    const bool included = tenants.include.empty() ||
                          std::any_of(tenants.include.begin(), tenants.include.end(), matches);
    return included && std::none_of(tenants.exclude.begin(), tenants.exclude.end(), matches);
}

bool build_is_due(const Context& context, const std::string& slug) {
    // A build changes with a redeploy only, so it is asked for more rarely than health.
    constexpr Millis pace{120'000};
    const auto known = context.inventory->builds.find(slug);
    return known == context.inventory->builds.end() ||
           context.clock->now().at - known->second.asked >= pace;
}

std::vector<std::string> watched_tenants(const Context& context) {
    std::vector<std::string> slugs;
    for (const auto& [slug, tenant] : context.inventory->tenants) {
        if (is_watched(context.config->tenants, slug)) {
            slugs.push_back(slug);
        }
    }
    return slugs;
}

std::vector<std::string> single_target(const Context&) {
    return {""};
}

Observation observation(Subject subject, const Task& task, Health health, Reason reason,
                        std::string evidence) {
    Observation seen;
    seen.subject = std::move(subject);
    seen.probe = task.kind;
    seen.health = health;
    seen.reason = reason;
    seen.evidence = std::move(evidence);
    return seen;
}

Health health_of(const stack::Problem& problem) {
    if (problem.origin == Origin::local) {
        return Health::unknown;
    }
    switch (problem.reason) {
        case Reason::unauthorized:
        case Reason::forbidden:
        case Reason::rate_limited:
        case Reason::credential_missing:
        case Reason::guard_not_found:
            return Health::unknown;
        default:
            return Health::failing;
    }
}

Observation from_problem(const stack::Problem& problem, Subject subject, const Task& task) {
    Observation seen =
        observation(std::move(subject), task, health_of(problem), problem.reason, problem.detail);
    seen.origin = problem.origin;
    seen.phases = problem.phases;
    return seen;
}

Observation cannot_judge(const stack::Problem& problem, Subject subject, const Task& task) {
    Observation seen = from_problem(problem, std::move(subject), task);
    seen.health = Health::unknown;
    return seen;
}

void add_phases(Phases& sum, const Phases& part) {
    sum.dns += part.dns;
    sum.connect += part.connect;
    sum.tls += part.tls;
    sum.header += part.header;
    sum.body += part.body;
}

Observations finish(const Context& context, const Now& started, Observations observations) {
    const Now now = context.clock->now();
    for (auto& seen : observations) {
        seen.seen = now;
        seen.took = std::max(Millis{0}, now.at - started.at);
        seen.evidence = sanitize(redact(seen.evidence), evidence_bytes_max);
        for (auto& [name, value] : seen.attributes) {
            value = mask_known(std::move(value));
        }
    }
    return observations;
}

Observation from_failure(const net::HttpFailure& failure, Subject subject, std::string probe) {
    Observation seen;
    seen.subject = std::move(subject);
    seen.probe = std::move(probe);
    seen.reason = failure.reason;
    seen.origin = failure.origin;
    seen.health = failure.origin == Origin::local ? Health::unknown : Health::failing;
    seen.phases = failure.phases;
    seen.evidence = sanitize(failure.detail, evidence_bytes_max);
    return seen;
}

Observation from_status(const net::HttpResponse& response, Subject subject, std::string probe) {
    stack::Problem problem;
    problem.reason = stack::reason_of_status(response);
    Observation seen;
    seen.subject = std::move(subject);
    seen.probe = std::move(probe);
    seen.reason = problem.reason;
    seen.health = health_of(problem);
    seen.phases = response.phases;
    seen.evidence = "status " + std::to_string(response.status);
    return seen;
}

}  // namespace leverd::probes
