// Why: the third stage. One cause, one incident: a symptom below an active one belongs to that
// one's incident, and an incident whose cause turns out to have a cause moves up and withdraws what
// it proposed.
#pragma once

#include "policies/work.hpp"

namespace leverd {

void settle_incidents(Work& work);

// Closes incidents whose cause is gone and whose levers are judged.
void close_incidents(Work& work);

bool has_lever_at_work(const State& state, const Incident& incident);

}  // namespace leverd
