// Why: see groups.hpp.
#include "policies/page/groups.hpp"

#include "policies/ladder.hpp"
#include "policies/page/text.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <optional>

namespace leverd {
namespace {

constexpr std::string_view storm_prefix = "storm-";
// How often a storm's page is told anew while cases come and go.
constexpr Millis storm_update{60'000};

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

// What was explained by a cause keeps the cause's page while that is watched: an effect heals
// later than its cause.
std::string page_of_healed_cause(const Work& work, const Subject& subject) {
    for (const auto& above : ancestors_of(work.rules.runbook, work.state, subject)) {
        const auto key = open_page_of(work.state, above);
        const auto* page = page_at(work.state, key);
        if (page != nullptr && page->status == PageStatus::recovered) {
            return key;
        }
    }
    return {};
}

// The resolved page of the same row and subject, as long as its policy calls it the same case.
std::string page_that_comes_back(const Work& work, const Incident& incident) {
    const auto last = work.state.book.last.find(incident.subject);
    if (last == work.state.book.last.end()) {
        return {};
    }
    const auto key = last->second.find(incident.symptom);
    if (key == last->second.end() || key->second.starts_with(storm_prefix)) {
        return {};  // one that comes back from a storm is a case of its own
    }
    auto within = Limits{}.recurs_within;
    for (const auto& policy : work.rules.policies.policies) {
        const bool about = policy.symptom == incident.symptom &&
                           std::ranges::any_of(policy.subjects, [&](const auto& pattern) {
                               return subject_matches(pattern, incident.subject);
                           });
        if (about) {
            within = policy.limits.recurs_within;
            break;
        }
    }
    const auto* page = page_at(work.state, key->second);
    const bool soon = page != nullptr && incident.opened.at - page->ended.at <= within;
    return soon ? key->second : std::string{};
}

struct Waiting {
    const Incident* incident = nullptr;
    CaseView view;
    std::string muted;
};

// Open cases without a page that somebody will have to hear of.
std::vector<Waiting> waiting_cases(const Work& work) {
    std::vector<Waiting> waiting;
    for (const auto& [id, incident] : work.state.incidents) {
        if (incident.phase == IncidentPhase::closed || work.state.book.keys.contains(id)) {
            continue;
        }
        auto view = view_case(work.rules, work.state, incident);
        if (view.row == nullptr || view.due == Instant::max()) {
            continue;
        }
        auto muted = mute_on(work.rules, work.state, incident.subject, view.lever, work.now.wall);
        waiting.push_back({&incident, std::move(view), std::move(muted)});
    }
    return waiting;
}

bool is_recent(const Work& work, Instant at) {
    return work.now.at - at <= work.rules.policies.page.group_within;
}

std::string open_storm(const Work& work) {
    const auto& open = work.state.book.open;
    for (auto it = open.lower_bound(std::string(storm_prefix));
         it != open.end() && it->starts_with(storm_prefix); ++it) {
        const auto group = work.state.book.groups.find(*it);
        const auto* page = page_at(work.state, *it);
        if (group != work.state.book.groups.end() && page->status == PageStatus::firing &&
            page->muted.empty() && is_recent(work, group->second.joined)) {
            return *it;
        }
    }
    return {};
}

// Cases opened lately that nobody works on, told of or not.
int recent_cases(const Work& work, const std::vector<Waiting>& waiting) {
    auto count = std::ranges::count_if(waiting, [&](const Waiting& one) {
        return one.muted.empty() && one.view.row->state != page_state::at_work &&
               is_recent(work, one.incident->opened.at);
    });
    for (const auto& key : work.state.book.open) {
        const auto group = work.state.book.groups.find(key);
        count += group != work.state.book.groups.end() && !group->second.open.empty() &&
                         is_recent(work, group->second.joined)
                     ? 1
                     : 0;
    }
    return static_cast<int>(count);
}

// One storm takes in everything that waits and is not in a lever's hands.
std::string begin_storm(Work& work, const std::vector<Waiting>& waiting) {
    const auto key = fmt::format("{}{}", storm_prefix, work.state.book.storms + 1);
    for (const auto& one : waiting) {
        const bool taken = work.state.book.keys.contains(one.incident->id);
        if (!taken && one.muted.empty() && one.view.row->state != page_state::at_work &&
            is_recent(work, one.incident->opened.at)) {
            join(work, key, one.incident->id);
        }
    }
    return key;
}

// A case of a subject whose page is still open belongs to it at once, so that the page cannot be
// resolved over it.
void join_open_pages(Work& work) {
    std::vector<std::pair<std::string, std::string>> joins;
    for (const auto& [id, incident] : work.state.incidents) {
        if (incident.phase == IncidentPhase::closed || work.state.book.keys.contains(id)) {
            continue;
        }
        auto key = open_page_of(work.state, incident.subject);
        key = key.empty() ? page_of_healed_cause(work, incident.subject) : key;
        // Written by an older leverd, which kept no list of who belongs to which page.
        key = key.empty() && is_open(page_at(work.state, id)) ? id : key;
        if (!key.empty()) {
            joins.emplace_back(key, id);
        }
    }
    for (const auto& [key, id] : joins) {
        join(work, key, id);
    }
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
    page.title = case_title(work.rules, incident);
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
    page.title = storm_title(members, group.closed.size());
    page.text = storm_text(work.rules, work.state, members, page.since);
    page.state = lead.view.row->state;
    page.subject = {};
    page.symptom = one_symptom ? members.front().incident->symptom : std::string{};
    page.incident = lead.incident->id;
    page.lever = {};
    page.guard = lead.view.guard;
}

void fire_page(Work& work, const std::string& key, const PageGroup& group, const Lead& lead) {
    const auto* before = page_at(work.state, key);
    const bool storm = key.starts_with(storm_prefix);
    const bool firing = before != nullptr && before->status == PageStatus::firing;
    if (storm && firing && work.now.at - before->at.at < storm_update) {
        return;
    }
    Paged page;
    page.key = key;
    if (before != nullptr) {
        page.since = before->since;
        page.again = firing ? before->again : true;
        page.times = before->times + (firing ? 0 : 1);
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
    tell(work, std::move(page));
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

std::string lasted_text(const Paged& page) {
    return fmt::format(
        "It lasted {} (from {} to {})",
        shown_duration(std::chrono::duration_cast<Millis>(page.ended.at - page.since.at)),
        moment_text(page.since), moment_text(page.ended));
}

void recover(Work& work, const Paged& before, const PageGroup& group) {
    auto page = before;
    page.status = PageStatus::recovered;
    page.ended = group.emptied == Now{} ? work.now : group.emptied;
    page.lever = {};
    page.guard = {};
    Now until = page.ended;
    until.at += work.rules.policies.page.keep_firing_for;
    until.wall += work.rules.policies.page.keep_firing_for;
    page.text = fmt::format("Recovered, watching until {}. {}. {}.", moment_text(until),
                            ending_text(work.state, closed_of(work.state, group, before)),
                            lasted_text(page));
    tell(work, std::move(page));
}

void resolve(Work& work, const Paged& before, const PageGroup& group) {
    auto page = before;
    page.status = PageStatus::resolved;
    page.ended = group.emptied.at > page.ended.at ? group.emptied : page.ended;
    page.text =
        fmt::format("Over. {}. {}.", ending_text(work.state, closed_of(work.state, group, before)),
                    lasted_text(page));
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
                            case_title(work.rules, *cause), told->second);
    tell(work, std::move(page));
    return true;
}

bool any_flapping(const State& state, const Paged& page, const PageGroup& group) {
    if (state.flapping.empty()) {
        return false;
    }
    return is_flapping(state, page.subject) ||
           std::ranges::any_of(group.about,
                               [&](const auto& one) { return is_flapping(state, one.first); });
}

void settle_group(Work& work, const std::string& key) {
    const auto found = work.state.book.groups.find(key);
    if (found == work.state.book.groups.end()) {
        return;
    }
    const auto& group = found->second;
    const auto* page = page_at(work.state, key);
    if (!group.open.empty()) {
        const auto lead = lead_of(work, group);
        const bool firing = page != nullptr && page->status == PageStatus::firing;
        if (lead && (firing || lead->due)) {
            fire_page(work, key, group, *lead);
        }
        return;
    }
    if (!is_open(page)) {
        return;
    }
    const Paged before = *page;
    if (before.status == PageStatus::firing && follow_cause(work, before, group)) {
        return;
    }
    if (any_flapping(work.state, before, group)) {
        return;
    }
    if (before.status == PageStatus::firing) {
        recover(work, before, group);
    } else if (work.now.at - std::max(before.ended.at, group.emptied.at) >=
               work.rules.policies.page.keep_firing_for) {
        resolve(work, before, group);
    }
}

}  // namespace

bool is_flapping(const State& state, const Subject& subject) {
    return std::ranges::any_of(state.flapping,
                               [&](const auto& one) { return one.second == subject; });
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

void group_cases(Work& work) {
    join_open_pages(work);
    const auto waiting = waiting_cases(work);
    for (const auto& one : waiting) {
        const auto& id = one.incident->id;
        if (one.view.due > work.now.at || work.state.book.keys.contains(id)) {
            continue;
        }
        auto key = page_that_comes_back(work, *one.incident);
        if (key.empty() && one.muted.empty()) {
            key = open_storm(work);
            const int enough = work.rules.policies.page.group_at;
            if (key.empty() && enough > 0 && recent_cases(work, waiting) >= enough) {
                key = begin_storm(work, waiting);
            }
        }
        if (!work.state.book.keys.contains(id)) {
            join(work, key.empty() ? id : key, id);
        }
    }
}

void settle_groups(Work& work) {
    std::vector<std::string> keys(work.state.book.open.begin(), work.state.book.open.end());
    // Those that are told for the first time, or again, are not open yet.
    for (const auto& [key, group] : work.state.book.groups) {
        if (!group.open.empty() && !work.state.book.open.contains(key)) {
            keys.push_back(key);
        }
    }
    for (const auto& key : keys) {
        settle_group(work, key);
    }
}

}  // namespace leverd
