// Why: the first line decides what a person who was just woken up does. It names the subject, what
// is wrong, since when, what leverd does about it and what the reader does; not seeing comes first,
// because everything below it may then be wrong.
#include "exporters/web/views.hpp"
#include "policies/detect/blind.hpp"
#include "policies/guards.hpp"
#include "policies/page/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::exporters::web {
namespace {

// So many are told in words; the rest is counted.
constexpr std::size_t concerns_told = 6;

Now since(const Scene& scene, Instant at) {
    return Now{at, scene.now.wall - (scene.now.at - at)};
}

const Symptom* row_of(const Rules& rules, const std::string& id) {
    const auto& table = rules.runbook.symptoms;
    const auto row = std::ranges::find(table, id, &Symptom::id);
    return row == table.end() ? nullptr : &*row;
}

void add_own_doubts(const Backend& backend, const Scene& scene, std::vector<Concern>& out) {
    const State& state = scene.state;
    const auto healthy = backend.healthy();
    if (!healthy.ok) {
        out.push_back({"blind",
                       "leverd",
                       "leverd itself is not well",
                       {},
                       healthy.why + ".",
                       "journalctl -u leverd -p warning"});
    }
    if (!state.observer.trusted) {
        out.push_back(
            {"blind", "leverd", "leverd doubts its own view", state.observer.since,
             state.observer.why + ". Nothing is called down and no lever fires until it passes.",
             "check this box's network and clock"});
    }
}

void add_blindness(const Scene& scene, std::vector<Concern>& out) {
    for (const auto& [what, held] : scene.state.blind) {
        constexpr std::string_view mark = ". Next: ";
        const auto at = held.why.rfind(mark);
        const auto why = held.why.substr(0, at);
        out.push_back(
            {"blind", what, "blind", held.since, why + ". leverd goes on looking.",
             at == std::string::npos ? "leverd status" : held.why.substr(at + mark.size())});
    }
    for (const auto& one : withheld(scene.rules, scene.state)) {
        const auto& runs = scene.state.subjects.at(one.subject).detectors;
        Instant begun = scene.now.at;
        for (const auto& [id, run] : runs) {
            begun = std::min(begun, run.first_bad);
        }
        out.push_back({"blind", one.subject.text(), one.symptom->title, since(scene, begun),
                       fmt::format("Seen and not judged, because {} cannot be judged: {}.",
                                   one.unseen.text(), describe(one.reason).text),
                       "leverd why " + one.subject.text()});
        if (out.size() >= concerns_told) {
            break;
        }
    }
}

enum class Urgency { approval, escalated, recommended, paged, open };

// The page that a person was sent about the case and that is not over; null: nobody was called.
const Paged* firing_page(const State& state, const std::string& key) {
    const auto page = state.pages.find(key);
    const bool firing = page != state.pages.end() && page->second.status == PageStatus::firing &&
                        page->second.muted.empty();
    return firing ? &page->second : nullptr;
}

const Paged* page_of(const State& state, const Incident& incident) {
    const auto key = state.book.keys.find(incident.id);
    return key == state.book.keys.end() ? nullptr : firing_page(state, key->second);
}

Urgency urgency(const Scene& scene, const Incident& incident) {
    if (approval_pending(scene, incident)) {
        return Urgency::approval;
    }
    if (incident.phase == IncidentPhase::escalated) {
        return Urgency::escalated;
    }
    if (incident.decision && incident.decision->action == Action::recommend) {
        return Urgency::recommended;
    }
    return page_of(scene.state, incident) != nullptr ? Urgency::paged : Urgency::open;
}

Concern of_incident(const Scene& scene, const Incident& incident, Urgency kind) {
    const auto* row = row_of(scene.rules, incident.symptom);
    Concern out;
    out.level = kind == Urgency::open ? "busy" : "person";
    out.subject = incident.subject.text();
    out.title = row == nullptr ? incident.symptom : row->title;
    out.since = incident.opened;
    out.leverd = incident_words(scene, incident);
    const auto look = "leverd why " + out.subject;
    switch (kind) {
        case Urgency::approval:
            out.you = fmt::format("leverd approve {} --why \"...\"", incident.decision->id);
            break;
        case Urgency::escalated:
            out.you = row != nullptr && !row->note.empty() ? fmt::format("{} ({})", row->note, look)
                                                           : look;
            break;
        case Urgency::recommended:
            out.you = row != nullptr && !row->first_lever.empty()
                          ? fmt::format("{}, after {}", row->first_lever, look)
                          : look;
            break;
        case Urgency::paged:
            out.you = "you were paged; " + look;
            break;
        case Urgency::open:
            out.you = "nothing yet; " + look;
            break;
    }
    return out;
}

void add_incidents(const Scene& scene, std::vector<Concern>& out) {
    std::vector<std::pair<Urgency, const Incident*>> open;
    for (const auto& [id, incident] : scene.state.incidents) {
        if (incident.phase != IncidentPhase::closed) {
            open.emplace_back(urgency(scene, incident), &incident);
        }
    }
    // The oldest first: it has waited longest.
    std::ranges::sort(open, [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first
               : a.second->opened.at != b.second->opened.at
                   ? a.second->opened.at < b.second->opened.at
                   : a.second->id < b.second->id;
    });
    const auto& breaker = scene.state.breaker;
    if (breaker.phase == BreakerPhase::open) {
        out.push_back({"person", open.empty() ? "leverd" : open.front().second->subject.text(),
                       "a storm, the breaker is open", breaker.since,
                       breaker.why + ". No lever fires by itself.", "leverd incidents --open"});
    }
    for (const auto& [kind, incident] : open) {
        if (out.size() >= concerns_told) {
            // Told by number only, so no words are made for it.
            out.push_back({kind == Urgency::open ? "busy" : "person", {}, {}, {}, {}, {}});
            continue;
        }
        out.push_back(of_incident(scene, *incident, kind));
    }
}

// Words that a page's title begins with when it names its subject.
std::string without_subject(const Paged& page) {
    std::string title = page.title;
    for (const auto* end : {": ", " "}) {
        if (const auto begin = page.subject.text() + end; title.starts_with(begin)) {
            return title.substr(begin.size());
        }
    }
    return title;
}

bool is_told_elsewhere(const State& state, const Paged& page) {
    if (const auto group = state.book.groups.find(page.key); group != state.book.groups.end()) {
        return !group->second.open.empty();
    }
    return page.state == page_state::observer || page.state == page_state::breaker ||
           page.state == page_state::ledger_unwritable || page.state == page_state::blind ||
           page.state == config_refused;
}

// What fails and no row of the runbook takes has no case, and is not well all the same.
void add_without_a_row(const Scene& scene, std::vector<Concern>& out) {
    std::size_t failing = 0;
    std::string first;
    for (const auto& [subject, held] : scene.state.subjects) {
        if (rolled_up(scene, held) == leverd::Health::failing) {
            failing += 1;
            first = first.empty() ? subject.text() : first;
        }
    }
    if (failing > 0) {
        out.push_back({"busy",
                       first,
                       failing == 1 ? std::string("fails, and no case is open for it")
                                    : fmt::format("and {} more fail, and no case is open for them",
                                                  failing - 1),
                       {},
                       "leverd goes on looking; what no row of the runbook takes calls nobody.",
                       "look at it; leverd subjects --bad"});
    }
}

// A page may be open without an open case: of a subject that goes up and down, of a veto that
// leverd set itself. While somebody is called, nothing is not wrong.
void add_pages(const Scene& scene, std::vector<Concern>& out) {
    const State& state = scene.state;
    for (const auto& key : state.book.open) {
        const auto* page = firing_page(state, key);
        if (page == nullptr || is_told_elsewhere(state, *page) || out.size() >= concerns_told) {
            continue;
        }
        const bool of_case = state.book.groups.contains(key);
        const auto look = page->subject.empty() ? std::string("leverd status")
                                                : "leverd why " + page->subject.text();
        out.push_back({page->severity == Severity::critical ? "person" : "busy",
                       page->subject.empty() ? "leverd" : page->subject.text(),
                       without_subject(*page), page->since,
                       of_case ? std::string("It goes up and down, so its page stays open until it "
                                             "was steady for a while.")
                               : std::string("Its page is open."),
                       "you were paged; " + look});
    }
}

void add_rest(const Backend& backend, const Scene& scene, std::vector<Concern>& out) {
    const State& state = scene.state;
    if (!state.ledger_writable) {
        out.push_back({"blind",
                       "leverd",
                       "the ledger cannot be written",
                       {},
                       "No lever can fire.",
                       "check the disk of the state directory"});
    }
    for (const auto& [key, active] : state.symptoms) {
        if (active.incident.empty() && out.size() < concerns_told) {
            const auto* row = row_of(scene.rules, key.first);
            out.push_back({"busy", key.second.text(), row == nullptr ? key.first : row->title,
                           active.raised, "Working out what could be done.",
                           "nothing yet; leverd why " + key.second.text()});
        }
    }
    const auto ready = backend.ready();
    if (!ready.ok) {
        out.push_back({"blind",
                       "leverd",
                       "leverd is not ready",
                       {},
                       ready.why + ".",
                       ready.next.empty() ? "leverd status" : ready.next});
    }
    if (!out.empty()) {
        return;
    }
    // What has just become unseen is only said when nothing else is.
    const auto alone = std::ranges::find_if(state.unseen, [&](const auto& run) {
        return !is_seen_failing(scene.rules.runbook, state, run.first.first);
    });
    if (alone != state.unseen.end()) {
        const auto subject = alone->first.first.text();
        out.push_back(
            {"busy", subject, "not judged at the moment", alone->second.since,
             fmt::format("{}. leverd goes on looking.", describe(alone->second.reason).text),
             "nothing yet; leverd why " + subject});
        return;
    }
    add_without_a_row(scene, out);
}

std::string moment_words(const Now& moment) {
    const auto text = format_rfc3339(moment.wall);
    return text.size() < 19 ? text : text.substr(0, 10) + " " + text.substr(11, 8) + " UTC";
}

std::string sentence(const Concern& one) {
    std::string out = one.subject + ": " + one.title;
    if (one.since.wall != WallTime{}) {
        out += ", since " + moment_words(one.since);
    }
    return fmt::format("{}. {} You: {}", out, one.leverd, one.you);
}

}  // namespace

