// Why: what the general kinds share: a question from the configuration and an observation about the
// subject that it names.
#pragma once

#include "config/checks.hpp"
#include "probes/common.hpp"

#include <optional>
#include <string>
#include <variant>

namespace leverd::probes {

// The question of a task; null when the task is of another kind.
template <class T>
const T* check_of(const Task& task) {
    return task.settings.check ? std::get_if<T>(&task.settings.check->what) : nullptr;
}

// About the probe's own subject, with the attributes of the configuration.
Observation general(const Task& task, Health health, Reason reason, std::string evidence);
Observation general(const Task& task, const stack::Problem& problem);
// Also an empty 404 is an answer of the target here: no guard of the stack stands before it.
Observation general(const Task& task, const net::HttpRequest& request,
                    const net::HttpResponse& response);

// The same with one look as the whole answer.
Observations only(const Context& context, const Now& started, Observation seen);

// Puts the credentials of [secrets] into the request; false: one is missing.
bool log_in(const Context& context, const config::Login& login, net::HttpRequest& request);

// A good look that took too long is no longer good.
void judge_time(const config::Limits& limits, Observation& seen);

}  // namespace leverd::probes
