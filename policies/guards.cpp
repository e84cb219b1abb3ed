// Why: see guards.hpp.
#include "policies/guards.hpp"

#include "core/model/codec.hpp"
#include "core/model/plan_params.hpp"
#include "policies/decide/limits.hpp"
#include "policies/decide/verdict.hpp"
#include "policies/detect.hpp"
#include "policies/detect/blind.hpp"
#include "policies/guard_names.hpp"
#include "policies/observer.hpp"
#include "policies/switches.hpp"
#include "policies/topology.hpp"
#include "policies/windows.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

GuardVerdict stop_switch(const GuardInput& in) {
    const auto& stop = in.state.stop;
    if (!stop.stopped) {
        return pass("the stop switch is not set", "running");
    }
    const auto until = stop.until == Instant{}
                           ? std::string{}
                           : fmt::format(", {} left", since(in.now.at, stop.until));
    const auto* lift =
        stop.who == by_stop_file ? "Remove that file to lift it" : "Lift it: leverd resume";
    return block(
        fmt::format("the stop switch was set by {}: {}{}. {}", stop.who, stop.why, until, lift),
        "stopped", "running");
}

GuardVerdict daemon_ready(const GuardInput& in) {
    const bool automatic = in.by_hand == nullptr && in.ceiling.mode == Mode::automatic;
    auto why = not_ready(in.state, automatic);
    if (why.empty()) {
        return pass("the ledger is writable and the config is loaded", "ready");
    }
    return in.state.ledger_writable ? block(std::move(why), "config refused", "config loaded")
                                    : block(std::move(why), "ledger unwritable", "ledger writable");
}

// Cool-downs, vetoes and attempts that are lost hold nobody, so a person has to say first that this
// is the history to go on with. That holds for what a person wants fired, too.
GuardVerdict history(const GuardInput& in) {
    const auto& held = in.state.history;
    if (held.doubted) {
        return block(fmt::format("{}. Accept it: leverd ledger accept --why ...", held.why),
                     "in doubt", "whole");
    }
    return pass("the ledger holds everything that its witness knows", "whole");
}

GuardVerdict observer_trusted(const GuardInput& in) {
    const auto& observer = in.state.observer;
    const auto dwell = in.rules.policies.observer.dwell;
    if (!observer.trusted) {
        return block(observer.why, "in doubt", "trusted");
    }
    const auto quiet_from = std::max(observer.doubt_ended, in.transient.resumed);
    if (in.now.at - quiet_from < dwell) {
        in.ask_again(quiet_from + dwell);
        return block(
            fmt::format("this box has been trusted for only {}", since(quiet_from, in.now.at)),
            since(quiet_from, in.now.at), format_duration(dwell));
    }
    const auto fresh_for = in.rules.runbook.fresh_for;
    if (!observer_vouches(in.rules, in.state, in.now.at - fresh_for)) {
        return block(fmt::format("fewer than {} reference points were seen good within {}, so the "
                                 "fault may be ours",
                                 in.rules.policies.observer.quorum, format_duration(fresh_for)),
                     std::string(references_unheard),
                     fmt::format("quorum {}", in.rules.policies.observer.quorum));
    }
    return pass("this box trusts its own view", since(quiet_from, in.now.at),
                format_duration(dwell));
}

GuardVerdict evidence_fresh(const GuardInput& in) {
    if (in.by_hand != nullptr) {
        return pass("a person asked for it and answers for the evidence", in.by_hand->who);
    }
    const auto& about = in.incident.subject;
    const auto newest = evidence_time(in.rules, in.state, in.symptom, about, in.now.at);
    const auto limit = format_duration(in.rules.runbook.fresh_for);
    if (!newest) {
        return block("no look that can be judged supports the symptom now", "none", limit);
    }
    const auto age = since(*newest, in.now.at);
    in.ask_again(*newest + in.rules.runbook.fresh_for + Millis{1});
    return in.now.at - *newest <= in.rules.runbook.fresh_for
               ? pass("the newest evidence is fresh", age, limit)
               : block("the newest evidence is too old to act on: " + age, age, limit);
}

GuardVerdict subject_allowed(const GuardInput& in) {
    if (in.lever == nullptr) {
        return block("no lever of this name exists here", "none");
    }
    if (in.policy == nullptr) {
        return block(fmt::format("no policy names {}{} for {}",
                                 in.by_hand == nullptr ? in.symptom.id + " x " : std::string{},
                                 in.lever->id, in.incident.subject.text()),
                     "none");
    }
    return pass(fmt::format("policy {} names this subject", in.policy->id), in.policy->id);
}

