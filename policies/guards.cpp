// Why: see guards.hpp.
#include "policies/guards.hpp"

#include "core/model/codec.hpp"
#include "policies/detect.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

GuardVerdict pass(std::string text, std::string value = {}, std::string limit = {}) {
    return GuardVerdict{{}, true, std::move(value), std::move(limit), std::move(text)};
}
GuardVerdict block(std::string text, std::string value = {}, std::string limit = {}) {
    return GuardVerdict{{}, false, std::move(value), std::move(limit), std::move(text)};
}
std::string since(Instant from, Instant now) {
    return format_duration(std::chrono::duration_cast<Millis>(now - from));
}

GuardVerdict stop_switch(const GuardInput& in) {
    const auto& stop = in.state.stop;
    return stop.stopped
               ? block(fmt::format("the stop switch was set by {}: {}. Lift it: leverd resume",
                                   stop.who, stop.why),
                       "stopped", "running")
               : pass("the stop switch is not set", "running");
}

GuardVerdict daemon_ready(const GuardInput& in) {
    if (!in.state.ledger_writable) {
        return block("the ledger cannot be written, so no intent could be recorded before the call",
                     "ledger unwritable", "ledger writable");
    }
    return pass("the ledger is writable and the config is loaded", "ready");
}

GuardVerdict observer_trusted(const GuardInput& in) {
    const auto& observer = in.state.observer;
    const auto dwell = in.rules.policies.observer.dwell;
    if (!observer.trusted) {
        return block(observer.why, "in doubt", "trusted");
    }
    const auto quiet_from = std::max(observer.doubt_ended, in.transient.resumed);
    if (in.now.at - quiet_from < dwell) {
        return block(
            fmt::format("this box has been trusted for only {}", since(quiet_from, in.now.at)),
            since(quiet_from, in.now.at), format_duration(dwell));
    }
    return pass("this box trusts its own view", since(quiet_from, in.now.at),
                format_duration(dwell));
}

GuardVerdict evidence_fresh(const GuardInput& in) {
    const auto newest = evidence_time(in.rules, in.state, in.symptom, in.incident.subject);
    const auto limit = format_duration(in.rules.runbook.fresh_for);
    if (!newest) {
        return block("no look that can be judged supports the symptom now", "none", limit);
    }
    const auto age = since(*newest, in.now.at);
    return in.now.at - *newest <= in.rules.runbook.fresh_for
               ? pass("the newest evidence is fresh", age, limit)
               : block("the newest evidence is too old to act on", age, limit);
}

GuardVerdict subject_allowed(const GuardInput& in) {
    if (in.lever == nullptr) {
        return block("no lever of this name exists here", "none");
    }
    if (in.policy == nullptr) {
        return block(fmt::format("no policy names {} x {} for {}", in.symptom.id, in.lever->id,
                                 in.incident.subject.text()),
                     "none");
    }
    return pass(fmt::format("policy {} names this subject", in.policy->id), in.policy->id);
}

GuardVerdict freeze(const GuardInput& in) {
    if (!in.rules.policies.freeze_active) {
        return pass("no freeze is active", "thawed");
    }
    const bool held = in.lever->moves_image && !in.lever->restores_receipt;
    // A symptom that is itself a departure from the freeze, or a policy that says approve, lets a
    // person decide.
    if (held && in.mode == Mode::automatic) {
        return block(
            "a freeze is active and this lever moves an image away from the receipt; only a "
            "person may do that (mode approve)",
            "frozen");
    }
    return pass(held ? "a freeze is active; a person decides about this move"
                     : "a freeze is active and this lever does not leave the receipt",
                "frozen");
}

