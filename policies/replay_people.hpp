// Why: what people said in the recorded history goes to the same question in the replayed one,
// whose ids and moments are others.
#pragma once

#include "policies/engine.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leverd {

// The answer to the open question about the same lever and subject; nullopt when nobody asks.
std::optional<ApprovalGiven> answer_to(const State& state, const Decision& asked,
                                       const Approval& approval);

// The id of the same person's veto on the same subjects and lever; empty when there is none.
std::string same_veto(const State& state, const VetoSet& meant);

// Answers that the replay has no question for yet: it may ask a little later than leverd did.
class EarlyAnswers {
  public:
    void keep(Instant now, const Decision& asked, const Approval& approval);
    // The kept answer to a question that is open by now, once.
    std::optional<ApprovalGiven> take(Instant now, const State& state);

  private:
    struct Kept {
        Instant until{};
        Decision asked;
        Approval approval;
    };
    std::vector<Kept> kept_;
};

}  // namespace leverd
