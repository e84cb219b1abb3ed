// Why: see desk.hpp.
#include "policies/page/desk.hpp"

#include "policies/page/groups.hpp"

#include <utility>

namespace leverd {
namespace {

// What an entry does not say by itself is found by looking at everything this often.
constexpr Millis everything_every{30'000};

struct Collect {
    const State& state;
    Moved& moved;

    void page_of_subject(const Subject& subject) {
        if (auto key = open_page_of(state, subject); !key.empty()) {
            moved.pages.insert(std::move(key));
        }
    }
    void of_intent(const std::string& id) {
        if (const auto held = state.intents.find(id); held != state.intents.end()) {
            moved.cases.insert(held->second.intent.incident);
        }
    }

    void operator()(const Started&) { moved.everything = true; }
    void operator()(const ConfigLoaded&) { moved.everything = true; }
    void operator()(const IncidentOpened& e) { moved.cases.insert(e.incident); }
    void operator()(const IncidentLinked& e) { moved.cases.insert(e.incident); }
    void operator()(const IncidentClosed& e) { moved.cases.insert(e.incident); }
    void operator()(const IncidentEscalated& e) { moved.cases.insert(e.incident); }
    void operator()(const Decision& e) { moved.cases.insert(e.incident); }
    void operator()(const Intent& e) { moved.cases.insert(e.incident); }
    void operator()(const Outcome& e) { of_intent(e.intent); }
    void operator()(const Settled& e) { of_intent(e.intent); }
    void operator()(const Verdict& e) { of_intent(e.intent); }
    void operator()(const SymptomCleared& e) { page_of_subject(e.subject); }
    void operator()(const FlapChanged& e) { page_of_subject(e.subject); }
    void operator()(const PageJoined& e) { moved.pages.insert(e.key); }
    // A lever's own look may find that an accepted call was not done.
    void operator()(const Observed& e) {
        if (!e.observation.probe.starts_with("lever:")) {
            return;
        }
        for (const auto& [id, held] : state.intents) {
            if (held.phase != IntentPhase::done && held.intent.subject == e.observation.subject) {
                moved.cases.insert(held.intent.incident);
            }
        }
    }
    template <class Other>
    void operator()(const Other&) {}

    // What state noted while it changed.
    void news(PageNews noted) {
        moved.everything = moved.everything || noted.everything;
        moved.box = noted.box;
        moved.cases.merge(noted.cases);
        for (const auto& id : noted.intents) {
            of_intent(id);
        }
        for (const auto& [signal, subject] : noted.flapping) {
            page_of_subject(subject);
        }
    }
};

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
    auto& desk = work.transient.desk;
    Moved moved;
    moved.everything = work.now.at >= desk.all_next;
    Collect collect{work.state, moved};
    collect.news(std::exchange(work.state.agenda.pages, {}));
    for (const auto& entry : work.turn.entries) {
        std::visit(collect, entry.body);
    }
    if (moved.everything) {
        desk.all_next = work.now.at + everything_every;
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