GuardVerdict explained(const GuardInput& in) {
    for (const auto& above : ancestors_of(in.rules.runbook, in.state, in.incident.subject)) {
        for (const auto& [key, active] : in.state.symptoms) {
            if (key.second == above) {
                return block(fmt::format("{} on {} explains it ({})", key.first, above.text(),
                                         active.incident),
                             above.text());
            }
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

GuardVerdict dwell(const GuardInput& in) {
    const auto active = in.state.symptoms.find({in.incident.symptom, in.incident.subject});
    if (active == in.state.symptoms.end()) {
        return block("the symptom has cleared", "cleared");
    }
    const auto held = since(active->second.raised.at, in.now.at);
    return in.now.at - active->second.raised.at >= in.symptom.dwell
               ? pass("the symptom has lasted long enough", held, format_duration(in.symptom.dwell))
               : block("waiting whether a wider cause shows itself", held,
                       format_duration(in.symptom.dwell));
}

GuardVerdict mode(const GuardInput& in) {
    const auto value = std::string(to_string(in.mode));
    if (in.lever->manual) {
        return block("this lever is done by a person: leverd gives the exact steps", value,
                     "approve");
    }
    return in.mode >= Mode::approve ? pass("the policy lets leverd fire it", value, "approve")
                                    : block("the policy only recommends it", value, "approve");
}

GuardVerdict in_flight(const GuardInput& in) {
    for (const auto& [id, held] : in.state.intents) {
        if (held.phase == IntentPhase::done) {
            continue;
        }
        const auto& other = held.intent;
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

GuardVerdict cool_down(const GuardInput& in) {
    const auto limit = in.policy->limits.cool_down;
    const auto fired = in.state.last_fired.find({in.lever->id, in.incident.subject});
    if (fired == in.state.last_fired.end()) {
        return pass("never fired on this subject", "never", format_duration(limit));
    }
    const auto age = since(fired->second, in.now.at);
    return in.now.at - fired->second >= limit
               ? pass("the last firing is long past", age, format_duration(limit))
               : block(fmt::format("fired {} ago", age), age, format_duration(limit));
}

GuardVerdict attempts(const GuardInput& in) {
    const auto made = static_cast<int>(in.incident.intents.size());
    const auto limit = in.policy->limits.attempts;
    return made < limit ? pass("attempts are left", std::to_string(made), std::to_string(limit))
                        : block("every attempt of this incident is used: a person takes over",
                                std::to_string(made), std::to_string(limit));
}

GuardVerdict budget(const GuardInput& in) {
    const auto limit = in.policy->limits.per_hour;
    const auto used = std::ranges::count_if(in.state.firings, [&](const auto& firing) {
        return firing.second.first == in.lever->id &&
               in.now.at - firing.first < std::chrono::hours{1};
    });
    return used < limit
               ? pass("the hourly budget allows it", std::to_string(used), std::to_string(limit))
               : block("the hourly budget of this lever is used", std::to_string(used),
                       std::to_string(limit));
}

GuardVerdict blast_radius(const GuardInput& in) {
    std::set<Subject> touched{in.incident.subject};
    for (const auto& [at, what] : in.state.firings) {
        if (in.now.at - at < std::chrono::hours{1} &&
            what.second.kind() == in.incident.subject.kind()) {
            touched.insert(what.second);
        }
    }
    const auto kind = in.incident.subject.kind();
    const int fleet = std::max(1, visible_count(in.rules, in.state, kind, in.now.at));
    const auto& limits = in.policy->limits;
    const int by_percent = std::max(1, fleet * limits.blast_percent / 100);
    const int limit = std::min(limits.blast_count, by_percent);
    const auto count = static_cast<int>(touched.size());
    const auto text = fmt::format(
        "{} of {} {}s we can see touched within an hour, this one included; limit {} = least of {} "
        "and "
        "{} % rounded down, at least 1",
        count, fleet, kind, limit, limits.blast_count, limits.blast_percent);
    return count <= limit ? pass(text, std::to_string(count), std::to_string(limit))
                          : block(text, std::to_string(count), std::to_string(limit));
}

GuardVerdict precondition(const GuardInput& in) {
    if (in.plan == nullptr) {
        return block("no plan could be made yet", "no plan");
    }
    return in.plan->ok ? pass("the exact target was confirmed and the plan is made", "planned")
                       : block(in.plan->problem, "not met");
}

GuardVerdict approval(const GuardInput& in) {
    if (in.mode == Mode::automatic) {
        return pass("the policy says auto", "auto");
    }
    const auto& given = in.incident.approval;
    if (!given || given->hash != in.hash) {
        const auto& asked = in.incident.decision;
        const bool expired = asked && asked->action == Action::ask && asked->hash == in.hash &&
                             in.now.at - in.incident.decided.at > in.policy->limits.approval_ttl;
        return block(
            expired ? "nobody approved in time; it is asked for again" : "waiting for a person",
            expired ? "expired" : "pending", format_duration(in.policy->limits.approval_ttl));
    }
    return given->approved
               ? pass(fmt::format("approved by {}", given->who), given->who)
               : block(fmt::format("rejected by {}: {}", given->who, given->why), "rejected");
}

}  // namespace

const std::vector<Guard>& guard_table() {
    static const std::vector<Guard> table{
        {"stop_switch", stop_switch},
        {"daemon_ready", daemon_ready},
        {"observer", observer_trusted},
        {"evidence", evidence_fresh},
        {"subject_allowed", subject_allowed},
        {"freeze", freeze},
        {"explained", explained},
        {"dwell", dwell},
        {"mode", mode},
        {"attempts", attempts},
        {"in_flight", in_flight, true},
        {"cool_down", cool_down},
        {"budget", budget},
        {"blast_radius", blast_radius},
        {"precondition", precondition, true},
        {"approval", approval, true},
    };
    return table;
}

Mode mode_ceiling(const Rules& rules, const Policy* policy, const LeverContract* lever) {
    if (policy == nullptr || lever == nullptr) {
        return Mode::observe;
    }
    Mode mode = std::min(policy->mode, rules.policies.ceiling);
    if (lever->manual) {
        mode = std::min(mode, Mode::recommend);
    }
    const bool everything =
        std::ranges::any_of(policy->subjects, [](const auto& s) { return s == "*" || s == "**"; });
    if (lever->reversibility == Reversibility::irreversible &&
        (!policy->irreversible_accepted || everything)) {
        mode = std::min(mode, Mode::approve);
    }
    return mode;
}

}  // namespace leverd
