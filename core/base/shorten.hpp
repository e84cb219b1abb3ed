// Why: a text for people says what was seen first and what to do last; where it has to be shorter,
// the middle goes, never the next step.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace leverd {

// Sanitized, at most `limit` bytes: the beginning, "...", and whole sentences of the end, from
// "Next: " on at the latest.
std::string shorten(std::string_view untrusted, std::size_t limit);

}  // namespace leverd
