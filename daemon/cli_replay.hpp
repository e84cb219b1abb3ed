// Why: policy is tried before it is trusted: on scenarios, and on what really happened. Both verbs
// need no daemon, no network and no credentials, and change nothing.
#pragma once

#include "core/base/result.hpp"
#include "core/model/entry.hpp"
#include "daemon/cli_verbs.hpp"
#include "policies/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leverd::cli {

struct TestOptions {
    std::vector<std::string> scenarios;
    std::string config;           // wins over the one that a scenario names
    std::string fallback_config;  // when neither names one
    bool json = false;
};
// Exit::ok all pass, Exit::failed some do not, Exit::config a file is bad.
Report test_scenarios(const TestOptions& options);

struct ReplayOptions {
    std::string config;
    std::string policies;       // a file of [[policy]] and [[window]] instead of the config's
    std::string runbook;        // the same for the runbook's part
    std::string state;          // directory; empty: the config's
    std::string ledger_export;  // file of `ledger export`; wins over `state`
    std::string since;          // "30d", counted back from the newest entry; empty: everything
    bool json = false;
};
Report replay_ledger(const ReplayOptions& options);

// One line of JSON for each entry: sequence, at_ms, wall_ms, kind, body.
Report export_ledger(const std::string& directory);

// Entries of a state directory or of an export.
struct Recorded {
    std::vector<Entry> entries;
    std::optional<State> before;  // what entries said that are no longer kept
    std::string missing;          // which ones these are, for people; empty: none
};
Result<Recorded> read_state(const std::string& directory);
Result<Recorded> read_export(const std::string& file);

int print_report(const Report& report);

}  // namespace leverd::cli
