// Why: a guard's name is stored, shown and asked for in several places; each spells it by one of
// these, so that renaming one cannot silently change who is called.
#pragma once

#include <string_view>

namespace leverd::guard_name {

inline constexpr std::string_view stop_switch = "stop_switch";
inline constexpr std::string_view daemon_ready = "daemon_ready";
inline constexpr std::string_view history = "history";
inline constexpr std::string_view observer = "observer";
inline constexpr std::string_view evidence = "evidence";
inline constexpr std::string_view subject_allowed = "subject_allowed";
inline constexpr std::string_view window = "window";
inline constexpr std::string_view freeze = "freeze";
inline constexpr std::string_view veto = "veto";
inline constexpr std::string_view explained = "explained";
inline constexpr std::string_view flapping = "flapping";
inline constexpr std::string_view dwell = "dwell";
inline constexpr std::string_view mode = "mode";
inline constexpr std::string_view attempts = "attempts";
inline constexpr std::string_view in_flight = "in_flight";
inline constexpr std::string_view cool_down = "cool_down";
inline constexpr std::string_view budget = "budget";
inline constexpr std::string_view blast_radius = "blast_radius";
inline constexpr std::string_view storm = "storm";
inline constexpr std::string_view precondition = "precondition";
inline constexpr std::string_view approval = "approval";

// Reasons of a decision that are no guard's.
inline constexpr std::string_view permitted = "permitted";
inline constexpr std::string_view rejected = "rejected";
inline constexpr std::string_view no_lever = "no_lever";

}  // namespace leverd::guard_name
