// Why: see replay_looks.hpp.
#include "policies/replay_looks.hpp"

#include <algorithm>

namespace leverd {
namespace {

constexpr Millis asked_pace{1'000};     // no faster than probes look
constexpr Millis asked_answer{15'000};  // something done this soon shows when the answer came

bool lever_at_work_on(const State& state, const Subject& subject) {
    return std::ranges::any_of(state.index.at_work, [&](const auto& id) {
        return state.intents.at(id).intent.subject == subject;
    });
}

// One more look like the newest changes no count: it is good and nothing runs, or it is bad and
// every run is full.
const LookState* repeatable(const State& state, const LookAgain& wanted) {
    const auto held = state.subjects.find(wanted.subject);
    if (held == state.subjects.end()) {
        return nullptr;
    }
    const auto* newest = held->second.looks.find(wanted.probe);
    if (newest == nullptr || newest->health == Health::unknown) {
        return nullptr;
    }
    const auto& runs = held->second.detectors;
    if (runs.empty()) {
        return newest->health == Health::healthy ? newest : nullptr;
    }
    const bool full = std::ranges::all_of(runs, [](const auto& one) {
        return one.second.raised && one.second.good == 0 && one.second.history == 0;
    });
    return full && newest->health != Health::healthy && newest->reason != Reason::silent ? newest
                                                                                         : nullptr;
}

}  // namespace

void AskedLooks::ask(const State& state, const LookAgain& wanted, Instant now) {
    if (repeatable(state, wanted) == nullptr || lever_at_work_on(state, wanted.subject) ||
        !asked_.emplace(wanted.subject, wanted.probe).second) {
        return;
    }
    // Without a hint of when the answer came, at once: it may have come at any time.
    const auto acted = std::ranges::lower_bound(acted_, now);
    auto& last = answered_[{wanted.subject, wanted.probe}];
    last = std::max(now, last + asked_pace);
    if (acted != acted_.end() && *acted - now <= asked_answer) {
        last = std::max(last, *acted);
    }
    waiting_.push_back({last, wanted});
}

std::vector<Observation> AskedLooks::take_due(const State& state, Now now) {
    std::vector<Observation> due;
    for (auto& asked : std::exchange(waiting_, {})) {
        if (asked.at > now.at) {
            waiting_.push_back(std::move(asked));
            continue;
        }
        asked_.erase({asked.look.subject, asked.look.probe});
        if (const auto* newest = repeatable(state, asked.look)) {
            due.push_back(as_observation(asked.look.subject, *newest));
            due.back().seen = now;
            due.back().took = Millis{0};
        }
    }
    return due;
}

Instant AskedLooks::next() const {
    const auto first = std::ranges::min_element(waiting_, {}, &Asked::at);
    return first == waiting_.end() ? Instant::max() : first->at;
}

void AskedLooks::forget() {
    waiting_.clear();
    asked_.clear();
}

}  // namespace leverd