// Windows that hold come first; among those that permit, one that is open is enough.
GuardVerdict window(const GuardInput& in) {
    const Window* permits = nullptr;
    bool permitted = true;
    for (const auto& one : in.rules.policies.windows) {
        if (!applies(one, in.incident.subject, in.lever->id)) {
            continue;
        }
        const bool open = is_open(one, in.now.wall);
        if (one.effect == Window::Effect::hold && open) {
            return block(fmt::format("window {} of {} holds levers ({}): {}", one.id, one.owner,
                                     describe(one), one.reason),
                         one.id, describe(one));
        }
        if (one.effect == Window::Effect::only && !(permits != nullptr && permitted)) {
            permits = &one;
            permitted = open;
        }
    }
    if (permits != nullptr && !permitted) {
        return block(fmt::format("levers fire only inside window {} of {} ({}): {}", permits->id,
                                 permits->owner, describe(*permits), permits->reason),
                     "closed", describe(*permits));
    }
    return permits == nullptr ? pass("no window holds levers now", "none")
                              : pass("inside window " + permits->id, permits->id);
}

// By the plan, where there is one that says it: a lever that usually restores the receipt may go to
// what leverd remembers when the receipt has no line, and one that usually does not may go to it.
bool goes_to_receipt(const GuardInput& in) {
    if (in.plan != nullptr && in.plan->ok) {
        const auto& params = in.plan->plan.params;
        if (const auto from = params.find(target_from_param); from != params.end()) {
            return from->second == from_receipt_word;
        }
    }
    return in.lever->restores_receipt;
}

GuardVerdict freeze(const GuardInput& in) {
    if (!in.rules.policies.freeze_active) {
        return pass("no freeze is active", "thawed");
    }
    const bool held = in.lever->moves_image && !goes_to_receipt(in);
    // A symptom that is itself a departure from the freeze, or a policy that says approve, lets a
    // person decide.
    if (held && in.ceiling.mode == Mode::automatic) {
        return block(
            "a freeze is active and this lever moves an image away from the receipt; only a "
            "person may do that (mode approve)",
            "frozen");
    }
    return pass(held ? "a freeze is active; a person decides about this move"
                     : "a freeze is active and this lever does not leave the receipt",
                "frozen");
}

GuardVerdict veto(const GuardInput& in) {
    const auto* held = veto_on(in.state, in.incident.subject, in.lever->id);
    if (held == nullptr) {
        return pass("nobody vetoed levers on it", "none");
    }
    const auto& set = held->set;
    const auto until = set.until == Instant{} ? std::string{"until it is lifted"}
                                              : fmt::format("{} left", since(in.now.at, set.until));
    return block(fmt::format("{} holds levers on {} ({}): {}. Lift it: leverd unveto {}", set.who,
                             set.subjects, until, set.why, set.id),
                 set.id, until);
}

GuardVerdict explained(const GuardInput& in) {
    for (const auto& above : ancestors_of(in.rules.runbook, in.state, in.incident.subject)) {
        const auto symptoms = in.state.index.symptoms_on.find(above);
        if (symptoms != in.state.index.symptoms_on.end()) {
            const auto& first = *symptoms->second.begin();
            const auto* words = speaks_of_blindness(in.rules, first)
                                    ? "{1} cannot be judged, so it may be the cause ({2})"
                                    : "{0} on {1} explains it ({2})";
            return block(fmt::format(fmt::runtime(words), first, above.text(),
                                     in.state.symptoms.at({first, above}).incident),
                         above.text());
        }
        const auto held = in.state.subjects.find(above);
        if (held == in.state.subjects.end()) {
            continue;
        }
        for (const auto& [signal, run] : held->second.detectors) {
            if (run.bad > 0) {
                return block(
                    fmt::format("{} above it looks bad too ({} of {}): waiting for its verdict",
                                above.text(), run.bad, signal),
                    above.text());
            }
        }
    }
    return pass("nothing above it explains it");
}

// Counts from the incident's own beginning: a symptom that was explained until now has not waited
// for itself yet.
GuardVerdict dwell(const GuardInput& in) {
    if (in.by_hand != nullptr) {
        return pass("a person asked for it now", in.by_hand->who);
    }
    const auto active = in.state.symptoms.find({in.incident.symptom, in.incident.subject});
    if (active == in.state.symptoms.end()) {
        return block("the symptom has cleared", "cleared");
    }
    const auto from = std::max(active->second.raised.at, in.incident.opened.at);
    const auto held = since(from, in.now.at);
    in.ask_again(from + in.symptom.dwell);
    return in.now.at - from >= in.symptom.dwell
               ? pass("the symptom has lasted long enough", held, format_duration(in.symptom.dwell))
               : block("waiting whether a wider cause shows itself", held,
                       format_duration(in.symptom.dwell));
}

// A lever that only looks steady for the moment between two changes would be fired for ever.
GuardVerdict flapping(const GuardInput& in) {
    if (!in.lever->disruptive || in.state.flapping.empty()) {
        return pass("it does not go up and down", "steady");
    }
    for (const auto& [signal, subject] : in.state.flapping) {
        const bool about = subject == in.incident.subject ||
                           (in.symptom.group &&
                            is_ancestor(in.rules.runbook, in.state, in.incident.subject, subject));
        if (about && names_signal(in.symptom, signal)) {
            const auto& rules = in.rules.runbook.flap;
            return block(fmt::format("{} of {} goes up and down: steady for a while first", signal,
                                     subject.text()),
                         "flapping", fmt::format("below {} changes", rules.stop));
        }
    }
    return pass("it does not go up and down", "steady");
}

