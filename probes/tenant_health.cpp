// Why: does a tenant do its job? A 200 alone does not say so: the edge serves a splash page with
// 200 while a machine boots, and /health does not touch the database (wire-contracts 1.6, 2.2). So
// the body is read, then an authenticated read proves database and credential, then the counter
// tells whether the process started anew.
#include "core/model/codec.hpp"
#include "probes/common.hpp"
#include "probes/session.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace leverd::probes {
namespace {

constexpr double milliseconds_per_day = 86'400'000.0;

boost::asio::awaitable<Observation> check_health(Context& context, Task task,
                                                 net::Deadline deadline) {
    const Subject subject("tenant/" + task.target);
    stack::TenantAccess access = tenant_access(context, task.target);
    const net::HttpRequest request = stack::tenant_request(access, "GET", "/health");
    auto answer = co_await stack::tenant_call(access, request, deadline);
    if (answer.has_error()) {
        co_return from_problem(answer.error(), subject, task);
    }
    Observation seen;
    auto body = stack::json_of(request, *answer);
    if (body.has_error()) {
        seen = from_problem(body.error(), subject, task);
    } else if (stack::text_at(*body, "status") != "ok") {
        const stack::Problem problem = stack::problem_of(request, *answer, Reason::wrong_body);
        seen = from_problem(problem, subject, task);
    } else {
        seen = observation(subject, task, Health::healthy, Reason::ok,
                           stack::describe_without_body(request, *answer));
    }
    seen.phases = answer->phases;
    if (answer->certificate_expires) {
        const Millis left = *answer->certificate_expires - context.clock->now().wall;
        seen.facts["certificate_days"] = static_cast<double>(left.count()) / milliseconds_per_day;
    }
    co_return seen;
}

// The authenticated read failed. A platform that is up but cannot read is degraded; a credential
// that does not fit, our pace or our own trouble say nothing about its health.
void judge_read_problem(const stack::Problem& problem, Observation& seen) {
    seen.evidence += "; " + problem.detail;
    switch (problem.reason) {
        case Reason::unauthorized:
        case Reason::forbidden:
        case Reason::guard_not_found:
            seen.facts["auth_read"] = 0;
            return;
        case Reason::credential_missing:
        case Reason::rate_limited:
            return;
        default:
            break;
    }
    if (problem.origin == Origin::local) {
        return;
    }
    seen.health = Health::degraded;
    seen.reason = problem.reason;
    seen.facts["auth_read"] = 0;
}

// What the tenant runs, for image_drift. A tenant that does not say it is no worse for that.
boost::asio::awaitable<void> note_build(Context& context, stack::TenantAccess access,
                                        net::Deadline deadline) {
    if (!build_is_due(context, access.slug)) {
        co_return;
    }
    const Instant now = context.clock->now().at;
    const std::string slug = access.slug;
    auto build = co_await stack::read_build(std::move(access), deadline);
    RunningBuild running;
    running.asked = now;
    if (build.has_value()) {
        running.commit = build->commit;
        running.digest = build->digest;
    }
    context.inventory->builds.insert_or_assign(slug, std::move(running));
}

}  // namespace

boost::asio::awaitable<Observations> look_tenant_health(Context& context, Task task,
                                                        net::Deadline deadline) {
    const Now started = context.clock->now();
    Observation seen = co_await check_health(context, task, deadline);
    if (seen.health == Health::healthy) {
        TenantSession session(context, task.target);
        auto list = co_await session.workspaces(deadline);
        if (list.has_value()) {
            seen.facts["auth_read"] = 1;
            seen.evidence += fmt::format("; {} workspaces listed", list->workspaces.size());
        } else {
            judge_read_problem(list.error(), seen);
        }
        auto counter = co_await stack::read_request_counter(session.access(), deadline);
        if (counter.has_value()) {
            seen.facts["requests_total"] = *counter;
        }
        co_await note_build(context, session.access(), deadline);
    }
    seen.attributes["tenant"] = task.target;
    Observations all;
    all.push_back(std::move(seen));
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
