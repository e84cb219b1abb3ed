// Why: see joining.hpp.
#include "policies/page/joining.hpp"

#include "policies/page/case.hpp"
#include "policies/page/desk.hpp"
#include "policies/page/groups.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

const Paged* page_at(const State& state, const std::string& key) {
    const auto held = state.pages.find(key);
    return held == state.pages.end() ? nullptr : &held->second;
}

bool is_open(const Paged* page) {
    return page != nullptr && page->status != PageStatus::resolved;
}

// Null: closed, forgotten, or told by a page already.
const Incident* waiting_case(const State& state, const std::string& id) {
    const auto held = state.incidents.find(id);
    const bool waits = held != state.incidents.end() &&
                       held->second.phase != IncidentPhase::closed && !state.book.keys.contains(id);
    return waits ? &held->second : nullptr;
}

// Pages of an older leverd do not say about whom they are.
bool is_about_another(const Paged& page, const Subject& subject) {
    return !page.subject.empty() && page.subject != subject;
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
    const bool soon = page != nullptr && !is_about_another(*page, incident.subject) &&
                      incident.opened.at - page->ended.at <= within;
    return soon ? key->second : std::string{};
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

// Cases that wait, opened lately, that nobody works on and that no mute covers.
std::vector<std::string> crowd(const Work& work) {
    std::vector<std::string> ids;
    for (const auto& [id, waiting] : work.transient.desk.waiting) {
        const auto* incident = waiting_case(work.state, id);
        if (incident == nullptr || waiting.in_hand || !is_recent(work, incident->opened.at)) {
            continue;
        }
        const auto lever = incident->decision ? incident->decision->lever : std::string{};
        if (mute_on(work.rules, work.state, incident->subject, lever, work.now.wall).empty()) {
            ids.push_back(id);
        }
    }
    return ids;
}

int told_lately(const Work& work) {
    int count = 0;
    for (const auto& key : work.state.book.open) {
        const auto group = work.state.book.groups.find(key);
        count += group != work.state.book.groups.end() && !group->second.open.empty() &&
                         is_recent(work, group->second.joined)
                     ? 1
                     : 0;
    }
    return count;
}

// The storm that is open, or one that begins now with everything that waits.
std::string storm_for(Work& work) {
    auto key = open_storm(work);
    const int enough = work.rules.policies.page.group_at;
    if (!key.empty() || enough == 0) {
        return key;
    }
    const auto ids = crowd(work);
    if (static_cast<int>(ids.size()) + told_lately(work) < enough) {
        return {};
    }
    key = fmt::format("{}{}", storm_prefix, work.state.book.storms + 1);
    for (const auto& id : ids) {
        work.record(PageJoined{key, id});
    }
    return key;
}

// The page went over to a cause, and nothing of that is open any more.
bool is_of_healed_cause(const State& state, const std::string& key, const Subject& subject) {
    const auto* page = page_at(state, key);
    if (page == nullptr || key.starts_with(storm_prefix) || !is_about_another(*page, subject)) {
        return false;
    }
    const auto group = state.book.groups.find(key);
    return group == state.book.groups.end() ||
           std::ranges::none_of(group->second.open, [&](const auto& id) {
               const auto held = state.incidents.find(id);
               return held != state.incidents.end() && held->second.subject == page->subject;
           });
}

// The open page to which a case of this subject belongs at once, so that the page cannot be
// resolved over it. Never the page of a cause that healed: whoever was called for that and put it
// away would not be called for what outlived it, because receivers call nobody anew for a key that
// is open.
std::string open_home(const Work& work, const Incident& incident) {
    auto key = open_page_of(work.state, incident.subject);
    key = is_of_healed_cause(work.state, key, incident.subject) ? std::string{} : key;
    // Written by an older leverd, which kept no list of who belongs to which page.
    return key.empty() && is_open(page_at(work.state, incident.id)) ? incident.id : key;
}

void tell_case(Work& work, const Incident& incident, const CaseView& view) {
    auto key = page_that_comes_back(work, incident);
    const bool muted =
        !mute_on(work.rules, work.state, incident.subject, view.lever, work.now.wall).empty();
    if (key.empty() && !muted) {
        key = storm_for(work);
    }
    if (!work.state.book.keys.contains(incident.id)) {
        work.record(PageJoined{key.empty() ? incident.id : key, incident.id});
    }
}

}  // namespace

void group_case(Work& work, const std::string& id) {
    auto& desk = work.transient.desk;
    const auto* incident = waiting_case(work.state, id);
    if (incident == nullptr) {
        forget_case(desk, id);
        return;
    }
    if (const auto key = open_home(work, *incident); !key.empty()) {
        work.record(PageJoined{key, id});
        forget_case(desk, id);
        return;
    }
    const auto view = view_case(work.rules, work.state, *incident);
    if (view.row == nullptr || view.due == Instant::max()) {
        forget_case(desk, id);
    } else if (view.due > work.now.at) {
        await_case(desk, id, {view.due, view.row->state == page_state::at_work});
    } else {
        // One that begins a storm is part of it.
        await_case(desk, id, {view.due, false});
        tell_case(work, *incident, view);
        forget_case(desk, id);
    }
}

}  // namespace leverd
