// Why: see table.hpp.
#include "policies/page/table.hpp"

#include <algorithm>

namespace leverd {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Scope = PageScope;
using Limit = PageLimit;

constexpr std::optional<Severity> of_symptom{};
constexpr bool pages = true;
constexpr bool quiet = false;

constexpr std::string_view by_case = "LeverdSymptomWithoutWorkingLever";

// A hold that ends by itself has the time that it usually takes; one that does not has none.
std::vector<PageRow> held_rows() {
    std::vector<PageRow> rows;
    const auto add = [&](std::string_view state, Millis grace, Limit limit = Limit::none) {
        rows.push_back({state, Scope::held, pages, of_symptom, grace, limit, by_case});
    };
    add("held/stop_switch", seconds{0});
    add("held/daemon_ready", minutes{1});
    add("held/history", seconds{0});
    add("held/observer", minutes{5}, Limit::observer);
    add("held/evidence", minutes{5});
    add("held/subject_allowed", seconds{0});
    add("held/window", seconds{0});
    add("held/freeze", seconds{0});
    add("held/veto", seconds{0});
    add("held/explained", minutes{5});
    add("held/flapping", minutes{2});
    add("held/dwell", minutes{1}, Limit::dwell);
    add(page_state::recommended, seconds{0});
    add("held/attempts", seconds{0});
    add("held/in_flight", minutes{5}, Limit::lever);
    add("held/cool_down", seconds{0});
    add("held/budget", seconds{0});
    add("held/blast_radius", seconds{0});
    add("held/storm", minutes{1});
    add("held/precondition", minutes{1});
    add(page_state::approval, seconds{0});
    return rows;
}

const std::vector<PageRow>& other_rows() {
    constexpr auto critical = Severity::critical;
    constexpr auto warning = Severity::warning;
    constexpr auto info = Severity::info;
    namespace s = page_state;
    static const std::vector<PageRow> rows{
        // An outage with a working lever pages nobody, within the limits of the lever.
        {s::at_work, Scope::incident, pages, of_symptom, minutes{5}, Limit::lever, by_case},
        {s::planning, Scope::incident, pages, of_symptom, minutes{2}, Limit::dwell, by_case},
        // The observer is trusted, and too few reference points were heard to vouch for a lever.
        {s::unheard, Scope::incident, pages, of_symptom, minutes{1}, Limit::none, by_case},
        {s::observed, Scope::incident, quiet, of_symptom, {}, Limit::none, {}},
        {s::rejected, Scope::incident, pages, of_symptom, seconds{0}, Limit::none, by_case},
        {s::escalated, Scope::incident, pages, of_symptom, seconds{0}, Limit::none, by_case},
        {s::no_lever, Scope::incident, pages, of_symptom, seconds{0}, Limit::none, by_case},
        {s::outcome_unknown, Scope::incident, pages, critical, minutes{1}, Limit::none, by_case},
        {s::not_done, Scope::incident, pages, critical, seconds{0}, Limit::none, by_case},
        {s::lost, Scope::incident, pages, critical, seconds{0}, Limit::none, by_case},

        {s::observer, Scope::standing, pages, warning, minutes{5}, Limit::none,
         "LeverdObserverInDoubt"},
        {s::breaker, Scope::standing, pages, warning, minutes{5}, Limit::none,
         "LeverdStormBreakerOpen"},
        {s::flapping, Scope::standing, pages, warning, minutes{5}, Limit::none, "LeverdFlapping"},
        {s::stop, Scope::standing, pages, warning, hours{24}, Limit::none,
         "LeverdStopSwitchForgotten"},
        {s::frozen, Scope::standing, pages, warning, seconds{0}, Limit::none,
         "LeverdFrozeASubject"},
        {s::autonomy, Scope::standing, pages, warning, seconds{0}, Limit::none,
         "LeverdAutonomyLost"},
        {s::ledger_unwritable, Scope::standing, pages, critical, minutes{1}, Limit::none,
         "LeverdLedgerUnwritable"},

        // What was told before the history was lost keeps the severity that it had.
        {s::no_history, Scope::standing, pages, critical, seconds{0}, Limit::none,
         "LeverdHistoryLost"},

        // The daemon has its own patience with these, where it needs one.
        {"config_refused", Scope::reported, pages, warning, minutes{5}, Limit::none,
         "LeverdConfigReloadFailed"},
        {"stop_unreadable", Scope::reported, pages, critical, minutes{1}, Limit::none,
         "LeverdStopUnreadable"},
        {"history_lost", Scope::reported, pages, critical, seconds{0}, Limit::none,
         "LeverdHistoryLost"},
        {s::blind, Scope::standing, pages, critical, minutes{5}, Limit::none, "LeverdBlind"},
        {"task_ended", Scope::reported, pages, critical, seconds{0}, Limit::none,
         "LeverdTaskEnded"},

        {"absent", Scope::rule, pages, critical, minutes{2}, Limit::none, "LeverdAbsent"},
        {"loop_stalled", Scope::rule, pages, critical, minutes{1}, Limit::none,
         "LeverdLoopStalled"},
        {"not_ready", Scope::rule, pages, warning, minutes{10}, Limit::none, "LeverdNotReady"},
        {"did_not_help", Scope::rule, pages, info, seconds{0}, Limit::none,
         "LeverdLeverDidNotHelp"},
        {"pages_undelivered", Scope::rule, pages, critical, minutes{2}, Limit::none,
         "LeverdPagesUndelivered"},
        {"outbox_unwritable", Scope::rule, pages, warning, minutes{5}, Limit::none,
         "LeverdOutboxUnwritable"},
        {"probes_silent", Scope::rule, pages, warning, minutes{5}, Limit::none,
         "LeverdProbesSilent"},
        {"events_dropped", Scope::rule, pages, warning, seconds{0}, Limit::none,
         "LeverdEventsDropped"},
        {"restarting", Scope::rule, pages, warning, seconds{0}, Limit::none, "LeverdRestarting"},
        {"stop_set", Scope::rule, pages, info, hours{4}, Limit::none, "LeverdStopSwitchSet"},
        {"veto_old", Scope::rule, pages, info, minutes{5}, Limit::none, "LeverdVetoOld"},
        {"restart_needed", Scope::rule, pages, warning, hours{1}, Limit::none,
         "LeverdConfigRestartNeeded"},
        {"doors_full", Scope::rule, pages, warning, minutes{5}, Limit::none, "LeverdDoorsFull"},
        {"series_cut", Scope::rule, pages, warning, minutes{10}, Limit::none, "LeverdSeriesCut"},
        {"tokens_guessed", Scope::rule, pages, warning, seconds{0}, Limit::none,
         "LeverdTokensGuessed"},
        // Fires always; that it stops is the alarm.
        {"dead_mans_switch", Scope::rule, quiet, {}, {}, Limit::none, "LeverdDeadMansSwitch"},
    };
    return rows;
}

}  // namespace

const std::vector<PageRow>& page_table() {
    static const std::vector<PageRow> table = [] {
        auto rows = held_rows();
        rows.insert(rows.end(), other_rows().begin(), other_rows().end());
        return rows;
    }();
    return table;
}

const PageRow* page_row(std::string_view state) {
    const auto found = std::ranges::find(page_table(), state, &PageRow::state);
    return found == page_table().end() ? nullptr : &*found;
}

Millis grace_of(const PageRow& row, const PageRules& rules) {
    return row.grace * rules.grace_percent / 100;
}

std::string held_state(std::string_view guard) {
    return "held/" + std::string(guard);
}

}  // namespace leverd
