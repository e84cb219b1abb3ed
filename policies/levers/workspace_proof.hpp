// Why: whether a workspace was replaced, and whether the new one works, is read from the tenant's
// list and the new one's activity: after an ambiguous end as well as for the verdict.
#pragma once

#include "policies/levers/lever.hpp"

#include <string>

namespace leverd::levers {

// yes: the old one is gone and one new one with its name is there (detail holds "new_id=<uuid>").
// no: the old one is still listed, `quiet` after firing. unclear: everything else.
boost::asio::awaitable<Settled> observe_replacement(Context& context, Plan plan, std::string intent,
                                                    Now fired, Millis quiet,
                                                    net::Deadline deadline);

// Healthy: the old one is gone, the new one is online and its newest answer is clean.
boost::asio::awaitable<Observation> prove_replacement(Context& context, Plan plan, Outcome outcome,
                                                      net::Deadline deadline);

}  // namespace leverd::levers
