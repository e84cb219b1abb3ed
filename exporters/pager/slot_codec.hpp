// Why: what the outbox keeps of a slot over restarts, as text. A row that cannot be read costs a
// page that comes twice, never one that does not come.
#pragma once

#include "core/model/entry.hpp"

#include <optional>
#include <string>

namespace leverd::exporters {

struct KeptSlot {
    std::optional<Paged> accepted;
    std::optional<Paged> waiting;
    std::optional<Now> waiting_since;
    Instant changed{};
};

std::string slot_to_json(const KeptSlot& slot);
std::optional<KeptSlot> slot_from_json(const std::string& text);

std::string known_since_to_json(WallTime since);
std::optional<WallTime> known_since_from_json(const std::string& text);

}  // namespace leverd::exporters
