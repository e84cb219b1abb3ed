// Why: a subject that fails and works by turns is another trouble than one that is down, and who is
// called must read so: a look at any one moment may find it well.
#pragma once

#include "policies/engine.hpp"
#include "policies/state.hpp"

#include <string>

namespace leverd {

// "goes up and down, 7 times in 10m"; empty: it does not.
std::string up_and_down(const Rules& rules, const State& state, const Subject& subject);

// The number grows with every turn; that alone is no news.
bool differ_in_number_only(const std::string& text, const std::string& other);

// Behind the title of a page about such a subject. It has no number, so that the title stays.
inline constexpr std::string_view goes_up_and_down = ", goes up and down";
std::string steady_title(std::string title);

}  // namespace leverd
