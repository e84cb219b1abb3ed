// Why: one entry of every kind with every member set, shared by the tests of codec and ledger.
#pragma once

#include "core/model/entry.hpp"

#include <vector>

namespace leverd::test {

Observation example_observation();
Plan example_plan();
std::vector<EntryBody> example_bodies();  // in the order of EntryBody's alternatives

}  // namespace leverd::test
