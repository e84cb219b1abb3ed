// Why: see blind.hpp.
#include "policies/detect/blind.hpp"

#include "policies/detect.hpp"
#include "policies/observer.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace leverd {
namespace {

constexpr Millis blind_pace{5'000};
constexpr std::string_view fails_words = " fails meanwhile, and is not judged without it";

// Words of what was seen and is at rest, or has nothing to be judged by yet.
constexpr std::array at_rest{Reason::paused,           Reason::removed,    Reason::stopped,
                             Reason::provisioning,     Reason::no_traffic, Reason::boot_silent,
                             Reason::heartbeat_awaited};

bool of_ours(const Subject& subject, const std::string& probe) {
    return subject.kind() == reference_kind || subject.text() == self_subject ||
           probe.starts_with("lever:");
}

std::string next_step(Reason reason) {
    switch (reason) {
        case Reason::unauthorized:
        case Reason::forbidden:
        case Reason::credential_missing:
            return "put the current credential in place, then restart leverd (reload, when it is "
                   "a file)";
        case Reason::rate_limited:
            return "raise the limit over there, or look less often here";
        case Reason::inventory_empty:
        case Reason::inventory_shrunk:
            return "compare with the control plane's own list; who is really gone goes into "
                   "[tenants] exclude";
        default:
            return "leverd probe, with --debug, shows what was answered";
    }
}

bool blind_above(const Runbook& runbook, const State& state, const Subject& subject) {
    return !state.blind.empty() &&
           std::ranges::any_of(ancestors_of(runbook, state, subject), [&](const Subject& above) {
               return state.blind.contains(std::string(above.kind()));
           });
}

struct Tally {
    Now since;
    int subjects = 0;
    Subject example;
    Reason reason = Reason::ok;
};

// Overdue runs by kind. A kind that is blind stays so as long as one of its runs lasts, also over a
// restart; one that is not gets the time in which this box could not look.
std::map<std::string, Tally> overdue(const Work& work) {
    const auto& state = work.state;
    const auto limit = work.rules.runbook.blind_after;
    const auto first_look = work.transient.resumed + work.rules.runbook.fresh_for;
    std::map<std::string, Tally> kinds;
    const Subject* last = nullptr;
    for (const auto& [key, run] : state.unseen) {
        const auto& [subject, probe] = key;
        if (of_ours(subject, probe)) {
            continue;
        }
        const std::string what(subject.kind());
        const bool is_blind = state.blind.contains(what);
        const auto since =
            is_blind ? run.since.at : std::max(run.since.at, state.observer.doubt_ended);
        if (work.now.at - since < limit || (!is_blind && work.now.at < first_look)) {
            continue;
        }
        if (is_seen_failing(work.rules.runbook, state, subject)) {
            continue;
        }
        auto& tally = kinds[what];
        tally.subjects += last != nullptr && *last == subject ? 0 : 1;
        if (tally.subjects == 1 || run.since.at < tally.since.at) {
            tally.since = run.since;
            tally.example = subject;
            tally.reason = run.reason;
        }
        last = &subject;
    }
    return kinds;
}

// Nobody makes these looks any more, because the configuration no longer asks for them. Where what
// stands above cannot be seen they may have stopped for that, and count on.
bool has_stopped(const Work& work, const Subject& subject, const std::string& probe) {
    const auto limit = work.rules.runbook.gone_after;
    const auto held = work.state.subjects.find(subject);
    const auto* look = held == work.state.subjects.end() ? nullptr : held->second.looks.find(probe);
    return look == nullptr ||
           (work.now.at - look->seen.at > limit && work.now.at - work.transient.resumed > limit &&
            !blind_above(work.rules.runbook, work.state, subject));
}

bool fails_meanwhile(const Work& work, const std::string& what) {
    return std::ranges::any_of(withheld(work.rules, work.state),
                               [&](const Withheld& one) { return one.unseen.kind() == what; });
}

std::string why_blind(const Work& work, const std::string& what, const Tally& tally) {
    int all = 0;
    for_kind(work.state, what, [&](const Subject&, const SubjectState&) { ++all; });
    const auto others =
        tally.subjects > 1 ? fmt::format(" and {} more of {}", tally.subjects - 1, all) : "";
    std::string text = fmt::format("{}{} cannot be judged: {}", tally.example.text(), others,
                                   describe(tally.reason).text);
    const auto waiting = withheld(work.rules, work.state);
    const auto mine = std::ranges::find_if(
        waiting, [&](const Withheld& one) { return one.unseen.kind() == what; });
    if (mine != waiting.end()) {
        text += fmt::format(". {}{}", mine->subject.text(), fails_words);
    }
    return text + ". Next: " + next_step(tally.reason);
}

const Unseen* unseen_of(const State& state, const Subject& subject) {
    const auto found = state.unseen.lower_bound({subject, std::string{}});
    return found != state.unseen.end() && found->first.first == subject ? &found->second : nullptr;
}

bool rests_on_unknown(const Signal& signal, std::string_view what) {
    return signal.subject_kind == what &&
           std::ranges::find(signal.bad_health, Health::unknown) != signal.bad_health.end();
}

}  // namespace

bool cannot_judge(const Observation& look) {
    return look.health == Health::unknown &&
           std::ranges::find(at_rest, look.reason) == at_rest.end();
}

void note_unseen(State& state, const Observation& look) {
    if (cannot_judge(look)) {
        const auto [run, begun] = state.unseen.try_emplace({look.subject, look.probe});
        if (begun) {
            run->second.since = look.seen;
        }
        run->second.reason = look.reason;
    } else if (!state.unseen.empty()) {
        state.unseen.erase({look.subject, look.probe});
    }
}

void forget_unseen(State& state, const Subject& subject) {
    auto at = state.unseen.lower_bound({subject, std::string{}});
    while (at != state.unseen.end() && at->first.first == subject) {
        at = state.unseen.erase(at);
    }
}

void settle_blind(Work& work) {
    auto& state = work.state;
    if (work.now.at < work.transient.blind_next || (state.unseen.empty() && state.blind.empty())) {
        return;
    }
    // Also when nothing can be said now: a time in the past would wake the engine for ever.
    work.transient.blind_next = work.now.at + blind_pace;
    if (!state.observer.trusted) {
        return;
    }
    std::erase_if(state.unseen, [&](const auto& run) {
        return work.now.at - run.second.since.at > work.rules.runbook.gone_after &&
               has_stopped(work, run.first.first, run.first.second);
    });
    const auto kinds = overdue(work);
    std::vector<BlindChanged> changes;
    for (const auto& [what, tally] : kinds) {
        const auto held = state.blind.find(what);
        // That something fails behind the curtain is worth saying again, once.
        const bool said =
            held != state.blind.end() && held->second.why.find(fails_words) != std::string::npos;
        if (held == state.blind.end() || (!said && fails_meanwhile(work, what))) {
            const auto since = held == state.blind.end() ? tally.since : held->second.since;
            changes.push_back({what, true, since, why_blind(work, what, tally)});
        }
    }
    for (const auto& [what, held] : state.blind) {
        if (!kinds.contains(what)) {
            changes.push_back({what, false, held.since, "it is judged again"});
        }
    }
    for (auto& change : changes) {
        work.record(std::move(change));
    }
}

Instant blind_due(const State& state, const Transient& transient) {
    return state.unseen.empty() && state.blind.empty() ? Instant::max() : transient.blind_next;
}

bool is_seen_failing(const Runbook& runbook, const State& state, const Subject& subject) {
    const auto fails = [&](const Subject& one) {
        const auto held = state.subjects.find(one);
        return held != state.subjects.end() &&
               std::ranges::any_of(held->second.looks, [](const LookState& look) {
                   return look.health == Health::failing;
               });
    };
    return fails(subject) || std::ranges::any_of(ancestors_of(runbook, state, subject), fails);
}

bool is_kept_for_blindness(const Runbook& runbook, const State& state, const Subject& subject) {
    return unseen_of(state, subject) != nullptr || blind_above(runbook, state, subject);
}

std::vector<Withheld> withheld(const Rules& rules, const State& state) {
    std::vector<Withheld> out;
    if (state.unseen.empty()) {
        return out;
    }
    for (const auto& [signal, subject] : state.tripped) {
        for (const auto& row : rules.runbook.symptoms) {
            if (row.group || row.subject_kind != subject.kind() || !names_signal(row, signal) ||
                state.symptoms.contains({row.id, subject}) ||
                std::ranges::any_of(row.unless, [&](const auto& other) {
                    return raised_for(rules, state, other, subject);
                })) {
                continue;
            }
            for (const auto& needed : row.requires_healthy) {
                if (const auto* run = unseen_of(state, needed)) {
                    out.push_back({subject, &row, needed, run->reason});
                    break;
                }
            }
        }
    }
    return out;
}

bool speaks_of_blindness(const Rules& rules, const std::string& symptom) {
    const auto* row = find_symptom(rules, symptom);
    if (row == nullptr || (row->any.empty() && row->all.empty())) {
        return false;
    }
    const auto unknown_only = [&](const std::string& id) {
        const auto signal = std::ranges::find(rules.runbook.signals, id, &Signal::id);
        return signal != rules.runbook.signals.end() &&
               signal->bad_health == std::vector{Health::unknown};
    };
    return std::ranges::all_of(row->any, unknown_only) &&
           std::ranges::all_of(row->all, unknown_only);
}

bool blindness_has_case(const Rules& rules, const State& state, const std::string& what) {
    return std::ranges::any_of(state.symptoms, [&](const auto& item) {
        const auto* row =
            item.first.second.kind() == what ? find_symptom(rules, item.first.first) : nullptr;
        return row != nullptr && std::ranges::any_of(rules.runbook.signals, [&](const auto& one) {
                   return names_signal(*row, one.id) && rests_on_unknown(one, what);
               });
    });
}

}  // namespace leverd
