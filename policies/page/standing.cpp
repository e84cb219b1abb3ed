// Why: see standing.hpp.
#include "policies/page/standing.hpp"

#include "policies/detect/blind.hpp"
#include "policies/guard_names.hpp"
#include "policies/page/forgotten.hpp"
#include "policies/page/groups.hpp"
#include "policies/page/table.hpp"
#include "policies/page/text.hpp"
#include "policies/page/up_and_down.hpp"
#include "policies/switches.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <map>

namespace leverd {
namespace {

// Graces and clearing times are no finer than this.
constexpr Millis look_every{1'000};
constexpr auto autonomy_shown = std::chrono::hours{1};

struct Standing {
    std::string_view state;
    Now since;
    std::string title;
    std::string text;
    Subject subject;
};
using StandingPages = std::map<std::string, Standing>;  // by key

std::string reported_title(const std::string& row, const std::string& about) {
    const std::string title = row == "config_refused"    ? "the configuration was refused"
                              : row == "stop_unreadable" ? "the stop file cannot be read"
                              : row == "history_lost"    ? "leverd's own history is in doubt"
                              : row == "task_ended"      ? "a part of leverd ended by an error"
                                                         : row;
    return about.empty() ? title : title + ": " + about;
}

bool is_open(const State& state, const std::string& key) {
    return state.book.open.contains(key);
}

// The cases that the breaker holds are told by name; then the breaker itself is in their text.
bool breaker_is_told(const State& state) {
    return std::ranges::any_of(state.book.open, [&](const auto& key) {
        const auto& page = state.pages.at(key);
        return page.status == PageStatus::firing && page.guard == guard_name::storm;
    });
}

void leverd_itself(Work& work, StandingPages& wanted) {
    const auto& state = work.state;
    if (!state.observer.trusted) {
        wanted["observer"] = {page_state::observer,
                              state.observer.since,
                              "leverd doubts its own view",
                              state.observer.why +
                                  ". No lever fires and no target is called down until it passes. "
                                  "Next: check this box's network and clock",
                              {}};
    }
    if (state.breaker.phase == BreakerPhase::open &&
        (is_open(state, "breaker") || !breaker_is_told(state))) {
        wanted["breaker"] = {page_state::breaker,
                             state.breaker.since,
                             "the storm breaker is open",
                             state.breaker.why +
                                 ". New levers are held until it is quiet; looking, proving and "
                                 "closing go on. Next: leverd incidents --open",
                             {}};
    }
    if (state.stop.stopped && state.stop.until == Instant{}) {
        wanted["stop"] = {page_state::stop,
                          state.stop.since,
                          "the stop switch has been set for more than a day",
                          fmt::format("by {}: {}. Next: {} set it again with --for to say until "
                                      "when",
                                      state.stop.who, state.stop.why,
                                      state.stop.who == by_stop_file
                                          ? "remove that file, then, if levers are to wait longer,"
                                          : "leverd resume, or"),
                          {}};
    }
    if (!state.ledger_writable) {
        const auto first =
            work.transient.desk.since.try_emplace("ledger_unwritable", work.now).first->second;
        wanted["ledger_unwritable"] = {page_state::ledger_unwritable,
                                       first,
                                       "leverd cannot write its ledger",
                                       "It goes on looking and fires nothing. Next: free space or "
                                       "mend the state directory; it "
                                       "recovers by itself when commits work again",
                                       {}};
    } else {
        work.transient.desk.since.erase("ledger_unwritable");
    }
    for (const auto& [key, report] : state.self_reports) {
        const auto& [row, about] = key;
        wanted[about.empty() ? row : row + "/" + about] = {
            row, report.since, reported_title(row, about), report.why, Subject{about}};
    }
}

void what_it_holds(Work& work, StandingPages& wanted) {
    const auto& state = work.state;
    // Each subject has one page: what is told of it already is not told again.
    const auto told_otherwise = [&](const Subject& subject, const std::string& key) {
        const auto open = open_page_of(state, subject);
        return !open.empty() && open != key;
    };
    for (const auto& [signal, subject] : state.flapping) {
        const auto key = fmt::format("{}/{}", page_state::flapping, subject.text());
        const auto first = work.transient.desk.since.try_emplace(key, work.now).first->second;
        if (!told_otherwise(subject, key)) {
            wanted[key] = {page_state::flapping, first,
                           fmt::format("{} goes up and down ({})", subject.text(), signal),
                           fmt::format("It {}. No disruptive lever fires on it until it is steady. "
                                       "{}. Next: leverd why {}",
                                       up_and_down(work.rules, state, subject), kept_of_flapping,
                                       subject.text()),
                           subject};
        }
    }
    for (const auto& [what, held] : state.blind) {
        // A row of the table that speaks about it tells it in its own words.
        if (!blindness_has_case(work.rules, state, what)) {
            wanted["blind/" + what] = {
                page_state::blind, held.since, "leverd is blind on " + what, held.why, {}};
        }
    }
    for (const auto& [id, veto] : state.vetoes) {
        const auto key = fmt::format("{}/{}", page_state::frozen, id);
        const Subject subject{veto.set.subjects};
        if (veto.set.who == own_name && !told_otherwise(subject, key)) {
            wanted[key] = {page_state::frozen, veto.since,
                           fmt::format("leverd fires nothing on {}", veto.set.subjects),
                           fmt::format("{}. Next: look at it, then leverd unveto {} --why ...",
                                       veto.set.why, id),
                           subject};
        }
    }
    for (const auto& [policy, standing] : state.autonomy) {
        if (!standing.earned && work.now.at - standing.since.at < autonomy_shown) {
            wanted[fmt::format("{}/{}", page_state::autonomy, policy)] = {
                page_state::autonomy,
                standing.since,
                fmt::format("policy {} asks a person again", policy),
                standing.why,
                {}};
        }
    }
}

void tell_standing(Work& work, const std::string& key, const Standing& one) {
    const auto* row = page_row(one.state);
    const auto before = work.state.pages.find(key);
    const bool known = before != work.state.pages.end();
    const bool firing = known && before->second.status == PageStatus::firing;
    const auto grace = row == nullptr ? Millis{0} : grace_of(*row, work.rules.policies.page);
    if (!firing && work.now.at - one.since.at < grace) {
        return;
    }
    Paged page;
    page.key = key;
    page.severity =
        row == nullptr ? Severity::critical : row->severity.value_or(Severity::critical);
    page.title = one.title;
    // How often a subject went up and down is that of the moment when it was told.
    const bool same_flaps = firing && one.state == page_state::flapping &&
                            before->second.state == one.state && before->second.title == one.title;
    page.text = same_flaps ? before->second.text
                           : fmt::format("Since {}. {}.", moment_text(one.since), one.text);
    page.state = one.state;
    page.subject = one.subject;
    page.since = firing ? before->second.since : one.since;
    page.again = firing ? before->second.again : known;
    page.times = known ? before->second.times + (firing ? 0 : 1) : 0;
    tell(work, std::move(page));
}

void end_standing(Work& work, const Paged& before) {
    auto page = before;
    if (before.status == PageStatus::firing) {
        page.status = PageStatus::recovered;
        page.ended = work.now;
        page.text = fmt::format(
            "{} It lasted {}.",
            page.state == page_state::blind
                ? "leverd can judge it again, which is no word on how it is."
                : "It passed.",
            shown_duration(std::chrono::duration_cast<Millis>(page.ended.at - page.since.at)));
        tell(work, std::move(page));
    } else if (work.now.at - before.ended.at >= work.rules.policies.page.keep_firing_for) {
        page.status = PageStatus::resolved;
        tell(work, std::move(page));
    }
}

void settle_all(Work& work) {
    StandingPages wanted;
    leverd_itself(work, wanted);
    what_it_holds(work, wanted);
    std::erase_if(work.transient.desk.since, [&](const auto& item) {
        return item.first != "ledger_unwritable" && !wanted.contains(item.first);
    });
    for (const auto& [key, one] : wanted) {
        if (!work.state.book.groups.contains(key)) {
            tell_standing(work, key, one);
        }
    }
    std::vector<std::string> open(work.state.book.open.begin(), work.state.book.open.end());
    for (const auto& key : open) {
        if (!wanted.contains(key) && !work.state.book.groups.contains(key)) {
            const Paged before = work.state.pages.at(key);
            if (before.state == page_state::no_history) {
                settle_forgotten(work, before);
            } else {
                end_standing(work, before);
            }
        }
    }
}

}  // namespace

void settle_standing(Work& work, bool told) {
    auto& next = work.transient.desk.standing_next;
    const bool due =
        told || work.now.at >= next || work.transient.desk.reported != work.state.self_reports_made;
    if (due) {
        work.transient.desk.reported = work.state.self_reports_made;
        next = work.now.at + look_every;
        settle_all(work);
    }
}

}  // namespace leverd
