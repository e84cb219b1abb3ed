// Why: see lever.hpp. What a lever does not say for itself.
#include "policies/levers/lever.hpp"

#include "policies/levers/access.hpp"

#include <algorithm>

namespace leverd::levers {

const LeverContract& Lever::contract_for(const config::Config& config) const {
    (void)config;
    return contract();
}

boost::asio::awaitable<Result<Plan>> Lever::plan_undo(Context& context, Intent done,
                                                      net::Deadline deadline) {
    (void)context, (void)deadline;
    co_return refusal("lever " + done.lever + " has no inverse",
                      "a person decides what comes next: " + contract().inverse);
}

boost::asio::awaitable<Result<Plan>> Lever::plan_recreation(Context& context, Intent done,
                                                            net::Deadline deadline) {
    (void)context, (void)deadline;
    co_return refusal("lever " + done.lever + " recreates nothing",
                      "only what workspace-reprovision deleted can be recreated");
}

Millis call_time(const config::Config& config, const Lever& lever) {
    const auto& all = config.levers;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& row) { return row.id == lever.contract().id; });
    // A row that only sets other keys carries the common timeout; that one is too short for a lever
    // that has to wait between its calls.
    const bool spelled = found != all.end() && found->timeout != config::LeverSettings{}.timeout;
    return spelled ? found->timeout : lever.patience();
}

}  // namespace leverd::levers
