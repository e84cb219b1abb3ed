// Why: a person is called when leverd cannot or must not handle it alone, once per group of cases,
// with the next step in the text; an outage with a working lever pages nobody.
#pragma once

#include "policies/work.hpp"

namespace leverd {

// Opens, moves on and resolves pages so that they say what is true now.
void settle_pages(Work& work);

}  // namespace leverd
