// Why: the guards that count, what was fired before and what is in flight, against the limits of
// the policy.
#pragma once

#include "policies/guards.hpp"

namespace leverd {

GuardVerdict attempts_left(const GuardInput& in);
GuardVerdict cooled_down(const GuardInput& in);
GuardVerdict within_budget(const GuardInput& in);
GuardVerdict within_blast_radius(const GuardInput& in);
GuardVerdict no_storm(const GuardInput& in);

}  // namespace leverd
