// Why: before a target is called down, the box asks itself whether it sees anything at all. The
// places asked here always answer; what they answer does not matter.
#include "probes/common.hpp"

#include <charconv>

namespace leverd::probes {

boost::asio::awaitable<Observations> look_reference(Context& context, Task task,
                                                    net::Deadline deadline) {
    const Now started = context.clock->now();
    const Subject subject("reference/" + task.target);
    const std::vector<std::string>& urls = context.config->observer.references;
    std::size_t index = urls.size();
    std::from_chars(task.target.data(), task.target.data() + task.target.size(), index);
    Observations all;
    if (index >= urls.size()) {
        co_return all;  // the list became shorter since the look was planned
    }
    net::HttpRequest request;
    request.url = urls[index];
    // A kept-alive connection would go on answering after our resolver or our route is gone.
    request.fresh_connection = true;
    auto answer = co_await stack::call(context.http, request, deadline);
    if (answer.has_error()) {
        Observation seen = from_problem(answer.error(), subject, task);
        // Whoever is at fault, this place does not answer us: that is what is asked here. The
        // exception is a body that is too large: headers did arrive.
        const bool answered = answer.error().reason == Reason::body_too_large;
        seen.health = answered ? Health::healthy : Health::failing;
        seen.reason = answered ? Reason::ok : seen.reason;
        all.push_back(std::move(seen));
    } else {
        const bool good = answer->status < 500;
        all.push_back(observation(subject, task, good ? Health::healthy : Health::failing,
                                  good ? Reason::ok : Reason::http_5xx,
                                  stack::describe_without_body(request, *answer)));
        all.back().phases = answer->phases;
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
