// Why: see text.hpp.
#include "policies/page/text.hpp"

#include "core/model/codec.hpp"
#include "policies/detect.hpp"
#include "policies/guard_names.hpp"
#include "policies/losses.hpp"
#include "policies/page/up_and_down.hpp"
#include "policies/topology.hpp"
#include "policies/verify.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

constexpr std::size_t subjects_named = 5;
constexpr std::size_t intents_named = 3;
// Limits and cool-downs of a lever that fired before the first start would mostly be over by then.
constexpr Millis history_is_short{3'600'000};

std::string sentence(std::string text) {
    if (!text.empty() && std::string_view{".!?"}.find(text.back()) == std::string_view::npos) {
        text += '.';
    }
    return text;
}

void say(std::string& text, const std::string& more) {
    if (!more.empty()) {
        text += (text.empty() ? "" : " ") + sentence(more);
    }
}

std::string outcome_text(const IntentState& held) {
    if (held.verdict) {
        return fmt::format("{}: {}", to_string(held.verdict->kind), held.verdict->why);
    }
    if (held.phase == IntentPhase::in_flight) {
        return "on its way";
    }
    if (held.phase == IntentPhase::verifying) {
        return "accepted, its proof is waited for";
    }
    const auto detail = held.settled && !held.settled->detail.empty() ? held.settled->detail
                        : held.outcome                                ? held.outcome->detail
                                                                      : std::string{};
    const auto kind = held.outcome ? std::string(to_string(held.outcome->kind)) : "unknown";
    return detail.empty() ? kind : kind + ": " + detail;
}

// "tenant-redeploy (t-3) not_recovered: still missing ...".
std::string tried_text(const State& state, const Incident& incident) {
    std::string text;
    const auto& ids = incident.intents;
    const auto first = ids.size() > intents_named ? ids.size() - intents_named : 0;
    for (auto i = first; i < ids.size(); ++i) {
        const auto held = state.intents.find(ids[i]);
        if (held != state.intents.end()) {
            text += fmt::format("{}{} ({}) {}", text.empty() ? "" : "; ", held->second.intent.lever,
                                ids[i], outcome_text(held->second));
        }
    }
    return text.empty() ? text : "Tried: " + text;
}

std::string guard_text(const Decision& decision) {
    const auto blocking = std::ranges::find(decision.guards, false, &GuardVerdict::pass);
    if (blocking == decision.guards.end()) {
        return decision.reason;
    }
    auto text = fmt::format("{}: {}", blocking->guard, blocking->text);
    if (!blocking->limit.empty()) {
        text += fmt::format(" (now {}, limit {})", blocking->value, blocking->limit);
    }
    return text;
}

// What the lever's own look at the target found.
std::string own_finding(const State& state, const std::string& intent) {
    const auto held = state.intents.find(intent);
    const auto* look =
        held == state.intents.end() ? nullptr : failing_own_look(state, held->second);
    return look == nullptr ? std::string{} : std::string(describe(look->reason).text);
}

std::string what_holds(const Rules& rules, const State& state_now, const Incident& incident,
                       const CaseView& view) {
    const auto state = view.row->state;
    if (state == page_state::no_lever) {
        return "The runbook has no lever for it";
    }
    if (state == page_state::outcome_unknown) {
        return fmt::format(
            "Nobody knows whether {} ({}) took effect; leverd looks at the target and does not "
            "fire it again",
            view.lever, view.intent);
    }
    if (state == page_state::lost) {
        return open_loss(state_now, incident) + " is gone and nothing replaced it";
    }
    if (state == page_state::not_done) {
        return fmt::format("{} ({}) was accepted and not done: {}. leverd does not fire it again",
                           view.lever, view.intent, own_finding(state_now, view.intent));
    }
    if (state == page_state::at_work) {
        return fmt::format("{} ({}) is at work", view.lever, view.intent);
    }
    if (state == page_state::planning) {
        return "A plan for its lever is being made";
    }
    if (!incident.decision) {
        return incident.escalated_why;
    }
    const auto& decision = *incident.decision;
    if (state == page_state::recommended) {
        const auto* symptom = find_symptom(rules, incident.symptom);
        const auto words = symptom == nullptr || symptom->first_lever.empty()
                               ? decision.lever
                               : symptom->first_lever;
        return fmt::format("First lever to try: {}. leverd does not fire it: {}", words,
                           guard_text(decision));
    }
    if (state == page_state::approval) {
        return fmt::format("{} waits for your approval", decision.lever);
    }
    if (state == page_state::rejected && incident.approval) {
        return fmt::format("{} was rejected by {}: {}", decision.lever, incident.approval->who,
                           incident.approval->why);
    }
    if (state == page_state::escalated && incident.acknowledged) {
        return fmt::format(
            "{} saw to what was lost: {}. The symptom is still there, and leverd "
            "fires nothing more for it",
            incident.acknowledged->who, incident.acknowledged->why);
    }
    if (state == page_state::escalated) {
        const auto blocking = std::ranges::find(decision.guards, false, &GuardVerdict::pass);
        auto text = "leverd fires nothing more for it: " + incident.escalated_why;
        if (blocking != decision.guards.end()) {
            text += fmt::format(" ({}: now {}, limit {})", blocking->guard, blocking->value,
                                blocking->limit);
        }
        return text;
    }
    return fmt::format("{} is held by {}", decision.lever, guard_text(decision));
}

