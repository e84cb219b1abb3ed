// Why: what moved in this turn and what is due by time, so that the page stage looks at nothing
// else.
#pragma once

#include "policies/work.hpp"

#include <set>
#include <string>

namespace leverd {

struct Moved {
    std::set<std::string> cases;
    std::set<std::string> pages;  // keys
    bool standing = false;        // what leverd tells of itself may have changed
};

// By what changed since the last turn, and by time.
Moved what_moved(Work& work);

void await_case(PageDesk& desk, const std::string& id, PageDesk::Waiting waiting);
void forget_case(PageDesk& desk, const std::string& id);
// Instant::max(): only an entry moves it.
void schedule_page(PageDesk& desk, const std::string& key, Instant at);

}  // namespace leverd
