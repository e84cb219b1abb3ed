// Why: two levers prove themselves by a workspace that is online and answers cleanly; what its
// status and its newest answer mean is judged here for both.
#pragma once

#include "core/stack/tenant.hpp"
#include "policies/levers/lever.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leverd::levers {

inline constexpr int activity_rows = 50;

const stack::Workspace* find_id(const stack::WorkspaceList& list, const std::string& id);

void say(Observation& look, Health health, Reason reason, const std::string& evidence);
void say(Observation& look, const stack::Problem& problem);

// True when the status alone settles the look: it is not online. `who` begins the evidence, as in
// "the new one, <id>,".
bool judge_status(Observation& look, const stack::Workspace& row, const std::string& who);

// Judges the newest request at or after `since` (nullopt: of all); `clean` is the evidence when it
// was answered well.
void judge_answers(Observation& look, const std::vector<stack::ActivityRow>& rows,
                   std::optional<WallTime> since, const std::string& who, const std::string& clean);

}  // namespace leverd::levers
