// Why: see general.hpp.
#include "probes/general.hpp"

#include <fmt/format.h>

namespace leverd::probes {

Observation general(const Task& task, Health health, Reason reason, std::string evidence) {
    Observation seen =
        observation(Subject(task.settings.subject), task, health, reason, std::move(evidence));
    seen.attributes = task.settings.attributes;
    return seen;
}

Observation general(const Task& task, const stack::Problem& problem) {
    Observation seen = from_problem(problem, Subject(task.settings.subject), task);
    seen.attributes = task.settings.attributes;
    return seen;
}

Observation general(const Task& task, const net::HttpRequest& request,
                    const net::HttpResponse& response) {
    stack::Problem problem = stack::problem_of(request, response);
    if (problem.reason == Reason::guard_not_found) {
        problem.reason = Reason::not_found;
    } else if (problem.reason == Reason::wrong_body) {
        problem.reason = Reason::wrong_status;
    }
    return general(task, problem);
}

Observations only(const Context& context, const Now& started, Observation seen) {
    Observations all;
    all.push_back(std::move(seen));
    return finish(context, started, std::move(all));
}

bool log_in(const Context& context, const config::Login& login, net::HttpRequest& request) {
    if (!login.bearer.empty()) {
        request.bearer = secret_of(context, login.bearer);
        return !request.bearer->empty();
    }
    if (!login.password.empty()) {
        request.basic.emplace(login.user, secret_of(context, login.password));
        return !request.basic->second.empty();
    }
    return true;
}

void judge_time(const config::Limits& limits, Observation& seen) {
    const Millis took = stack::total(seen.phases);
    seen.facts["latency_ms"] = static_cast<double>(took.count());
    if (seen.health != Health::healthy) {
        return;
    }
    const bool failing = limits.failing_over && took > *limits.failing_over;
    const bool degraded = limits.degraded_over && took > *limits.degraded_over;
    if (!failing && !degraded) {
        return;
    }
    const Millis limit = failing ? *limits.failing_over : *limits.degraded_over;
    seen.health = failing ? Health::failing : Health::degraded;
    seen.reason = Reason::too_slow;
    seen.evidence = fmt::format("took {} ms, more than {}; {}", took.count(),
                                format_duration(limit), seen.evidence);
}

}  // namespace leverd::probes
