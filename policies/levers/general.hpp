// Why: any runbook has levers that leverd does not know: one templated call, or one program. Both
// are declared in the config, and follow the same life as the built-in ones.
#pragma once

#include "core/net/process.hpp"
#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

// `settings` is one [[lever]] with a kind.
std::unique_ptr<Lever> make_general_lever(const config::LeverSettings& settings);

// The contract that such a lever declares.
LeverContract general_contract(const config::LeverSettings& settings);

// The template with {slug} and {id} of the subject; an Error when it wants one that the subject
// does not have.
Result<std::string> fill_template(const std::string& text, const Subject& subject);

// The program of such a lever for this subject, ready to be run; `observes`: the one that tells
// whether it took. An Error when the lever is not for the subject or lacks the program.
Result<net::ProcessRequest> lever_program(const config::LeverSettings& settings, bool observes,
                                          const Subject& subject);

}  // namespace leverd::levers