std::vector<Concern> concerns(const Backend& backend, const Scene& scene) {
    std::vector<Concern> out;
    add_own_doubts(backend, scene, out);
    add_blindness(scene, out);
    add_incidents(scene, out);
    add_pages(scene, out);
    add_rest(backend, scene, out);
    return out;
}

void add_headline(const Backend& backend, const Scene& scene, Json& out) {
    const auto all = concerns(backend, scene);
    out["level"] = all.empty() ? "good" : all.front().level;
    out["headline"] = all.empty() ? "nothing is wrong" : sentence(all.front());
    out["concerns"] = Json::array();
    for (const auto& one : all) {
        if (one.subject.empty()) {
            continue;
        }
        Json row = Json::object();
        row["level"] = one.level;
        row["subject"] = one.subject;
        row["title"] = one.title;
        row["since"] = time_json(one.since);
        row["leverd"] = one.leverd;
        row["you"] = one.you;
        row["words"] = sentence(one);
        out["concerns"].push_back(std::move(row));
    }
    out["more"] = all.size() - out["concerns"].size();
    out["counts"]["waiting_for_a_person"] = std::ranges::count(all, "person", &Concern::level);
    out["blind"] = Json::array();
    for (const auto& [what, held] : scene.state.blind) {
        Json row = Json::object();
        row["what"] = what;
        row["since"] = time_json(held.since);
        row["why"] = held.why;
        out["blind"].push_back(std::move(row));
    }
}

}  // namespace leverd::exporters::web
