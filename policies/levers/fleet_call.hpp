// Why: the redeploy of several tenants is one call with one answer row per slug. What is sent, and
// what each row means, is kept apart from when it may be sent.
#pragma once

#include "core/model/lever.hpp"
#include "core/net/http.hpp"
#include "core/stack/call.hpp"
#include "policies/levers/lever.hpp"

#include <string>
#include <vector>

namespace leverd::levers {

// One call redeploys at most so many; the whole of it has to fit into one patient wait.
inline constexpr std::size_t fleet_max = 10;

// The exact request (wire-contracts 1.5). `slugs` are slugs, the first one is the canary. It never
// says confirm:true, which would mean every tenant there is.
net::HttpRequest fleet_request(const Context& context, const std::vector<std::string>& slugs,
                               const std::string& tag, bool dry_run);

// What the dry run's answer allows. An older control plane that does not know `only_slugs` would
// redeploy everybody; its own rows tell beforehand.
// accepted: exactly our slugs would be redeployed. refused: anything else that for certain changed
// nothing. unknown: a row that is no dry run, or no answer of the control plane.
struct FleetAnswer {
    OutcomeKind kind = OutcomeKind::unknown;
    std::string detail;  // one word group per slug
};
FleetAnswer judge_dry_run(const stack::Read<net::HttpResponse>& answer,
                          const net::HttpRequest& request, const std::vector<std::string>& slugs);

// accepted: a good row for each slug and no ok:false. failed: a bad row for each of them. All else,
// also a rollout that ended half way, is unknown.
FleetAnswer judge_fleet(const stack::Read<net::HttpResponse>& answer,
                        const net::HttpRequest& request, const std::vector<std::string>& slugs);

}  // namespace leverd::levers
