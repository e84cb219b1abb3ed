// Why: see groups.hpp.
#include "policies/page/groups.hpp"

#include "policies/page/desk.hpp"
#include "policies/page/text.hpp"
#include "policies/page/up_and_down.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <optional>

namespace leverd {
namespace {

// How often a storm's page is told anew while cases come and go.
constexpr Millis storm_update{60'000};
// And any page, when nothing changed but its details: how many symptoms it explains, say.
constexpr Millis detail_update{15'000};
constexpr Millis mute_poll{30'000};
constexpr Millis flapping_poll{1'000};

const Paged* page_at(const State& state, const std::string& key) {
    const auto held = state.pages.find(key);
    return held == state.pages.end() ? nullptr : &held->second;
}

bool is_open(const Paged* page) {
    return page != nullptr && page->status != PageStatus::resolved;
}

const Incident* incident_at(const State& state, const std::string& id) {
    const auto held = state.incidents.find(id);
    return held == state.incidents.end() ? nullptr : &held->second;
}

void join(Work& work, const std::string& key, const std::string& incident) {
    work.record(PageJoined{key, incident});
}

// What a person would act on is the same as before.
bool is_same_news(const Paged& before, const Paged& next) {
    return before.status == next.status && before.severity == next.severity &&
           before.title == next.title && before.muted == next.muted && before.state == next.state &&
           before.lever == next.lever && before.guard == next.guard &&
           before.incident == next.incident;
}

// The case that a person reads about first: the worst, then the newest, of those that are due.
struct Lead {
    const Incident* incident = nullptr;
    CaseView view;
    Severity severity = Severity::info;
    bool due = false;
};
std::optional<Lead> lead_of(const Work& work, const PageGroup& group) {
    std::optional<Lead> best;
    for (const auto& id : group.open) {
        const auto* incident = incident_at(work.state, id);
        if (incident == nullptr) {
            continue;
        }
        Lead lead{incident, view_case(work.rules, work.state, *incident), Severity::info, false};
        if (lead.view.row == nullptr) {
            continue;
        }
        lead.severity = severity_of(work.rules, *incident, *lead.view.row);
        lead.due = lead.view.due <= work.now.at;
        const auto rank = [](const Lead& one) {
            return std::tuple{one.due, one.severity, one.incident->opened.at, one.incident->id};
        };
        if (!best || rank(*best) < rank(lead)) {
            best = std::move(lead);
        }
    }
    return best;
}

void describe_case(const Work& work, const Lead& lead, Paged& page) {
    const auto& incident = *lead.incident;
    page.severity = lead.severity;
    page.title = case_title(work.rules, work.state, incident);
    page.title +=
        up_and_down(work.rules, work.state, incident.subject).empty() ? "" : goes_up_and_down;
    page.text = case_text(work.rules, work.state, incident, lead.view, page.since);
    page.state = lead.view.row->state;
    page.subject = incident.subject;
    page.symptom = incident.symptom;
    page.incident = incident.id;
    page.lever = lead.view.lever;
    page.guard = lead.view.guard;
}

void describe_storm(const Work& work, const PageGroup& group, const Lead& lead, Paged& page) {
    std::vector<StormMember> members;
    for (const auto& id : group.open) {
        const auto* incident = incident_at(work.state, id);
        const auto view =
            incident == nullptr ? CaseView{} : view_case(work.rules, work.state, *incident);
        if (view.row != nullptr) {
            members.push_back({incident, severity_of(work.rules, *incident, *view.row)});
        }
    }
    std::ranges::sort(members, [](const StormMember& a, const StormMember& b) {
        return std::pair{b.severity, a.incident->subject} <
               std::pair{a.severity, b.incident->subject};
    });
    const bool one_symptom = std::ranges::all_of(members, [&](const StormMember& one) {
        return one.incident->symptom == members.front().incident->symptom;
    });
    page.severity = std::max(lead.severity, members.front().severity);
    page.title =
        storm_title(work.rules, work.state, members, group.ended_by_lever + group.ended_alone);
    page.text = storm_text(work.rules, work.state, members, page.since);
    page.state = lead.view.row->state;
    page.subject = {};
    page.symptom = one_symptom ? members.front().incident->symptom : std::string{};
    page.incident = lead.incident->id;
    page.lever = {};
    page.guard = lead.view.guard;
}

// When it is to be told, if not now.
Instant fire_page(Work& work, const std::string& key, const PageGroup& group, const Lead& lead) {
    const auto* before = page_at(work.state, key);
    const bool storm = key.starts_with(storm_prefix);
    const bool firing = before != nullptr && before->status == PageStatus::firing;
    Paged page;
    page.key = key;
    if (before != nullptr) {
        // Another symptom of the subject while the first is watched: that did not come back.
        const bool same = storm || (before->subject == lead.incident->subject &&
                                    before->symptom == lead.incident->symptom);
        page.since = before->since;
        page.again = firing ? before->again : same;
        page.times = before->times + (firing || !same ? 0 : 1);
    }
    if (!firing) {
        page.since = first_bad(work.rules, work.state, *lead.incident);
    }
    if (storm) {
        describe_storm(work, group, lead, page);
    } else {
        describe_case(work, lead, page);
    }
    if (page.again) {
        page.text = fmt::format("Again: it came back {} time{}. {}", page.times,
                                page.times == 1 ? "" : "s", page.text);
    }
    const bool heard = is_open(before) && before->muted.empty();
    if (!heard) {
        page.muted =
            mute_on(work.rules, work.state, lead.incident->subject, lead.view.lever, work.now.wall);
    }
    // After a restart, each open case would be told as held by the observer and back.
    const bool moved = firing && before->state != page.state && before->incident == page.incident &&
                       before->severity >= page.severity;
    if (moved && work.now.at < lead.view.news) {
        return lead.view.news;
    }
    if (firing && differ_in_number_only(page.text, before->text)) {
        page.text = before->text;
    }
    if (firing && page.text != before->text && is_same_news(*before, page) &&
        work.now.at - before->at.at < detail_update) {
        return before->at.at + detail_update;
    }
    tell(work, std::move(page));
    return Instant::max();
}

std::vector<const Incident*> closed_of(const State& state, const PageGroup& group,
                                       const Paged& page) {
    std::vector<const Incident*> closed;
    for (const auto& id : group.closed) {
        const auto* incident = incident_at(state, id);
        if (incident != nullptr && incident->closed.at >= page.since.at) {
            closed.push_back(incident);
        }
    }
    return closed;
}

// Of many, only the newest are still held; they were counted when they closed.
std::string ending_of(const Work& work, const PageGroup& group, const Paged& before) {
    const int ended = group.ended_by_lever + group.ended_alone;
    return ended > 1 ? endings_text(group.ended_by_lever, group.ended_alone)
                     : ending_text(work.state, closed_of(work.state, group, before));
}

std::string lasted_text(const Paged& page) {
    return fmt::format(
        "It lasted {} (from {} to {})",
        shown_duration(std::chrono::duration_cast<Millis>(page.ended.at - page.since.at)),
        moment_text(page.since), moment_text(page.ended));
}

// A rule that is gone ends a case that nobody saw end.
bool ended_unseen(const Work& work, const PageGroup& group, const Paged& before) {
    return std::ranges::any_of(closed_of(work.state, group, before),
                               [](const auto* incident) { return incident->end == "rule_gone"; });
}

void recover(Work& work, const Paged& before, const PageGroup& group) {
    auto page = before;
    page.status = PageStatus::recovered;
    page.ended = group.emptied == Now{} ? work.now : group.emptied;
    page.title = steady_title(before.title);
    page.lever = {};
    page.guard = {};
    Now until = page.ended;
    until.at += work.rules.policies.page.keep_firing_for;
    until.wall += work.rules.policies.page.keep_firing_for;
    page.text =
        fmt::format("{}, watching until {}. {}. {}.",
                    ended_unseen(work, group, before) ? "Closed, and nobody saw whether it is over"
                                                      : "Recovered",
                    moment_text(until), ending_of(work, group, before), lasted_text(page));
    tell(work, std::move(page));
}

void resolve(Work& work, const Paged& before, const PageGroup& group) {
    auto page = before;
    page.status = PageStatus::resolved;
    page.ended = group.emptied.at > page.ended.at ? group.emptied : page.ended;
    page.title = steady_title(before.title);
    page.lever = {};
    page.guard = {};
    page.text = fmt::format(
        "{}. {}. {}.",
        ended_unseen(work, group, before) ? "Closed, and nobody saw whether it is over" : "Over",
        ending_of(work, group, before), lasted_text(page));
    if (page.times > 0) {
        page.text +=
            fmt::format(" It had come back {} time{}.", page.times, page.times == 1 ? "" : "s");
    }
    tell(work, std::move(page));
}

// The open case that explains what this group told of; null: none.
const Incident* cause_of(const State& state, const PageGroup& group) {
    for (const auto& id : group.closed) {
        const auto* incident = incident_at(state, id);
        for (int hops = 0; incident != nullptr && hops < 64 && !incident->absorbed_into.empty();
             ++hops) {
            incident = incident_at(state, incident->absorbed_into);
        }
        if (incident != nullptr && incident->phase != IncidentPhase::closed) {
            return incident;
        }
    }
    return nullptr;
}

// The case turned out to be the effect of another: its page goes on as that one's, or ends in the
// page that tells of it already.
bool follow_cause(Work& work, const Paged& before, const PageGroup& group) {
    const auto* cause = cause_of(work.state, group);
    if (cause == nullptr) {
        return false;
    }
    const auto told = work.state.book.keys.find(cause->id);
    if (told == work.state.book.keys.end()) {
        join(work, before.key, cause->id);
        return true;
    }
    if (told->second == before.key || !is_open(page_at(work.state, told->second))) {
        return false;
    }
    auto page = before;
    page.status = PageStatus::resolved;
    page.ended = work.now;
    page.text = fmt::format("Not over: {} explains it. Page {} tells of both from now on.",
                            case_title(work.rules, work.state, *cause), told->second);
    tell(work, std::move(page));
    return true;
}

bool any_flapping(const Work& work, const Paged& page, const PageGroup& group) {
    if (work.state.flapping.empty()) {
        return false;
    }
    return is_flapping(work.rules, work.state, page.subject) ||
           std::ranges::any_of(group.about, [&](const auto& one) {
               return is_flapping(work.rules, work.state, one.first);
           });
}

// Nothing is wrong at this moment, and the page stays: it says why. One that said "recovered" calls
// again: each failure alone may be too short to be told.
void tell_flapping(Work& work, const Paged& before) {
    const auto words = up_and_down(work.rules, work.state, before.subject);
    const bool firing = before.status == PageStatus::firing;
    if (words.empty() || (firing && before.title.ends_with(goes_up_and_down))) {
        return;
    }
    auto page = before;
    page.status = PageStatus::firing;
    page.ended = {};
    page.again = before.again || !firing;
    page.times += firing ? 0 : 1;
    page.title = steady_title(before.title) + std::string(goes_up_and_down);
    page.text = fmt::format(
        "Since {}. It {}; it may work at any one moment. No disruptive lever fires on it until it "
        "is steady. {}. Next: leverd why {}",
        moment_text(page.since), words, kept_of_flapping, page.subject.text());
    tell(work, std::move(page));
}

// When what changed is to be told, if not now.
Instant settle_group(Work& work, const std::string& key) {
    const auto found = work.state.book.groups.find(key);
    if (found == work.state.book.groups.end()) {
        return Instant::max();
    }
    const auto& group = found->second;
    const auto* page = page_at(work.state, key);
    if (!group.open.empty()) {
        const bool firing = page != nullptr && page->status == PageStatus::firing;
        if (firing && key.starts_with(storm_prefix) && work.now.at - page->at.at < storm_update) {
            return Instant::max();
        }
        const auto lead = lead_of(work, group);
        if (lead && (firing || lead->due)) {
            return fire_page(work, key, group, *lead);
        }
        return Instant::max();
    }
    if (!is_open(page)) {
        return Instant::max();
    }
    const Paged before = *page;
    if (before.status == PageStatus::firing && follow_cause(work, before, group)) {
        if (!group.open.empty()) {
            return settle_group(work, key);  // the cause is told now
        }
        return Instant::max();
    }
    if (any_flapping(work, before, group)) {
        tell_flapping(work, before);
        return Instant::max();
    }
    // A subject that stopped flapping has been watched already.
    const bool watched = work.now.at - std::max(before.ended.at, group.emptied.at) >=
                         work.rules.policies.page.keep_firing_for;
    if (watched && (before.status == PageStatus::recovered || group.emptied != Now{})) {
        resolve(work, before, group);
    } else if (before.status == PageStatus::firing) {
        recover(work, before, group);
    }
    return Instant::max();
}

// When the page moves on without any entry: cases that become due, a storm to be told anew, a mute
// that may end, the clearing time.
Instant next_move(const Work& work, const std::string& key) {
    const auto found = work.state.book.groups.find(key);
    const auto* page = page_at(work.state, key);
    if (found == work.state.book.groups.end()) {
        return Instant::max();
    }
    const auto& group = found->second;
    const bool firing = page != nullptr && page->status == PageStatus::firing;
    if (group.open.empty() && !is_open(page)) {
        return Instant::max();
    }
    if (group.open.empty()) {
        const auto over =
            std::max(page->ended.at, group.emptied.at) + work.rules.policies.page.keep_firing_for;
        return firing ? work.now.at + flapping_poll : std::max(over, work.now.at + flapping_poll);
    }
    if (firing && !page->muted.empty()) {
        return work.now.at + mute_poll;
    }
    const bool storm = key.starts_with(storm_prefix);
    if (firing && storm && page->at.at + storm_update > work.now.at) {
        return page->at.at + storm_update;
    }
    auto next = Instant::max();
    for (const auto& id : group.open) {
        const auto* incident = incident_at(work.state, id);
        const auto due =
            incident == nullptr ? Instant::max() : view_case(work.rules, work.state, *incident).due;
        // A firing page speaks of the worst case that is due.
        if (!firing || due > work.now.at) {
            next = std::min(next, due);
        }
    }
    return std::max(next, work.now.at + Millis{1});
}

}  // namespace

bool is_flapping(const Rules& rules, const State& state, const Subject& subject) {
    return !state.flapping.empty() &&
           std::ranges::any_of(rules.runbook.signals, [&](const Signal& signal) {
               return state.flapping.contains({signal.id, subject});
           });
}

std::string open_page_of(const State& state, const Subject& subject) {
    const auto flaps = fmt::format("{}/{}", page_state::flapping, subject.text());
    if (is_open(page_at(state, flaps))) {
        return flaps;
    }
    const auto last = state.book.last.find(subject);
    if (last == state.book.last.end()) {
        return {};
    }
    for (const auto& [symptom, key] : last->second) {
        if (is_open(page_at(state, key))) {
            return key;
        }
    }
    return {};
}

void tell(Work& work, Paged next) {
    const auto* before = page_at(work.state, next.key);
    if (before != nullptr) {
        const bool same = before->status == next.status && before->severity == next.severity &&
                          before->title == next.title && before->text == next.text &&
                          before->muted == next.muted;
        if (same) {
            return;
        }
        next.version = before->version + 1;
        next.news = news_text(*before, next);
    } else {
        // A key of leverd's own states may have been forgotten and come back: never a version of
        // before.
        next.version = work.state.book.made + 1;
    }
    next.at = work.now;
    work.record(next);
    if (next.muted.empty()) {
        work.ask(SendPage{std::move(next)});
    }
}

void settle_groups(Work& work, const std::set<std::string>& keys) {
    for (const auto& key : keys) {
        const auto put_off = settle_group(work, key);
        schedule_page(work.transient.desk, key, std::min(put_off, next_move(work, key)));
    }
}

}  // namespace leverd
