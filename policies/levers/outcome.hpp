// Why: what an ended call means for production is judged once, for all levers: nothing sent, said
// no for certain, or nobody knows. Doubt is always `unknown`.
#pragma once

#include "core/model/entry.hpp"
#include "core/stack/call.hpp"

#include <string>

namespace leverd::levers {

constexpr std::size_t detail_bytes_max = 1024;

Outcome make_outcome(const std::string& intent, OutcomeKind kind, const std::string& detail);
Settled make_settled(const std::string& intent, Took took, const std::string& detail);

// A mutating call that was not answered as it should be: `failed` when nothing was sent or the
// target refused with 3xx or 4xx; `unknown` when it was sent and the answer was lost, 408, 5xx or
// not understood.
OutcomeKind judge_mutation(const stack::Problem& problem);
// The problem's words, with "nothing was sent" in front when that is certain.
std::string describe_mutation(const stack::Problem& problem);

// A parameter of the plan; empty when it has none of that name.
std::string param(const Plan& plan, const std::string& name);

// What a look at a hosting provider comes to, before it is one.
struct Seen {
    Health health = Health::unknown;
    Reason reason = Reason::proof_missing;
    Origin origin = Origin::target;
    std::string words;
};

// A lever's own look for the verdict.
Observation make_look(const Plan& plan, Now seen);

}  // namespace leverd::levers
