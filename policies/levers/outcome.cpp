// Why: see outcome.hpp.
#include "policies/levers/outcome.hpp"

#include "core/base/text.hpp"

namespace leverd::levers {

Outcome make_outcome(const std::string& intent, OutcomeKind kind, const std::string& detail) {
    Outcome outcome;
    outcome.intent = intent;
    outcome.kind = kind;
    outcome.detail = sanitize(detail, detail_bytes_max);
    return outcome;
}

Settled make_settled(const std::string& intent, Took took, const std::string& detail) {
    Settled settled;
    settled.intent = intent;
    settled.took = took;
    settled.detail = sanitize(detail, detail_bytes_max);
    return settled;
}

OutcomeKind judge_mutation(const stack::Problem& problem) {
    if (!problem.sent) {
        return OutcomeKind::failed;
    }
    // A no is a no, also where its body was cut. 408 says that the target gave up waiting for us,
    // not that it did nothing.
    const int status = problem.status != 0 ? problem.status : problem.heard;
    const bool refused = status >= 300 && status < 500 && status != 408;
    return refused ? OutcomeKind::failed : OutcomeKind::unknown;
}

std::string describe_mutation(const stack::Problem& problem) {
    return problem.sent ? problem.detail : "nothing was sent: " + problem.detail;
}

std::string param(const Plan& plan, const std::string& name) {
    const auto found = plan.params.find(name);
    return found == plan.params.end() ? std::string{} : found->second;
}

Observation make_look(const Plan& plan, Now seen) {
    Observation look;
    look.subject = plan.subject;
    look.probe = "lever:" + plan.lever;
    look.seen = seen;
    return look;
}

}  // namespace leverd::levers