GuardVerdict mode(const GuardInput& in) {
    const auto value = std::string(to_string(in.ceiling.mode));
    if (in.lever->manual) {
        return block("this lever is done by a person: leverd gives the exact steps", value,
                     "approve");
    }
    const auto why = in.ceiling.why.empty() ? std::string{} : ": " + in.ceiling.why;
    return in.ceiling.mode >= Mode::approve
               ? pass("leverd may fire it" + why, value, "approve")
               : block("it is only recommended" + why, value, "approve");
}

GuardVerdict in_flight(const GuardInput& in) {
    for (const auto& id : in.state.index.at_work) {
        const auto& other = in.state.intents.at(id).intent;
        const bool related =
            other.subject == in.incident.subject ||
            is_ancestor(in.rules.runbook, in.state, other.subject, in.incident.subject) ||
            is_ancestor(in.rules.runbook, in.state, in.incident.subject, other.subject);
        const bool same_resource = in.plan != nullptr && !in.plan->plan.resource.empty() &&
                                   other.plan.resource == in.plan->plan.resource;
        if (related || same_resource) {
            return block(fmt::format("{} ({}) is still at work on {}", other.lever, id,
                                     other.subject.text()),
                         id, "none");
        }
    }
    return pass("no lever is at work on it", "none");
}

// A lever that was refused at the last moment waits for the world to change, each time longer.
constexpr Millis refused_pause{60'000};

GuardVerdict precondition(const GuardInput& in) {
    if (in.plan == nullptr) {
        return block("no plan could be made yet", "no plan");
    }
    if (!in.plan->ok) {
        return block(in.plan->problem, "not met");
    }
    int refused = 0;
    Instant last{};
    for (const auto& id : in.incident.intents) {
        const auto held = in.state.intents.find(id);
        const bool was = held != in.state.intents.end() && held->second.outcome &&
                         held->second.outcome->kind == OutcomeKind::refused;
        refused += was ? 1 : 0;
        last = was ? held->second.ended.at : last;
    }
    const auto pause = refused_pause * (1 << std::min(refused, 6)) / 2;
    if (refused > 0 && in.now.at - last < pause) {
        in.ask_again(last + pause);
        return block("refused at the last moment: what it needs no longer held",
                     since(last, in.now.at), format_duration(pause));
    }
    return pass("the exact target was confirmed and the plan is made", "planned");
}

GuardVerdict approval(const GuardInput& in) {
    if (in.by_hand != nullptr) {
        return pass(fmt::format("asked for by {}: {}", in.by_hand->who, in.by_hand->why),
                    in.by_hand->who);
    }
    if (in.ceiling.mode == Mode::automatic) {
        return pass("the policy says auto", "auto");
    }
    const auto& given = in.incident.approval;
    in.ask_again(in.incident.decided.at + in.policy->limits.approval_ttl + Millis{1});
    in.ask_again(in.incident.approved.at + in.policy->limits.approval_ttl + Millis{1});
    const auto ttl = in.policy->limits.approval_ttl;
    const auto limit = format_duration(ttl);
    if (!given || given->hash != in.hash) {
        const auto& asked = in.incident.decision;
        const bool expired = asked && asked->action == Action::ask && asked->hash == in.hash &&
                             in.now.at - in.incident.decided.at > ttl;
        return block(
            expired ? "nobody approved in time; it is asked for again" : "waiting for a person",
            expired ? "expired" : "pending", limit);
    }
    if (!given->approved) {
        return block(fmt::format("rejected by {}: {}", given->who, given->why), "rejected");
    }
    const auto age = since(in.incident.approved.at, in.now.at);
    return in.now.at - in.incident.approved.at <= ttl
               ? pass(fmt::format("approved by {}", given->who), given->who, limit)
               : block(fmt::format("the approval of {} is {} old; it is asked for again",
                                   given->who, age),
                       "expired", limit);
}

}  // namespace

const std::vector<Guard>& guard_table() {
    static const std::vector<Guard> table{
        {guard_name::stop_switch, stop_switch, false},
        {guard_name::daemon_ready, daemon_ready, false},
        {guard_name::history, history, false},
        {guard_name::observer, observer_trusted, false},
        {guard_name::evidence, evidence_fresh, false},
        {guard_name::subject_allowed, subject_allowed, false},
        {guard_name::window, window},
        {guard_name::freeze, freeze},
        {guard_name::veto, veto},
        {guard_name::explained, explained},
        {guard_name::flapping, flapping},
        {guard_name::dwell, dwell},
        {guard_name::mode, mode},
        {guard_name::attempts, attempts_left},
        {guard_name::in_flight, in_flight},
        {guard_name::cool_down, cooled_down},
        {guard_name::budget, within_budget},
        {guard_name::blast_radius, within_blast_radius},
        {guard_name::storm, no_storm},
        {guard_name::precondition, precondition},
        {guard_name::approval, approval},
    };
    return table;
}

}  // namespace leverd
