// Why: see observer.hpp.
#include "policies/observer.hpp"

#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace leverd {
namespace {

constexpr std::size_t local_faults_least = 3;

double fact(const Observation& look, const char* name) {
    const auto found = look.facts.find(name);
    return found == look.facts.end() ? 0.0 : found->second;
}

struct References {
    int good = 0;
    int bad = 0;
};

References count_references(const State& state, Instant since) {
    References count;
    for_kind(state, reference_kind, [&](const Subject&, const SubjectState& held) {
        for (const auto& look : held.looks) {
            if (look.health != Health::healthy) {
                count.bad += 1;
            } else if (look.seen.at >= since) {
                count.good += 1;
            }
        }
    });
    return count;
}

// Faults of our own (name servers, descriptors, time) on many subjects at once are one fault: this
// box.
std::string local_doubt(const State& state) {
    const auto count = state.local_faults.size();
    if (count < local_faults_least || count * 3 < state.subjects.size()) {
        return {};
    }
    const auto& example = state.subjects.at(*state.local_faults.begin());
    std::string reason;
    for (const auto& look : example.looks) {
        reason = look.health == Health::unknown ? std::string(describe(look.reason).text) : reason;
    }
    return fmt::format("{} of {} subjects cannot be looked at because of this box: {}", count,
                       state.subjects.size(), reason);
}

std::string doubt(const Rules& rules, const State& state) {
    const auto self = state.subjects.find(Subject{std::string(self_subject)});
    if (self != state.subjects.end()) {
        for (const auto& look : self->second.looks) {
            if (look.health != Health::healthy) {
                return look.evidence;
            }
        }
    }
    const int quorum = rules.policies.observer.quorum;
    const auto count = count_references(state, Instant{});
    if (count.bad > 0 && count.good < quorum) {
        return fmt::format("{} of {} reference points answer, {} are needed: the fault may be ours",
                           count.good, count.good + count.bad, quorum);
    }
    return local_doubt(state);
}

}  // namespace

Observation judge_self(const ObserverRules& rules, Observation report) {
    const double late = fact(report, "lateness_ms");
    const double step = std::abs(fact(report, "clock_step_ms"));
    report.origin = Origin::local;
    report.health = Health::healthy;
    report.reason = Reason::ok;
    if (step > static_cast<double>(rules.max_clock_step.count())) {
        report.health = Health::failing;
        report.reason = Reason::clock_stepped;
        report.evidence =
            fmt::format("the wall clock stepped by {:.0f} ms, at most {} is tolerated", step,
                        format_duration(rules.max_clock_step));
    } else if (late > static_cast<double>(rules.max_lateness.count())) {
        report.health = Health::failing;
        report.reason = Reason::loop_late;
        report.evidence =
            fmt::format("leverd's own loop was {:.0f} ms late, at most {} is tolerated", late,
                        format_duration(rules.max_lateness));
    }
    return report;
}

Millis held_up(const State& state) {
    const auto self = state.subjects.find(Subject{std::string(self_subject)});
    const auto* look = self == state.subjects.end() ? nullptr : self->second.looks.find(self_probe);
    if (look == nullptr || look->reason != Reason::loop_late) {
        return Millis{0};
    }
    return Millis{static_cast<std::int64_t>(look->fact("lateness_ms").value_or(0))};
}

void settle_observer(Work& work) {
    const auto why = doubt(work.rules, work.state);
    const bool trusted = why.empty();
    if (trusted == work.state.observer.trusted) {
        return;
    }
    work.record(
        ObserverChanged{trusted, trusted ? "the observer's own looks are good again" : why});
}

std::optional<Instant> vouched_until(const Rules& rules, const State& state) {
    if (!state.observer.trusted) {
        return std::nullopt;
    }
    const auto quorum = static_cast<std::size_t>(std::max(0, rules.policies.observer.quorum));
    if (quorum == 0) {
        return Instant::max();
    }
    std::vector<Instant> good;
    for_kind(state, reference_kind, [&](const Subject&, const SubjectState& held) {
        for (const auto& look : held.looks) {
            if (look.health == Health::healthy) {
                good.push_back(look.seen.at);
            }
        }
    });
    if (good.size() < quorum) {
        return std::nullopt;
    }
    std::ranges::sort(good, std::greater{});
    return good[quorum - 1];
}

bool observer_vouches(const Rules& rules, const State& state, Instant since) {
    const auto until = vouched_until(rules, state);
    return until && *until >= since;
}

void ask_references(Work& work) {
    for_kind(work.state, reference_kind, [&](const Subject& subject, const SubjectState& held) {
        for (const auto& look : held.looks) {
            work.ask(LookAgain{subject, look.probe()});
        }
    });
}

}  // namespace leverd
