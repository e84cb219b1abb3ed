// Why: members of groups are counted as they change, not when a group is asked about.
#pragma once

#include "policies/engine.hpp"

namespace leverd {

// `above`: what stands above the member; its run of this signal `was` tripped and is `raised` now.
void tally_run(const Rules& rules, State& state, const RunKey& key, const Family& above, bool was,
               bool raised);
// All its runs, in or out of the groups that `above` names.
void tally_member(const Rules& rules, State& state, const Subject& subject,
                  const SubjectState& held, const Family& above, bool in);
// Its newest look of this signal's probe.
void tally_seen(const Rules& rules, State& state, const RunKey& key, Instant seen);
// The subject came in sight or went out of it.
void tally_sight(const Rules& rules, State& state, const Subject& subject, const Family& above,
                 bool visible);
// Counts the subject among the members of other groups, good or not; taken out with `known` false.
void tally_peer(const Rules& rules, State& state, const Subject& subject, SubjectState& held,
                const Family& above, bool known);
// Members that are no longer recent.
void tally_expired(const Rules& rules, State& state, const SymptomKey& key, Instant now);

// The first of this kind in the list; empty when there is none.
Subject of_kind(const Family& above, std::string_view kind);
const Symptom* group_row(const Rules& rules, const std::string& id);

}  // namespace leverd
