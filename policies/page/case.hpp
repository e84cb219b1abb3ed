// Why: what one case asks of a person now, and from when on. A pure function of the case, so that
// it is asked only when the case changed or its time has come.
#pragma once

#include "policies/engine.hpp"
#include "policies/page/table.hpp"

#include <string>

namespace leverd {

struct CaseView {
    const PageRow* row = nullptr;  // null: the case is closed, there is nothing to tell
    std::string lever;
    std::string guard;             // the first that holds the lever
    std::string intent;            // at work, or the one that went wrong
    Instant due = Instant::max();  // it pages from here on
    Instant news{};                // whoever holds its page already is told of it from here on
};

CaseView view_case(const Rules& rules, const State& state, const Incident& incident);

// Of its pages: the row's own, or that of its symptom.
Severity severity_of(const Rules& rules, const Incident& incident, const PageRow& row);

// The window or veto that says that nobody is to be called about this; empty: none.
std::string mute_on(const Rules& rules, const State& state, const Subject& subject,
                    const std::string& lever, WallTime now);

// The first bad look that the case rests on.
Now first_bad(const Rules& rules, const State& state, const Incident& incident);

}  // namespace leverd
