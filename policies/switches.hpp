// Why: what a person switched off "for two hours" must come back by itself, on leverd's own
// timeline, so that no step of the wall clock and no restart shortens it.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// Who set the stop switch when a file did (daemon.stop_file).
inline constexpr const char* by_stop_file = "stop file";

// Lifts the stop switch and the vetoes whose time is over.
void settle_switches(Work& work);

// The veto that holds this lever on this subject; null: none.
const Veto* veto_on(const State& state, const Subject& subject, const std::string& lever);

// Holds every lever on exactly this subject until a person lifts it.
void freeze_subject(Work& work, const Subject& subject, std::string why);

}  // namespace leverd
