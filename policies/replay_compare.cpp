// Why: two histories of one stack side by side: the one that was recorded and the one that other
// rules would have made of it. Pure bookkeeping over two lists of entries.
#include "core/model/codec.hpp"
#include "policies/replay.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace leverd {
namespace {

constexpr Millis same_case{900'000};  // cases about one thing that began this near are one

struct Side {
    std::string symptom;
    Subject subject;
    ReplaySide side;
};

std::string blocking_text(const Decision& decision) {
    const auto found = std::ranges::find(decision.guards, false, &GuardVerdict::pass);
    return found == decision.guards.end() ? std::string{} : found->text;
}

// Reads a ledger as cases, in the order in which they opened.
class Histories {
  public:
    Histories(const std::vector<Entry>& ledger, const std::vector<std::string>& hypothetical)
        : hypothetical_(hypothetical.begin(), hypothetical.end()) {
        for (const auto& entry : ledger) {
            read(entry);
        }
        for (auto& side : sides_) {
            merge_equal_steps(side.side.steps);
        }
    }

    std::vector<Side>& sides() { return sides_; }

    ReplayTotals totals(Instant from) const {
        ReplayTotals totals;
        for (const auto& one : sides_) {
            totals.incidents += one.side.opened.at >= from ? 1 : 0;
        }
        for (const auto& [at, action] : actions_) {
            if (at < from) {
                continue;
            }
            auto& count = action == Action::fire        ? totals.fired
                          : action == Action::ask       ? totals.asked
                          : action == Action::recommend ? totals.recommended
                          : action == Action::hold      ? totals.held
                                                        : totals.noted;
            count += 1;
        }
        return totals;
    }

  private:
    ReplaySide* side_of(const std::string& incident) {
        const auto found = index_.find(incident);
        return found == index_.end() ? nullptr : &sides_[found->second].side;
    }

    void read(const Entry& entry) {
        if (const auto* opened = std::get_if<IncidentOpened>(&entry.body)) {
            index_[opened->incident] = sides_.size();
            sides_.push_back({opened->symptom, opened->subject, {}});
            sides_.back().side.incident = opened->incident;
            sides_.back().side.opened = entry.now;
        } else if (const auto* decision = std::get_if<Decision>(&entry.body)) {
            read_decision(entry.now, *decision);
        } else if (const auto* intent = std::get_if<Intent>(&entry.body)) {
            read_intent(entry.now, *intent);
        } else if (const auto* outcome = std::get_if<Outcome>(&entry.body)) {
            if (auto* step = step_of(outcome->intent)) {
                step->outcome = to_string(outcome->kind);
            }
        } else if (const auto* verdict = std::get_if<Verdict>(&entry.body)) {
            auto* step = step_of(verdict->intent);
            if (step != nullptr && !hypothetical_.contains(verdict->intent)) {
                step->verdict = to_string(verdict->kind);
            }
        } else if (const auto* closed = std::get_if<IncidentClosed>(&entry.body)) {
            if (auto* side = side_of(closed->incident)) {
                side->closed = entry.now;
                side->end = closed->end;
            }
        }
    }

    void read_decision(const Now& now, const Decision& decision) {
        auto* side = side_of(decision.incident);
        if (side == nullptr || side->unknown_after) {
            return;
        }
        actions_.emplace_back(now.at, decision.action);
        const auto& owner = sides_[index_.at(decision.incident)];
        if (owner.symptom != decision.symptom || owner.subject != decision.subject) {
            return;  // a symptom that this case explains: counted, and no step of the case
        }
        side->steps.push_back({now,
                               decision.action,
                               decision.lever,
                               decision.reason,
                               blocking_text(decision),
                               decision.rung,
                               false,
                               {},
                               {}});
    }

    // A firing belongs to the decision before it; the undo of a lever has none of its own.
    void read_intent(const Now& now, const Intent& intent) {
        auto* side = side_of(intent.incident);
        if (side == nullptr || side->unknown_after) {
            return;
        }
        const bool own = !side->steps.empty() && side->steps.back().action == Action::fire &&
                         !side->steps.back().fired && intent.undoes.empty();
        if (!own) {
            side->steps.push_back({now, Action::fire, intent.lever, "undo", {}, 1, false, {}, {}});
        }
        auto& step = side->steps.back();
        step.fired = true;
        steps_[intent.id] = {intent.incident, side->steps.size() - 1};
        if (hypothetical_.contains(intent.id)) {
            step.outcome = "assumed accepted";
            step.verdict = "not known: it was not fired then";
            side->unknown_after = true;
        }
    }

    ReplayStep* step_of(const std::string& intent) {
        const auto found = steps_.find(intent);
        return found == steps_.end() || hypothetical_.contains(intent)
                   ? nullptr
                   : &side_of(found->second.first)->steps[found->second.second];
    }

    static void merge_equal_steps(std::vector<ReplayStep>& steps) {
        std::vector<ReplayStep> merged;
        for (auto& step : steps) {
            const bool same =
                !merged.empty() && !step.fired && !merged.back().fired &&
                merged.back().action == step.action && merged.back().lever == step.lever &&
                merged.back().reason == step.reason && merged.back().rung == step.rung;
            if (!same) {
                merged.push_back(std::move(step));
            }
        }
        steps = std::move(merged);
    }

    std::set<std::string> hypothetical_;
    std::vector<Side> sides_;
    std::map<std::string, std::size_t> index_;
    std::map<std::string, std::pair<std::string, std::size_t>> steps_;
    std::vector<std::pair<Instant, Action>> actions_;
};

bool overlap(const ReplaySide& a, const ReplaySide& b) {
    const auto end = [](const ReplaySide& side) {
        return side.closed ? side.closed->at : Instant::max();
    };
    const auto apart =
        a.opened.at > b.opened.at ? a.opened.at - b.opened.at : b.opened.at - a.opened.at;
    return apart <= same_case || (a.opened.at < end(b) && b.opened.at < end(a));
}

std::vector<std::string> fired_levers(const ReplaySide& side) {
    std::vector<std::string> levers;
    for (const auto& step : side.steps) {
        if (step.fired) {
            levers.push_back(step.lever);
        }
    }
    return levers;
}

ReplayDifference difference(const ReplayCase& one) {
    const auto then = fired_levers(one.then);
    const auto now = fired_levers(one.now);
    if (then.empty() != now.empty()) {
        return then.empty() ? ReplayDifference::newly_fired : ReplayDifference::not_fired;
    }
    if (then != now) {
        return ReplayDifference::other_lever;
    }
    const auto key = [](const ReplayStep& s) {
        return std::tie(s.action, s.lever, s.reason, s.rung);
    };
    const bool same =
        one.then.incident.empty() == one.now.incident.empty() &&
        std::ranges::equal(one.then.steps, one.now.steps,
                           [&](const auto& a, const auto& b) { return key(a) == key(b); });
    return same ? ReplayDifference::same : ReplayDifference::other_reasons;
}

bool touches(const ReplaySide& side, Instant from) {
    return side.opened.at >= from || !side.closed || side.closed->at >= from;
}

}  // namespace

std::string_view to_string(ReplayDifference d) {
    switch (d) {
        case ReplayDifference::same:
            return "same";
        case ReplayDifference::newly_fired:
            return "newly_fired";
        case ReplayDifference::not_fired:
            return "not_fired";
        case ReplayDifference::other_lever:
            return "other_lever";
        case ReplayDifference::other_reasons:
            return "other_reasons";
    }
    return "invalid";
}

void compare_histories(const std::vector<Entry>& recorded,
                       const std::vector<std::string>& hypothetical, ReplayReport& report) {
    Histories then(recorded, {});
    Histories now(report.ledger, hypothetical);
    report.then = then.totals(report.from.at);
    report.now = now.totals(report.from.at);
    std::vector<bool> taken(now.sides().size(), false);
    for (auto& before : then.sides()) {
        if (!touches(before.side, report.from.at)) {
            continue;
        }
        ReplayCase one{before.symptom, before.subject, std::move(before.side), {}, {}};
        for (std::size_t i = 0; i < taken.size(); ++i) {
            auto& after = now.sides()[i];
            if (!taken[i] && after.symptom == one.symptom && after.subject == one.subject &&
                overlap(one.then, after.side)) {
                taken[i] = true;
                one.now = after.side;
                break;
            }
        }
        report.cases.push_back(std::move(one));
    }
    for (std::size_t i = 0; i < taken.size(); ++i) {
        auto& after = now.sides()[i];
        if (!taken[i] && touches(after.side, report.from.at)) {
            report.cases.push_back({after.symptom, after.subject, {}, after.side, {}});
        }
    }
    for (auto& one : report.cases) {
        one.difference = difference(one);
    }
    const auto began = [](const ReplayCase& one) {
        return one.then.incident.empty() ? one.now.opened.at : one.then.opened.at;
    };
    std::ranges::sort(report.cases, {}, [&](const ReplayCase& one) {
        return std::tuple(began(one), one.symptom, one.subject);
    });
}

}  // namespace leverd
