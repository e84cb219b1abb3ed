// Why: see replay_people.hpp.
#include "policies/replay_people.hpp"

namespace leverd {
namespace {

// Longer than the looks between two decisions are apart, shorter than a person takes to change
// their mind.
constexpr Millis patience = std::chrono::minutes{1};

}  // namespace

std::optional<ApprovalGiven> answer_to(const State& state, const Decision& asked,
                                       const Approval& approval) {
    for (const auto& [id, incident] : state.incidents) {
        const auto& decision = incident.decision;
        if (incident.phase != IncidentPhase::closed && decision &&
            decision->action == Action::ask && decision->lever == asked.lever &&
            decision->subject == asked.subject) {
            return ApprovalGiven{decision->id, decision->hash, approval.approved, approval.who,
                                 approval.why};
        }
    }
    return std::nullopt;
}

std::string same_veto(const State& state, const VetoSet& meant) {
    for (const auto& [id, veto] : state.vetoes) {
        if (veto.set.subjects == meant.subjects && veto.set.lever == meant.lever &&
            veto.set.who == meant.who) {
            return id;
        }
    }
    return {};
}

void EarlyAnswers::keep(Instant now, const Decision& asked, const Approval& approval) {
    kept_.push_back({now + patience, asked, approval});
}

std::optional<ApprovalGiven> EarlyAnswers::take(Instant now, const State& state) {
    std::erase_if(kept_, [&](const Kept& one) { return one.until < now; });
    for (auto one = kept_.begin(); one != kept_.end(); ++one) {
        if (auto given = answer_to(state, one->asked, one->approval)) {
            kept_.erase(one);
            return given;
        }
    }
    return std::nullopt;
}

}  // namespace leverd
