// Why: the word of every entry kind, in the order of EntryBody's alternatives. Private to
// core/model.
#pragma once

#include "core/model/entry.hpp"

#include <array>
#include <string_view>
#include <type_traits>
#include <variant>

namespace leverd {

inline constexpr std::array<std::string_view, 33> entry_kinds{
    "started",
    "config",
    "observation",
    "symptom_raised",
    "symptom_cleared",
    "incident_opened",
    "incident_linked",
    "incident_closed",
    "incident_escalated",
    "plan",
    "decision",
    "approval",
    "intent",
    "outcome",
    "settled",
    "verdict",
    "stop",
    "observer",
    "page",
    "veto",
    "veto_lifted",
    "flapping",
    "breaker",
    "autonomy",
    "diagnosed",
    "known_good",
    "page_joined",
    "acknowledged",
    "snapshot",
    "compaction",
    "history_doubted",
    "history_accepted",
    "blind",
};
static_assert(entry_kinds.size() == std::variant_size_v<EntryBody>);
static_assert(std::is_same_v<std::variant_alternative_t<2, EntryBody>, Observed>);
static_assert(std::is_same_v<std::variant_alternative_t<9, EntryBody>, PlanMade>);
static_assert(std::is_same_v<std::variant_alternative_t<12, EntryBody>, Intent>);
static_assert(std::is_same_v<std::variant_alternative_t<18, EntryBody>, Paged>);
static_assert(std::is_same_v<std::variant_alternative_t<23, EntryBody>, AutonomyChanged>);
static_assert(std::is_same_v<std::variant_alternative_t<25, EntryBody>, KnownGood>);
static_assert(std::is_same_v<std::variant_alternative_t<26, EntryBody>, PageJoined>);
static_assert(std::is_same_v<std::variant_alternative_t<27, EntryBody>, Acknowledged>);
static_assert(std::is_same_v<std::variant_alternative_t<32, EntryBody>, BlindChanged>);

}  // namespace leverd