// What the reader may miss in leverd's memory, where it bears on this case.
std::string memory_text(const State& state, const Now& since) {
    const auto& first = state.history.first;
    if (first == Now{} || since.at - first.at > history_is_short) {
        return {};
    }
    return fmt::format(
        "leverd was first started at {}; what happened and what was tried before that is not "
        "known",
        moment_text(first));
}

std::string next_step(const Incident& incident, const CaseView& view) {
    const auto state = view.row->state;
    const auto& subject = incident.subject.text();
    if (state == page_state::approval && incident.decision) {
        return fmt::format("Next: leverd approve {0} --why ..., or leverd reject {0} --why ...",
                           incident.decision->id);
    }
    if (state == page_state::lost) {
        return fmt::format(
            "Next: recreate it by hand from the plan (leverd why {}), then leverd ack "
            "{} --why ...",
            subject, incident.id);
    }
    if (state == page_state::outcome_unknown || state == page_state::not_done) {
        return fmt::format("Next: look at {} by hand; leverd why {}", subject, subject);
    }
    return "Next: leverd why " + subject;
}

// What all of them hang on, when it is one thing; else the symptom that they share.
std::string common_text(const Rules& rules, const State& state,
                        const std::vector<StormMember>& members) {
    auto common = ancestors_of(rules.runbook, state, members.front().incident->subject);
    bool one_symptom = true;
    for (const auto& member : members) {
        const auto& above = ancestors_of(rules.runbook, state, member.incident->subject);
        std::erase_if(common, [&](const Subject& subject) {
            return std::ranges::find(above, subject) == above.end();
        });
        one_symptom = one_symptom && member.incident->symptom == members.front().incident->symptom;
    }
    std::string text;
    if (!common.empty()) {
        text = "All depend on " + common.front().text();
    }
    if (one_symptom) {
        const auto* symptom = find_symptom(rules, members.front().incident->symptom);
        text +=
            fmt::format("{}: {}", text.empty() ? "All the same" : "; all the same",
                        symptom == nullptr ? members.front().incident->symptom : symptom->title);
    }
    return text;
}

}  // namespace

std::string moment_text(const Now& now) {
    auto text = format_rfc3339(now.wall);
    std::ranges::replace(text, 'T', ' ');
    return text.substr(0, text.find('.')) + " UTC";
}

std::string case_title(const Rules& rules, const State& state, const Incident& incident) {
    if (const auto lost = open_loss(state, incident); !lost.empty()) {
        const bool itself = lost == incident.subject.text();
        return fmt::format("{}: {}deleted and not recreated", incident.subject.text(),
                           itself ? "" : lost + " was ");
    }
    const auto* symptom = find_symptom(rules, incident.symptom);
    return fmt::format("{}: {}", incident.subject.text(),
                       symptom == nullptr ? incident.symptom : symptom->title);
}

std::string case_text(const Rules& rules, const State& state, const Incident& incident,
                      const CaseView& view, const Now& since) {
    std::string text;
    say(text, fmt::format("Since {}", moment_text(since)));
    say(text, memory_text(state, since));
    const auto active = state.symptoms.find({incident.symptom, incident.subject});
    if (active == state.symptoms.end()) {
        say(text, "The symptom has cleared");
    } else if (!active->second.evidence.empty()) {
        say(text, "Seen: " + active->second.evidence);
    }
    if (incident.linked.size() > 1) {
        say(text, fmt::format("It explains {} more symptom{}", incident.linked.size() - 1,
                              incident.linked.size() == 2 ? "" : "s"));
    }
    say(text, tried_text(state, incident));
    say(text, what_holds(rules, state, incident, view));
    const auto flaps = up_and_down(rules, state, incident.subject);
    say(text, flaps.empty() ? flaps : "It " + flaps);
    if (view.guard == guard_name::flapping || !flaps.empty()) {
        say(text, kept_of_flapping);
    }
    say(text, next_step(incident, view));
    return text;
}

