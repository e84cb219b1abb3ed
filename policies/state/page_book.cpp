// Why: see page_book.hpp.
#include "policies/state/page_book.hpp"

#include <algorithm>
#include <charconv>

namespace leverd {
namespace {

const Incident* find_incident(const State& state, const std::string& id) {
    const auto found = state.incidents.find(id);
    return found == state.incidents.end() ? nullptr : &found->second;
}

void forget_group(PageBook& book, const std::string& key) {
    const auto group = book.groups.find(key);
    if (group == book.groups.end()) {
        return;
    }
    for (const auto& id : group->second.closed) {
        book.keys.erase(id);
    }
    for (const auto& [subject, symptom] : group->second.about) {
        const auto last = book.last.find(subject);
        if (last == book.last.end()) {
            continue;
        }
        std::erase_if(last->second, [&](const auto& one) { return one.second == key; });
        if (last->second.empty()) {
            book.last.erase(last);
        }
    }
    book.groups.erase(group);
}

// A resolved page is kept for whoever asks after a restart whether it was told.
void forget_old_pages(State& state, Instant now) {
    auto& book = state.book;
    while (!book.resolved.empty() && (book.resolved.size() > resolved_pages_kept ||
                                      now - book.resolved.front().first > pages_kept)) {
        const auto [at, key] = book.resolved.front();
        book.resolved.pop_front();
        const auto held = state.pages.find(key);
        const bool same = held != state.pages.end() &&
                          held->second.status == PageStatus::resolved && held->second.at.at <= at;
        if (!same) {
            continue;  // it came back meanwhile
        }
        state.pages.erase(held);
        forget_group(book, key);
    }
}

}  // namespace

std::int64_t number_in_key(std::string_view key, std::string_view prefix) {
    std::int64_t number = 0;
    if (!key.starts_with(prefix)) {
        return 0;
    }
    key.remove_prefix(prefix.size());
    const auto* end = key.data() + key.size();
    const auto read = std::from_chars(key.data(), end, number);
    return read.ec == std::errc{} && read.ptr == end ? number : 0;
}

void keep_page(State& state, const Paged& page, Instant now) {
    auto& book = state.book;
    // A page of a history that was lost: what a person has read is never used for something else.
    book.made = std::max(book.made + 1, page.version);
    state.incidents_made = std::max(state.incidents_made, number_in_key(page.key, "i-"));
    book.storms = std::max(book.storms, number_in_key(page.key, "storm-"));
    state.pages[page.key] = page;
    if (page.status == PageStatus::resolved) {
        book.open.erase(page.key);
        if (const auto group = book.groups.find(page.key); group != book.groups.end()) {
            group->second.ended_by_lever = 0;
            group->second.ended_alone = 0;
        }
        book.resolved.emplace_back(now, page.key);
    } else {
        book.open.insert(page.key);
    }
    forget_old_pages(state, now);
}

void join_page(State& state, const PageJoined& joined, Instant now) {
    auto& book = state.book;
    const auto* held = find_incident(state, joined.incident);
    book.storms += joined.key.starts_with("storm-") && !book.groups.contains(joined.key) ? 1 : 0;
    auto& group = book.groups[joined.key];
    group.joined = now;
    if (const auto before = book.keys.find(joined.incident);
        before != book.keys.end() && before->second != joined.key) {
        leave_group(state, joined.incident);
    }
    book.keys[joined.incident] = joined.key;
    if (held == nullptr || held->phase == IncidentPhase::closed) {
        group.closed.insert(joined.incident);
    } else {
        group.open.insert(joined.incident);
    }
    if (held != nullptr) {
        book.last[held->subject][held->symptom] = joined.key;
        group.about.emplace(held->subject, held->symptom);
    }
}

void leave_group(State& state, const std::string& incident) {
    auto& book = state.book;
    const auto key = book.keys.find(incident);
    if (key == book.keys.end()) {
        return;
    }
    if (const auto group = book.groups.find(key->second); group != book.groups.end()) {
        group->second.open.erase(incident);
        group->second.closed.erase(incident);
    }
    book.keys.erase(key);
}

void close_in_group(State& state, const std::string& incident, Now now) {
    auto& book = state.book;
    const auto key = book.keys.find(incident);
    if (key == book.keys.end()) {
        return;
    }
    auto& group = book.groups[key->second];
    group.open.erase(incident);
    group.closed.insert(incident);
    if (const auto* held = find_incident(state, incident);
        held != nullptr && held->end != "absorbed") {
        (held->end == "recovered" ? group.ended_by_lever : group.ended_alone) += 1;
    }
    group.emptied = group.open.empty() ? now : group.emptied;
}

}  // namespace leverd
