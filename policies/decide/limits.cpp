// Why: see limits.hpp.
#include "policies/decide/limits.hpp"

#include "core/model/plan_params.hpp"
#include "policies/decide/verdict.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

const IntentState* newest_intent(const GuardInput& in) {
    if (in.incident.intents.empty()) {
        return nullptr;
    }
    const auto held = in.state.intents.find(in.incident.intents.back());
    return held == in.state.intents.end() ? nullptr : &held->second;
}

// What could be touched at all: seen lately, and named by the policy.
int reachable_count(const GuardInput& in, std::string_view kind) {
    const auto found = in.state.index.reach.find({in.policy->id, std::string(kind)});
    return found == in.state.index.reach.end() ? 0 : found->second;
}

// A person makes good what a lever of ours lost. What bounds levers must not stand in the way of
// that: the thing is gone until it is made anew, and a firing that finds it there is refused.
bool is_recreation(const GuardInput& in) {
    return in.by_hand != nullptr && in.plan != nullptr &&
           in.plan->plan.params.contains(recreates_param);
}
constexpr const char* makes_good_text =
    "it makes good what a lever lost, so this limit does not hold it";

}  // namespace

// Counts for the subject and for what the lever moves: two incidents about one tag are one cause.
GuardVerdict cooled_down(const GuardInput& in) {
    if (is_recreation(in)) {
        return pass(makes_good_text, "making good");
    }
    const auto limit = in.policy->limits.cool_down;
    const auto resource = in.plan == nullptr ? std::string{} : in.plan->plan.resource;
    const Firing* last = nullptr;
    for (const auto& firing : in.state.firings) {
        const bool same = firing.subject == in.incident.subject ||
                          (!resource.empty() && firing.resource == resource);
        if (firing.lever == in.lever->id && same) {
            last = &firing;
        }
    }
    if (last == nullptr) {
        return pass("not fired on it lately", "never", format_duration(limit));
    }
    const auto age = since(last->at, in.now.at);
    in.ask_again(last->at + limit);
    if (in.now.at - last->at >= limit) {
        return pass("the last firing is long past", age, format_duration(limit));
    }
    const auto on =
        last->subject == in.incident.subject
            ? std::string{}
            : fmt::format(" on {}, which moves the same {}", last->subject.text(), last->resource);
    return block(
        fmt::format("fired {} ago{}, {} to wait", age, on, since(in.now.at, last->at + limit)), age,
        format_duration(limit));
}

GuardVerdict attempts_left(const GuardInput& in) {
    if (in.by_hand != nullptr) {
        return pass("a person has taken over this case", in.by_hand->who);
    }
    const auto value = std::to_string(in.rung.attempts);
    const auto limit = std::to_string(in.policy->limits.attempts);
    const auto* last = newest_intent(in);
    if (last != nullptr && last->verdict && last->verdict->kind == VerdictKind::inconclusive) {
        return block(
            fmt::format("nobody could tell what {} did: a person looks first", last->intent.id),
            value, limit);
    }
    if (in.rung.attempts < in.policy->limits.attempts) {
        return pass(in.rung.count > 1 ? fmt::format("rung {} of {}, attempts are left",
                                                    in.rung.number, in.rung.count)
                                      : "attempts are left",
                    value, limit);
    }
    if (in.rung.refused >= refused_most) {
        const auto why = last != nullptr && last->outcome ? last->outcome->detail : std::string{};
        return block(fmt::format("{} was refused {} times at the last moment, with nothing sent: "
                                 "{}; a person takes over",
                                 in.rung.lever, in.rung.refused, why),
                     value, limit);
    }
    return block(
        "every attempt of this case is used, counting those of an incident that came back "
        "soon: a person takes over",
        value, limit);
}

GuardVerdict within_budget(const GuardInput& in) {
    if (is_recreation(in)) {
        return pass(makes_good_text, "making good");
    }
    constexpr Millis an_hour = std::chrono::hours{1};
    constexpr Millis a_day = std::chrono::hours{24};
    int hour = 0;
    int day = 0;
    for (auto at = in.state.firings.rbegin(); at != in.state.firings.rend(); ++at) {
        const auto age = in.now.at - at->at;
        if (age >= a_day) {
            break;
        }
        if (at->lever == in.lever->id) {
            day += 1;
            hour += age < an_hour ? 1 : 0;
            in.ask_again(at->at + (age < an_hour ? an_hour : a_day));
        }
    }
    const auto& limits = in.policy->limits;
    const auto value = fmt::format("{} in an hour, {} in a day", hour, day);
    const auto limit = fmt::format("{} and {}", limits.per_hour, limits.per_day);
    return hour < limits.per_hour && day < limits.per_day
               ? pass("the budget of this lever allows it", value, limit)
               : block("the budget of this lever is used", value, limit);
}

GuardVerdict within_blast_radius(const GuardInput& in) {
    if (is_recreation(in)) {
        return pass(makes_good_text, "making good");
    }
    std::set<Subject> touched{in.incident.subject};
    constexpr Millis an_hour = std::chrono::hours{1};
    for (auto at = in.state.firings.rbegin(); at != in.state.firings.rend(); ++at) {
        if (in.now.at - at->at >= an_hour) {
            break;
        }
        if (at->subject.kind() == in.incident.subject.kind()) {
            touched.insert(at->subject);
            in.ask_again(at->at + an_hour);
        }
    }
    const auto kind = in.incident.subject.kind();
    const int fleet = std::max(1, reachable_count(in, kind));
    const auto& limits = in.policy->limits;
    const int by_percent = std::max(1, fleet * limits.blast_percent / 100);
    const int limit = std::min(limits.blast_count, by_percent);
    const auto count = static_cast<int>(touched.size());
    const auto text = fmt::format(
        "{} of {} {}s that we see and may touch within an hour, this one included; limit {} = "
        "least "
        "of {} and {} % = {} rounded down, at least 1",
        count, fleet, kind, limit, limits.blast_count, limits.blast_percent, by_percent);
    return count <= limit ? pass(text, std::to_string(count), std::to_string(limit))
                          : block(text, std::to_string(count), std::to_string(limit));
}

GuardVerdict no_storm(const GuardInput& in) {
    const auto& breaker = in.state.breaker;
    if (breaker.phase == BreakerPhase::closed) {
        return pass("no storm", "closed");
    }
    if (breaker.phase == BreakerPhase::open) {
        return block(
            fmt::format("the storm breaker is open: {}. Looking, proving and closing go on",
                        breaker.why),
            "open", "closed");
    }
    const auto flying = static_cast<std::int64_t>(in.state.index.at_work.size());
    const auto value = fmt::format("half open, {} in flight", flying);
    const auto limit = std::to_string(breaker.allowed);
    return flying < breaker.allowed
               ? pass("after a storm, a few levers at a time", value, limit)
               : block("after a storm: the lever in flight must be seen to help first", value,
                       limit);
}

}  // namespace leverd