std::string storm_title(const Rules& rules, const State& state,
                        const std::vector<StormMember>& members, int closed) {
    const auto& example = members.front().incident->subject.text();
    if (closed > 0) {
        return fmt::format("{} of {} separate incidents {} still open, e.g. {}", members.size(),
                           members.size() + static_cast<std::size_t>(closed),
                           members.size() == 1 ? "is" : "are", example);
    }
    if (members.size() == 1) {  // the others have pages of their own
        return case_title(rules, state, *members.front().incident) +
               ", and others at the same time";
    }
    return fmt::format("{} separate incidents at once, e.g. {}", members.size(), example);
}

std::string storm_text(const Rules& rules, const State& state,
                       const std::vector<StormMember>& members, const Now& since) {
    std::string text;
    say(text, fmt::format("Since {}", moment_text(since)));
    say(text, memory_text(state, since));
    std::string names;
    for (std::size_t i = 0; i < std::min(members.size(), subjects_named); ++i) {
        names += (i == 0 ? "" : "; ") + case_title(rules, state, *members[i].incident);
    }
    if (members.size() > subjects_named) {
        names += fmt::format("; and {} more", members.size() - subjects_named);
    }
    say(text, names);
    say(text, common_text(rules, state, members));
    if (state.breaker.phase == BreakerPhase::open) {
        say(text, "The storm breaker is open and holds every lever: " + state.breaker.why);
    }
    say(text, "Next: leverd incidents --open");
    return text;
}

std::string endings_text(int by_lever, int alone) {
    const int all = by_lever + alone;
    if (by_lever == 0) {
        return fmt::format("All {} are over; no lever was proven to have helped", all);
    }
    return fmt::format(
        "All {} are over; a lever was proven to have helped {}", all,
        alone == 0 ? std::string("each of them") : fmt::format("{} of them", by_lever));
}

std::string ending_text(const State& state, const std::vector<const Incident*>& closed) {
    std::string by_lever;
    std::string otherwise = "It is over; no lever was proven to have helped";
    int alone = 0;
    int helped = 0;
    for (const auto* incident : closed) {
        if (incident->end == "absorbed") {
            continue;
        }
        if (incident->end == "lost" && incident->acknowledged) {
            return fmt::format("What was lost was seen to by {}: {}", incident->acknowledged->who,
                               incident->acknowledged->why);
        }
        std::string lever;
        for (const auto& id : incident->intents) {
            const auto held = state.intents.find(id);
            const bool proven = held != state.intents.end() && held->second.verdict &&
                                held->second.verdict->kind == VerdictKind::recovered;
            lever = proven ? fmt::format("{} ({})", held->second.intent.lever, id) : lever;
        }
        alone += lever.empty() ? 1 : 0;
        helped += lever.empty() ? 0 : 1;
        by_lever = lever.empty() ? by_lever : lever;
        otherwise = incident->end == "self_healed" ? "It recovered without a lever"
                    : incident->end == "gone" ? incident->subject.text() + " is not there any more"
                    : incident->end == "rule_gone" ? "Its rule is not in the runbook any more"
                    : incident->end == "unproven"
                        ? "It recovered after a lever had acted; whether that was the reason is "
                          "not proven"
                        : otherwise;
    }
    if (helped + alone > 1) {
        return endings_text(helped, alone);
    }
    return helped == 1 ? by_lever + " was proven to help" : otherwise;
}

std::string news_text(const Paged& before, const Paged& after) {
    if (after.status == PageStatus::resolved && after.state == page_state::no_history) {
        return "closed; nobody saw whether it is over";
    }
    if (after.status != before.status) {
        if (after.status == PageStatus::firing && !after.again) {
            return fmt::format("it follows {}, which had recovered", before.title);
        }
        return after.status == PageStatus::firing      ? "it came back"
               : after.status == PageStatus::recovered ? "nothing is wrong any more"
                                                       : "it is over";
    }
    if (after.state != before.state) {
        return fmt::format("now {}, before {}", after.state, before.state);
    }
    if (after.title != before.title) {
        return after.title;
    }
    if (after.severity != before.severity) {
        return fmt::format("now {}", to_string(after.severity));
    }
    return {};
}

}  // namespace leverd
