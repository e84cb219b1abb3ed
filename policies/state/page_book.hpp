// Why: which case is told by which page. Only apply calls these that change it.
#pragma once

#include "policies/state.hpp"

#include <cstdint>
#include <string_view>

namespace leverd {

// The 12 of "i-12"; 0: the key is none of those.
std::int64_t number_in_key(std::string_view key, std::string_view prefix);

// A version of a page was made.
void keep_page(State& state, const Paged& page, Instant now);
// The case belongs to this page from now on, and to no other.
void join_page(State& state, const PageJoined& joined, Instant now);
void leave_group(State& state, const std::string& incident);
// The case is over; its page may have others.
void close_in_group(State& state, const std::string& incident, Now now);

}  // namespace leverd
