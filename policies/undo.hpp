// Why: a lever that made things worse is taken back at most once and only where the policy says
// so; in any case the subject is frozen and a person is called. leverd never goes back and forth.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// After the verdict `worse`: freezes the subject and calls a person.
void begin_undo(Work& work, const Intent& worse);

// Asks for the inverse's plan while one is still wanted.
void settle_undo(Work& work);

// The inverse's plan is there: fires it, unless something that holds every call holds it.
void fire_undo(Work& work, const PlanResult& result);

}  // namespace leverd
