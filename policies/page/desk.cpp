// Why: see desk.hpp.
#include "policies/page/desk.hpp"

#include "policies/page/groups.hpp"

#include <utility>

namespace leverd {
namespace {

// The storms whose pages are open.
void collect_storms(const PageBook& book, std::set<std::string>& keys) {
    for (auto it = book.open.lower_bound(std::string(storm_prefix));
         it != book.open.end() && it->starts_with(storm_prefix); ++it) {
        keys.insert(*it);
    }
}

void collect_everything(const State& state, Moved& moved) {
    for (const auto& [id, incident] : state.incidents) {
        if (incident.phase != IncidentPhase::closed) {
            moved.cases.insert(id);
        }
    }
    moved.pages.insert(state.book.open.begin(), state.book.open.end());
    for (const auto& [key, group] : state.book.groups) {
        if (!group.open.empty()) {
            moved.pages.insert(key);
        }
    }
}

template <class Times>
void collect_due(const Times& times, Instant now, std::set<std::string>& out) {
    for (auto it = times.begin(); it != times.end() && it->first <= now; ++it) {
        out.insert(it->second);
    }
}

}  // namespace

Moved what_moved(Work& work) {
    const auto& desk = work.transient.desk;
    auto news = std::exchange(work.state.agenda.pages, {});
    Moved moved{std::move(news.cases), std::move(news.keys), news.everything || news.box};
    for (const auto& subject : news.subjects) {
        if (auto key = open_page_of(work.state, subject); !key.empty()) {
            moved.pages.insert(std::move(key));
        }
    }
    if (news.storms) {
        collect_storms(work.state.book, moved.pages);
    }
    if (news.everything) {
        collect_everything(work.state, moved);
    }
    collect_due(desk.due, work.now.at, moved.cases);
    collect_due(desk.wake_times, work.now.at, moved.pages);
    return moved;
}

void forget_case(PageDesk& desk, const std::string& id) {
    if (const auto held = desk.waiting.find(id); held != desk.waiting.end()) {
        desk.due.erase({held->second.due, id});
        desk.waiting.erase(held);
    }
}

void await_case(PageDesk& desk, const std::string& id, PageDesk::Waiting waiting) {
    forget_case(desk, id);
    desk.due.emplace(waiting.due, id);
    desk.waiting[id] = waiting;
}

void schedule_page(PageDesk& desk, const std::string& key, Instant at) {
    if (const auto held = desk.wake.find(key); held != desk.wake.end()) {
        desk.wake_times.erase({held->second, key});
        desk.wake.erase(held);
    }
    if (at != Instant::max()) {
        desk.wake[key] = at;
        desk.wake_times.emplace(at, key);
    }
}

}  // namespace leverd
