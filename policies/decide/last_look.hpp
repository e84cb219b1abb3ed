// Why: a target may heal after the look that a lever would be fired upon: while a person was asked,
// while a switch was set, or just between two looks. So what a case rests on is looked at once more
// before the intent is written; only a look that still shows it permits the call.
#pragma once

#include "policies/work.hpp"

namespace leverd {

enum class LastLookAnswer {
    shows_it,  // a look of this moment still shows what the row is about
    awaited,   // asked for; nothing is decided until it is there
    missing,   // it was waited for in vain: the case is held, and says so
};

// Asks for the looks that are wanting. `again`: brought down to when time alone changes the answer.
LastLookAnswer ask_last_look(Work& work, const Incident& incident, const Symptom& symptom,
                             Instant& again);

// Something else holds the case now, or it is over: what was seen until then permits nothing.
void forget_last_look(Transient& transient, const std::string& incident);

// A look arrived: the cases that wait for it are decided anew.
void note_last_look(Work& work, const Subject& subject);

}  // namespace leverd
