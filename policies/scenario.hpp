// Why: policy as tested code. A scenario is played to the pure engine in virtual time, and what was
// decided is held against what was expected. No clock, no network, no credentials.
#pragma once

#include "core/base/result.hpp"
#include "core/model/scenario.hpp"
#include "policies/engine.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace leverd {

struct ScenarioFailure {
    ScenarioPlace place;
    std::string expected;              // in words
    std::vector<std::string> instead;  // the nearest things that did happen
};

struct ScenarioResult {
    std::vector<ScenarioFailure> failures;
    std::vector<Entry> ledger;  // what the engine wrote; instants as in scenario_start
    Millis lasted{0};
    int checked = 0;  // expectations
    bool ok() const { return failures.empty(); }
};

// Where the engine's timeline stands when a scenario begins.
constexpr Instant scenario_start = at_millis(1'000'000);

// The rules with the scenario's [what_if] applied. An Error names the policy that does not exist.
Result<Rules> apply_what_if(Rules rules, const ScenarioWhatIf& what_if);

// Names in the scenario that these rules do not have: an expectation about them would say nothing.
std::vector<std::pair<ScenarioPlace, Error>> unknown_names(const Scenario& scenario,
                                                           const Rules& rules);

// `reloads`: rules by the path that a `reload` names; one that is missing is not reloaded.
ScenarioResult run_scenario(const Scenario& scenario, const Rules& rules,
                            const std::map<std::string, Rules>& reloads = {});

// Private to the runner: holds the ledger against the expectations.
std::vector<ScenarioFailure> check_scenario(const Scenario& scenario,
                                            const std::vector<Entry>& ledger, Millis lasted);

}  // namespace leverd
