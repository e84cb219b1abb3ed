// Why: see page_news.hpp.
#include "policies/state/page_news.hpp"

namespace leverd {
namespace {

struct Note {
    State& state;
    PageNews& news = state.agenda.pages;

    void operator()(const Started&) { news.everything = true; }
    void operator()(const ConfigLoaded&) { news.everything = true; }
    void operator()(const IncidentOpened& e) { news.cases.insert(e.incident); }
    void operator()(const IncidentLinked& e) { news.cases.insert(e.incident); }
    void operator()(const IncidentClosed& e) { news.cases.insert(e.incident); }
    void operator()(const IncidentEscalated& e) { news.cases.insert(e.incident); }
    void operator()(const Decision& e) { news.cases.insert(e.incident); }
    void operator()(const Acknowledged& e) { news.cases.insert(e.incident); }
    void operator()(const Intent& e) { news.cases.insert(e.incident); }
    void operator()(const Outcome& e) { of_intent(e.intent); }
    void operator()(const Settled& e) { of_intent(e.intent); }
    void operator()(const Verdict& e) { of_intent(e.intent); }
    void operator()(const Diagnosed& e) { of_intent(e.intent); }
    void operator()(const SymptomRaised& e) { of_symptom({e.symptom, e.subject}); }
    void operator()(const SymptomCleared& e) {
        of_symptom({e.symptom, e.subject});
        news.subjects.insert(e.subject);
    }
    void operator()(const FlapChanged& e) {
        news.subjects.insert(e.subject);
        news.box = true;
    }
    void operator()(const BreakerChanged&) { news.box = news.storms = true; }
    void operator()(const ObserverChanged&) { news.box = true; }
    void operator()(const StopSet&) { news.box = true; }
    void operator()(const VetoSet&) { news.box = true; }
    void operator()(const VetoLifted&) { news.box = true; }
    void operator()(const AutonomyChanged&) { news.box = true; }
    void operator()(const BlindChanged&) { news.box = true; }
    void operator()(const PageJoined& e) {
        news.keys.insert(e.key);
        if (const auto held = state.incidents.find(e.incident); held != state.incidents.end()) {
            note_home(state, held->second.subject);
        }
    }
    void operator()(const Paged& e) {
        news.box = true;  // what a case tells needs no standing page, and the other way round
        note_home(state, e.subject);
        if (const auto group = state.book.groups.find(e.key); group != state.book.groups.end()) {
            for (const auto& [subject, symptom] : group->second.about) {
                note_home(state, subject);
            }
        }
    }
    template <class Other>
    void operator()(const Other&) {}

    void of_intent(const std::string& id) {
        if (const auto held = state.intents.find(id); held != state.intents.end()) {
            news.cases.insert(held->second.intent.incident);
        }
    }
    // Its own cases; the entries about links name the others.
    void of_symptom(const SymptomKey& key) {
        const auto open = state.index.open_on.find(key.second);
        if (open == state.index.open_on.end()) {
            return;
        }
        news.cases.insert(open->second.begin(), open->second.end());
    }
};

void note_homeless(State& state, const Subject& subject) {
    const auto open = state.index.open_on.find(subject);
    if (open == state.index.open_on.end()) {
        return;
    }
    for (const auto& id : open->second) {
        if (!state.book.keys.contains(id)) {
            state.agenda.pages.cases.insert(id);
        }
    }
}

}  // namespace

void note_home(State& state, const Subject& subject) {
    note_homeless(state, subject);
    const auto below = state.index.uneasy_below.find(subject);
    if (below == state.index.uneasy_below.end()) {
        return;
    }
    for (const auto& one : below->second) {
        note_homeless(state, one);
    }
}

void note_own_look(State& state, const Observation& look) {
    for (const auto& id : state.index.at_work) {
        const auto& intent = state.intents.at(id).intent;
        if (intent.subject == look.subject) {
            state.agenda.pages.cases.insert(intent.incident);
        }
    }
}

void note_page_news(State& state, const Entry& entry) {
    std::visit(Note{state}, entry.body);
}

}  // namespace leverd
