// Why: what every look needs: where things are, how a Problem becomes an observation, and one way
// to finish so that no observation leaves without a time, a duration and bounded evidence.
#pragma once

#include "core/stack/call.hpp"
#include "core/stack/control_plane.hpp"
#include "core/stack/tenant.hpp"
#include "probes/looks.hpp"

namespace leverd::probes {

// The secret of that name, or an empty one.
Secret secret_of(const Context& context, const std::string& name);

stack::ControlPlaneAccess control_plane_access(const Context& context);
// With the org id from the inventory and without a token.
stack::TenantAccess tenant_access(const Context& context, const std::string& slug);

// The tenant passes the include and exclude globs.
bool is_watched(const config::Tenants& tenants, const std::string& slug);
// It is time to ask the tenant again what it runs.
bool build_is_due(const Context& context, const std::string& slug);
std::vector<std::string> watched_tenants(const Context& context);
std::vector<std::string> single_target(const Context& context);

Observation observation(Subject subject, const Task& task, Health health, Reason reason,
                        std::string evidence);
// failing, or unknown where the answer only says that we cannot judge (invariant 4).
Health health_of(const stack::Problem& problem);
Observation from_problem(const stack::Problem& problem, Subject subject, const Task& task);
// The same reason, but always unknown: the trouble is the parent's, not this subject's.
Observation cannot_judge(const stack::Problem& problem, Subject subject, const Task& task);

// The next step of one look shows its own phases; the observation sums them.
void add_phases(Phases& sum, const Phases& part);

// Stamps time and duration, sanitizes and caps the evidence.
Observations finish(const Context& context, const Now& started, Observations observations);

}  // namespace leverd::probes
