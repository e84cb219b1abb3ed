// Why: with a credential a hosting lever is a lever, without one it is a list of steps for a
// person. One id stands for both, and this decides which it is.
#pragma once

#include "policies/levers/lever.hpp"

#include <memory>

namespace leverd::levers {

using HasCredential = bool (*)(const config::Config& config);

// Plans with `real` when the configuration has its credential, else with `manual`. A plan that
// holds calls is `real`'s for its whole life, also when a reload took the credential away.
std::unique_ptr<Lever> make_by_credential(HasCredential has, std::unique_ptr<Lever> real,
                                          std::unique_ptr<Lever> manual);

}  // namespace leverd::levers
