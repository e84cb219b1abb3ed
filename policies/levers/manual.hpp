// Why: two levers of the runbook are pulled by a person. They plan numbered steps and no calls, and
// refuse to fire, whatever a policy says.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>
#include <string>

namespace leverd::levers {

using ManualPlan = Plan (*)(const LeverContract& contract, const config::Config& config,
                            Subject subject);

// `subject`: the only one this lever is about.
std::unique_ptr<Lever> make_manual_lever(LeverContract contract, std::string subject,
                                         ManualPlan plan);

}  // namespace leverd::levers
