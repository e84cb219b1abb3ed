// Why: see pages.hpp.
#include "policies/pages.hpp"

#include "policies/detect.hpp"
#include "policies/detect/blind.hpp"
#include "policies/observer.hpp"
#include "policies/verify.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <map>

namespace leverd {
namespace {

std::string title_of(const Rules& rules, const Incident& incident) {
    const auto* symptom = find_symptom(rules, incident.symptom);
    return fmt::format("{}: {}", incident.subject.text(),
                       symptom == nullptr ? incident.symptom : symptom->title);
}

// Reasons that pass by themselves or are already in somebody's hands.
bool is_passing(const std::string& reason) {
    constexpr std::array passing{"dwell",    "in_flight", "explained", "storm",
                                 "observer", "evidence",  "permitted", "flapping"};
    return std::ranges::find(passing, reason) != passing.end();
}

std::string guard_text(const Decision& decision) {
    const auto blocking =
        std::ranges::find_if(decision.guards, [](const auto& guard) { return !guard.pass; });
    return blocking == decision.guards.end() ? std::string{} : blocking->text;
}

Paged incident_page(const Rules& rules, const Incident& incident) {
    Paged page;
    page.key = incident.id;
    page.title = title_of(rules, incident);
    const auto* decision = incident.decision ? &*incident.decision : nullptr;
    const auto* symptom = find_symptom(rules, incident.symptom);
    if (incident.phase == IncidentPhase::escalated) {
        page.severity = Severity::critical;
        page.text = fmt::format("{}. leverd fires nothing more for it. Next: leverd why {}",
                                incident.escalated_why, incident.subject.text());
    } else if (decision != nullptr && decision->action == Action::ask) {
        page.severity = Severity::critical;
        page.text = fmt::format("{} waits for approval: leverd approve {} --why ...",
                                decision->lever, decision->id);
    } else if (decision != nullptr && decision->action == Action::recommend) {
        page.text = fmt::format("first lever to try: {}. Next: leverd why {}",
                                symptom == nullptr ? decision->lever : symptom->first_lever,
                                incident.subject.text());
    } else if (decision != nullptr) {
        page.text = fmt::format("{} is held by {}: {}. Next: leverd why {}", decision->lever,
                                decision->reason, guard_text(*decision), incident.subject.text());
    }
    return page;
}

// Ends of an accepted call that no amount of waiting mends.
bool needs_a_hand(Reason reason) {
    return reason == Reason::credential_rolled_back || reason == Reason::deployment_failed ||
           reason == Reason::alias_failed;
}

constexpr auto autonomy_shown = std::chrono::hours{1};
constexpr auto stop_reminder = std::chrono::hours{24};

Paged page_of(std::string key, Severity severity, std::string title, std::string text) {
    Paged page;
    page.key = std::move(key);
    page.severity = severity;
    page.title = std::move(title);
    page.text = std::move(text);
    return page;
}

Paged warning(std::string key, std::string title, std::string text) {
    return page_of(std::move(key), Severity::warning, std::move(title), std::move(text));
}

// What leverd does by itself, or holds, without an incident to say it with.
void standing_pages(const Work& work, std::map<std::string, Paged>& wanted) {
    const auto& state = work.state;
    for (const auto& [signal, subject] : state.flapping) {
        const auto key = fmt::format("flapping/{}/{}", signal, subject.text());
        wanted[key] = warning(key, fmt::format("{} goes up and down ({})", subject.text(), signal),
                              "no disruptive lever fires on it until it is steady. Next: leverd "
                              "why " +
                                  subject.text());
    }
    for (const auto& [what, held] : state.blind) {
        // A row of the table that speaks about it tells it in its own words.
        if (!blindness_has_case(work.rules, state, what)) {
            const auto key = "blind/" + what;
            wanted[key] = page_of(key, Severity::critical, "leverd is blind on " + what, held.why);
        }
    }
    if (state.breaker.phase == BreakerPhase::open) {
        wanted["breaker"] = page_of("breaker", Severity::critical, "the storm breaker is open",
                                    state.breaker.why +
                                        ". New levers are held until it is quiet; looking, proving "
                                        "and closing go on. Next: leverd incidents --open");
    }
    for (const auto& [id, veto] : state.vetoes) {
        if (veto.set.who == own_name) {
            wanted["frozen/" + id] = warning(
                "frozen/" + id, fmt::format("leverd fires nothing on {}", veto.set.subjects),
                fmt::format("{}. Next: look at it, then leverd unveto {} --why ...", veto.set.why,
                            id));
        }
    }
    if (state.stop.stopped && state.stop.until == Instant{} &&
        work.now.at - state.stop.since.at > stop_reminder) {
        wanted["stop"] = warning("stop", "the stop switch has been set for more than a day",
                                 fmt::format("by {}: {}. Next: leverd resume, or set it again with "
                                             "--for to say until when",
                                             state.stop.who, state.stop.why));
    }
    for (const auto& [policy, standing] : state.autonomy) {
        if (!standing.earned && work.now.at - standing.since.at < autonomy_shown) {
            const auto key = "autonomy/" + policy;
            wanted[key] =
                page_of(key, Severity::info, fmt::format("policy {} asks a person again", policy),
                        standing.why);
        }
    }
}

bool needs_page(const State& state, const Incident& incident) {
    if (incident.phase == IncidentPhase::escalated) {
        return true;
    }
    if (!incident.decision || !state.symptoms.contains({incident.symptom, incident.subject})) {
        return false;
    }
    const auto& decision = *incident.decision;
    const auto blocking = std::ranges::find(decision.guards, false, &GuardVerdict::pass);
    if (blocking != decision.guards.end() && blocking->value == references_unheard) {
        return true;  // no doubt was raised that would page for itself
    }
    return decision.action != Action::fire && !is_passing(decision.reason);
}

}  // namespace

void settle_pages(Work& work) {
    std::map<std::string, Paged> wanted;
    for (const auto& [id, incident] : work.state.incidents) {
        if (incident.phase != IncidentPhase::closed && needs_page(work.state, incident)) {
            wanted[id] = incident_page(work.rules, incident);
        }
    }
    for (const auto& [id, held] : work.state.intents) {
        // The first look usually settles it; a person is called when it could not.
        if (held.phase == IntentPhase::ambiguous && held.settled) {
            wanted["outcome/" + id] =
                page_of("outcome/" + id, Severity::critical,
                        fmt::format("{} on {}: outcome unknown", held.intent.lever,
                                    held.intent.subject.text()),
                        "the reply was lost; leverd looks at the target and does not fire again");
        }
    }
    for (const auto& [id, held] : work.state.intents) {
        // What only a person can mend is said while it is fresh, not when the time for the proof is
        // over.
        const auto* look = failing_own_look(work.state, held);
        if (look != nullptr && needs_a_hand(look->reason)) {
            wanted["proof/" + id] =
                page_of("proof/" + id, Severity::critical,
                        fmt::format("{} on {}: accepted, and not done", held.intent.lever,
                                    held.intent.subject.text()),
                        fmt::format("{}. leverd does not fire again. Next: leverd why {}",
                                    describe(look->reason).text, held.intent.subject.text()));
        }
    }
    if (!work.state.observer.trusted) {
        wanted["observer"] =
            page_of("observer", Severity::critical, "leverd doubts its own view",
                    work.state.observer.why +
                        ". No lever fires and no target is called "
                        "down until it passes. Next: check this box's network and clock");
    }
    standing_pages(work, wanted);
    std::vector<Paged> changes;
    for (const auto& [key, page] : wanted) {
        const auto open = work.state.pages.find(key);
        const bool told =
            open != work.state.pages.end() && open->second.status != PageStatus::resolved;
        if (!told || open->second.text != page.text) {
            changes.push_back(page);
            changes.back().since = told ? open->second.since : work.now;
        }
    }
    for (const auto& [key, page] : work.state.pages) {
        if (!wanted.contains(key) && page.status != PageStatus::resolved) {
            auto over = page;
            over.status = PageStatus::resolved;
            over.ended = work.now;
            changes.push_back(std::move(over));
        }
    }
    for (auto& page : changes) {
        const auto before = work.state.pages.find(page.key);
        page.version = before == work.state.pages.end() ? work.state.book.made + 1
                                                        : before->second.version + 1;
        page.at = work.now;
        work.record(page);
        work.ask(SendPage{page});
    }
}

}  // namespace leverd
