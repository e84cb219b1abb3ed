// Why: who is called, how loudly and how soon, in one table. Every guard, every state of a case and
// of leverd itself has a row; what has none cannot be told, and a test walks guards and states so
// that none is missing. The alert rules are held against this table row by row.
#pragma once

#include "core/model/policy.hpp"
#include "core/model/severity.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd {

// What a row speaks about.
enum class PageScope {
    held,      // a case whose lever this guard holds
    incident,  // a case in this state
    standing,  // leverd itself, seen by the engine
    reported,  // leverd itself, told by the daemon (SelfReport)
    rule,      // an alert rule alone: leverd cannot, or need not, say it itself
};

// The time that a state is allowed by what is configured, before its grace begins.
enum class PageLimit {
    none,
    dwell,     // of the symptom
    observer,  // the dwell of the observer
    lever,     // a call, its propagation and its proof
};

struct PageRow {
    std::string_view state;
    PageScope scope = PageScope::standing;
    bool pages = true;                 // false: no silence either, somebody is on it or said "only
                                       // watch"
    std::optional<Severity> severity;  // none: that of the symptom
    Millis grace{0};
    PageLimit limit = PageLimit::none;
    std::string_view alert;  // its name in leverd.rules.yml and its section in docs/alerts.md
};

namespace page_state {

inline constexpr std::string_view at_work = "at_work";
inline constexpr std::string_view planning = "planning";
inline constexpr std::string_view observed = "observed";
inline constexpr std::string_view rejected = "rejected";
inline constexpr std::string_view escalated = "escalated";
inline constexpr std::string_view no_lever = "no_lever";
inline constexpr std::string_view outcome_unknown = "outcome_unknown";
inline constexpr std::string_view not_done = "not_done";
inline constexpr std::string_view lost = "lost";
inline constexpr std::string_view recommended = "held/mode";
inline constexpr std::string_view unheard = "observer_unheard";
inline constexpr std::string_view approval = "held/approval";

inline constexpr std::string_view observer = "observer";
inline constexpr std::string_view breaker = "breaker";
inline constexpr std::string_view blind = "blind";
inline constexpr std::string_view flapping = "flapping";
inline constexpr std::string_view stop = "stop";
inline constexpr std::string_view frozen = "frozen";
inline constexpr std::string_view autonomy = "autonomy";
inline constexpr std::string_view ledger_unwritable = "ledger_unwritable";
inline constexpr std::string_view no_history = "no_history";

}  // namespace page_state

const std::vector<PageRow>& page_table();

// Null: no such row.
const PageRow* page_row(std::string_view state);

// As this box is configured.
Millis grace_of(const PageRow& row, const PageRules& rules);

// "held/cool_down": the row of a guard.
std::string held_state(std::string_view guard);

}  // namespace leverd
