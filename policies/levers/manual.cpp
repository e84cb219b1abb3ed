// Why: see manual.hpp.
#include "policies/levers/manual.hpp"

#include "core/base/text.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"

#include <fmt/format.h>

#include <utility>

namespace leverd::levers {
namespace {

class ManualLever final : public Lever {
  public:
    ManualLever(LeverContract contract, std::string subject, ManualPlan make)
        : contract_(std::move(contract)), subject_(std::move(subject)), plan_(make) {}

    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        (void)deadline;
        if (subject.text() != subject_) {
            co_return refusal(contract_.id + " is about " + subject_ + " only, not \"" +
                              sanitize(subject.text(), 120) + "\"");
        }
        Plan plan = plan_(contract_, *context.config, subject);
        for (std::size_t i = 0; i < plan.steps.size(); ++i) {
            plan.steps[i] = fmt::format("{}. {}", i + 1, plan.steps[i]);
        }
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        (void)context, (void)plan, (void)deadline;
        co_return make_outcome(intent, OutcomeKind::refused,
                               contract_.id + " is pulled by a person: follow the plan's steps");
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        (void)context, (void)plan, (void)fired, (void)deadline;
        co_return make_settled(intent, Took::no, "leverd never sends a call for this lever");
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        (void)context, (void)plan, (void)outcome, (void)deadline;
        co_return std::nullopt;
    }

  private:
    LeverContract contract_;
    std::string subject_;
    ManualPlan plan_;
};

}  // namespace

std::unique_ptr<Lever> make_manual_lever(LeverContract contract, std::string subject,
                                         ManualPlan plan) {
    return std::make_unique<ManualLever>(std::move(contract), std::move(subject), plan);
}

}  // namespace leverd::levers
