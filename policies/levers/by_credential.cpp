// Why: see by_credential.hpp.
#include "policies/levers/by_credential.hpp"

#include <utility>

namespace leverd::levers {
namespace {

class ByCredential final : public Lever {
  public:
    ByCredential(HasCredential has, std::unique_ptr<Lever> real, std::unique_ptr<Lever> manual)
        : has_(has), real_(std::move(real)), manual_(std::move(manual)) {}

    const LeverContract& contract() const override { return real_->contract(); }

    const LeverContract& contract_for(const config::Config& config) const override {
        return has_(config) ? real_->contract() : manual_->contract();
    }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        Lever& lever = has_(*context.config) ? *real_ : *manual_;
        return lever.plan(context, std::move(subject), deadline);
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        return of(plan).fire(context, std::move(plan), std::move(intent), deadline);
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        return of(plan).observe(context, std::move(plan), std::move(intent), fired, deadline);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        return of(plan).prove(context, std::move(plan), std::move(outcome), deadline);
    }

    boost::asio::awaitable<Result<Plan>> plan_undo(Context& context, Intent done,
                                                   net::Deadline deadline) override {
        return of(done.plan).plan_undo(context, std::move(done), deadline);
    }

    Millis patience() const override { return real_->patience(); }

  private:
    Lever& of(const Plan& plan) const { return plan.calls.empty() ? *manual_ : *real_; }

    HasCredential has_;
    std::unique_ptr<Lever> real_;
    std::unique_ptr<Lever> manual_;
};

}  // namespace

std::unique_ptr<Lever> make_by_credential(HasCredential has, std::unique_ptr<Lever> real,
                                          std::unique_ptr<Lever> manual) {
    return std::make_unique<ByCredential>(has, std::move(real), std::move(manual));
}

}  // namespace leverd::levers
