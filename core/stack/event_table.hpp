// Why: which look an event wakes, in one table, so that a new event is one row.
#pragma once

#include "core/stack/webhook.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

// What an event is about, as far as it says; checked before it gets here.
struct EventScope {
    std::string tenant;      // a slug
    std::string repository;  // of an image
};

// `name`: the event's own name. Without duplicates; empty for an event that wakes nothing.
std::vector<Hint> hints_for(EventSource source, std::string_view name, const EventScope& scope);

}  // namespace leverd::stack
