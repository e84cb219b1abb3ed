// Why: see forge_look.hpp.
#include "probes/forge_look.hpp"

namespace leverd::probes {

stack::Forge forge_of(const Context& context) {
    const config::Forge& settings = context.config->forge;
    stack::ForgeAccess access;
    access.http = context.http;
    access.url = settings.url;
    access.token = secret_of(context, settings.token);
    access.dialect = stack::find_forge(settings.kind);
    access.memory = context.forge_memory.get();
    access.clock = context.clock;
    return stack::Forge(std::move(access));
}

boost::asio::awaitable<Observation> judge_forge(stack::Forge& forge, std::string repository,
                                                std::optional<stack::Problem> problem, Task task,
                                                net::Deadline deadline) {
    const Subject subject("forge");
    if (!problem || problem->reason == Reason::not_found) {
        co_return observation(subject, task, Health::healthy, Reason::ok, "the forge answers");
    }
    if (problem->status == 401) {
        auto lost = co_await forge.loss(std::move(repository), *problem, deadline);
        if (lost) {
            co_return from_problem(*lost, subject, task);
        }
        Observation seen = from_problem(*problem, subject, task);
        seen.evidence =
            "only our token is refused: without it the forge answers; replace the "
            "token; " +
            seen.evidence;
        co_return seen;
    }
    co_return from_problem(*problem, subject, task);
}

}  // namespace leverd::probes
