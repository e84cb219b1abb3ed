// Why: a start must not fold years of entries. Everything durable in the state is written as text
// and read back; equal states give equal bytes, so that a test can compare them. Each struct is
// taken apart by name: a member that is added does not compile before it stands here.
#pragma once

#include "core/base/result.hpp"
#include "policies/state.hpp"
#include "policies/state/chronicle.hpp"

#include <string>
#include <string_view>

namespace leverd {

// One line of JSON for each member, and for each element of a large one.
std::string encode_state(const State& state);

// What a start takes from a snapshot: the state and what else was told from all entries before.
std::string encode_snapshot(const State& state, const Chronicle& chronicle);

// A member that the text lacks keeps its default: it was added later. A member that is not known
// here is an Error.
Result<void> decode_snapshot(std::string_view text, State& state, Chronicle& chronicle);

}  // namespace leverd
