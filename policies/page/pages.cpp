// Why: see pages.hpp. Cases first: what is told with a case needs no page of its own.
#include "policies/page/pages.hpp"

#include "policies/page/groups.hpp"
#include "policies/page/standing.hpp"

namespace leverd {

void settle_pages(Work& work) {
    group_cases(work);
    settle_groups(work);
    settle_standing(work);
}

}  // namespace leverd
