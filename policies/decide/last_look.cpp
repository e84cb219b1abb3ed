// Why: see last_look.hpp.
#include "policies/decide/last_look.hpp"

#include "policies/detect.hpp"
#include "policies/fold.hpp"
#include "policies/group.hpp"
#include "policies/state/touch.hpp"

#include <algorithm>

namespace leverd {
namespace {

// A look as young as this need not be repeated, where nothing held the lever until now.
constexpr Millis just_now{2'000};
// Afterwards the case is held where people see it, and the looks are asked for again.
constexpr Millis waited_at_most{60'000};

// One signal that is raised, and where.
struct Raised {
    const Signal* rule = nullptr;
    Subject on;
};

const Signal* signal_named(const Rules& rules, const std::string& id) {
    const auto found = std::ranges::find(rules.runbook.signals, id, &Signal::id);
    return found == rules.runbook.signals.end() ? nullptr : &*found;
}

std::vector<Raised> raised_of(const Work& work, const Incident& incident, const Symptom& symptom) {
    std::vector<Raised> found;
    if (symptom.group) {
        for (const auto& [signal, member] : group_runs(work.state, symptom, incident.subject)) {
            found.push_back({signal_named(work.rules, signal), member});
        }
        return found;
    }
    for (const auto& rule : work.rules.runbook.signals) {
        if (names_signal(symptom, rule.id)) {
            const auto* on = where_raised(work.rules, work.state, rule.id, incident.subject);
            if (on != nullptr) {
                found.push_back({&rule, *on});
            }
        }
    }
    return found;
}

// Nobody looks at what calls by itself: that it is silent is true at each moment.
bool is_silence(const Raised& raised, const LookState& look) {
    return raised.rule->silent_after > Millis{0} && look.reason == Reason::silent;
}

bool is_shown(const Work& work, const Raised& raised, Instant since) {
    const auto held = work.state.subjects.find(raised.on);
    if (raised.rule == nullptr || held == work.state.subjects.end()) {
        return false;
    }
    const auto* look = held->second.looks.find(raised.rule->probe);
    if (look == nullptr) {
        return false;
    }
    if (is_silence(raised, *look)) {
        return true;
    }
    const auto moved = work.state.own_moves.find(raised.on.text());
    const auto own = moved == work.state.own_moves.end() ? std::string{} : moved->second;
    // One that was under way before may have read what was so before.
    return look->seen.at - look->took >= since &&
           judge(*raised.rule, as_observation(raised.on, *look), own) == LookValue::bad;
}

// The row holds by what was just seen alone.
bool row_is_shown(const Work& work, const Incident& incident, const Symptom& symptom,
                  const std::vector<Raised>& raised, Instant since) {
    std::set<std::string> shown;
    std::vector<RunKey> runs;
    for (const auto& one : raised) {
        if (is_shown(work, one, since)) {
            shown.insert(one.rule->id);
            runs.emplace_back(one.rule->id, one.on);
        }
    }
    if (symptom.group) {
        return group_stands_by(work.state, symptom, incident.subject, runs);
    }
    const auto has = [&](const std::string& signal) { return shown.contains(signal); };
    return (symptom.any.empty() || std::ranges::any_of(symptom.any, has)) &&
           std::ranges::all_of(symptom.all, has);
}

void ask(Work& work, const std::string& incident, const std::vector<Raised>& raised) {
    auto& waiting = work.transient.last_looks[incident];
    waiting.asked = work.now.at;
    for (const auto& one : raised) {
        if (one.rule != nullptr) {
            waiting.at.insert(one.on);
            work.transient.last_looks_at[one.on].insert(incident);
            work.ask(LookAgain{one.on, one.rule->probe});
        }
    }
}

}  // namespace

LastLookAnswer ask_last_look(Work& work, const Incident& incident, const Symptom& symptom,
                             Instant& again) {
    auto& all = work.transient.last_looks;
    const auto raised = raised_of(work, incident, symptom);
    auto waiting = all.find(incident.id);
    // What was seen before a person, a switch or a veto let it go says nothing about now.
    const bool held = incident.decision && incident.decision->action != Action::fire;
    const auto young = held ? work.now.at : work.now.at - just_now;
    const auto since = waiting == all.end() ? young : waiting->second.since;
    if (row_is_shown(work, incident, symptom, raised, since)) {
        return LastLookAnswer::shows_it;
    }
    if (waiting == all.end()) {
        waiting = all.try_emplace(incident.id).first;
        waiting->second.since = work.now.at;
        ask(work, incident.id, raised);
    } else if (work.now.at - waiting->second.asked >= waited_at_most) {
        ask(work, incident.id, raised);
    }
    again = std::min(again, waiting->second.asked + waited_at_most);
    return work.now.at - waiting->second.since >= waited_at_most ? LastLookAnswer::missing
                                                                 : LastLookAnswer::awaited;
}

void forget_last_look(Transient& transient, const std::string& incident) {
    const auto waiting = transient.last_looks.find(incident);
    if (waiting == transient.last_looks.end()) {
        return;
    }
    for (const auto& subject : waiting->second.at) {
        take_out(transient.last_looks_at, subject, incident);
    }
    transient.last_looks.erase(waiting);
}

void note_last_look(Work& work, const Subject& subject) {
    const auto waiting = work.transient.last_looks_at.find(subject);
    if (waiting != work.transient.last_looks_at.end()) {
        for (const auto& incident : waiting->second) {
            work.state.agenda.touch_case(incident);
        }
    }
}

}  // namespace leverd
