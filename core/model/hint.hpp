// Why: an event from outside is never evidence. All it may do is wake a look, and this is the whole
// of what it may say: which probe kind, at which target.
#pragma once

#include <compare>
#include <string>

namespace leverd {

struct Hint {
    std::string probe;   // a probe kind; one that does not run is nobody's wish
    std::string target;  // as in the scheduler: "acme", "" where there is one, "*" for all of them

    friend auto operator<=>(const Hint&, const Hint&) = default;
};

}  // namespace leverd
