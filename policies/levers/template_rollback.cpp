// Why: lever B moves `:latest` of one workspace template back to the digest that the freeze receipt
// recorded. Running workspaces keep their image; a fresh provision proves that it helped.
#include "policies/levers/template_rollback.hpp"

#include "core/base/text.hpp"
#include "core/model/plan_params.hpp"
#include "core/stack/receipt.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/image_move.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "template-rollback";
    contract.letter = "B";
    contract.title = "Roll back a workspace template image";
    contract.reversibility = Reversibility::reversible;
    contract.inverse = "move the tag back to the digest recorded in the plan";
    contract.resource = "the tag :latest of one workspace template";
    contract.precondition =
        "a good digest is known (receipt, else ledger) and its manifest is readable; the tag is "
        "what it was when planned";
    contract.moves_image = true;
    contract.can_undo = true;
    contract.restores_receipt = true;
    contract.propagation = std::chrono::seconds(30);
    ProofStep stable;
    stable.who = ProofStep::Who::lever;
    stable.looks = 3;
    stable.spread = std::chrono::seconds(30);
    ProofStep boots;
    boots.who = ProofStep::Who::fresh_child;
    boots.probe = "workspace_status";
    boots.looks = 1;
    ProofStep answers = boots;
    answers.probe = "workspace_activity";
    contract.proof = {stable, boots, answers};
    contract.known_false_success = "the tag moved, but a digest pin overrides :latest";
    return contract;
}

// The repository that a subject is about: "image/<repo>", or "runtime/<name>" with the template
// prefix. The platform pair belongs to lever A, which never moves one of the two alone.
Result<std::string> repository_of(const config::Registry& registry, const Subject& subject) {
    std::string repository;
    if (subject.kind() == "image") {
        repository = std::string(subject.name());
    } else if (subject.kind() == "runtime" && is_slug(subject.name())) {
        repository = registry.template_prefix + std::string(subject.name());
    }
    if (!is_repository(repository)) {
        return refusal("no image and no runtime: \"" + sanitize(subject.text(), 120) + "\"",
                       "name it as image/<repository> or runtime/<name>");
    }
    if (repository == registry.platform_image || repository == registry.platform_tenant_image) {
        return refusal(repository + " is half of the platform pair",
                       "lever platform-rollback moves both together");
    }
    const bool watched = std::find(registry.images.begin(), registry.images.end(), repository) !=
                         registry.images.end();
    const bool is_template =
        !registry.template_prefix.empty() && repository.starts_with(registry.template_prefix);
    if (!watched && !is_template) {
        return refusal(repository + " is neither a workspace template nor a watched image",
                       "add it to images in [stack.registry]");
    }
    return success(repository);
}

struct Wanted {
    std::string digest;
    std::string from;  // where it is known from, for the approver; empty: from the receipt
};

// The receipt's digest, else what leverd itself saw in service while nothing was wrong. A receipt
// that contradicts itself is no reason to guess: a person decides then.
Result<Wanted> wanted_digest(const Context& context, const std::string& repository) {
    const auto& path = context.config->freeze.receipt;
    std::string why_not = "no freeze receipt is configured";
    if (!path.empty()) {
        const auto receipt = stack::read_digest_receipt(path);
        if (receipt.has_value() && receipt->conflicting) {
            return refusal("the freeze receipt names two digests for one image",
                           "a person names the digest to go back to");
        }
        if (receipt.has_value()) {
            if (const auto digest = stack::receipt_digest(*receipt, repository)) {
                return Wanted{*digest, {}};
            }
        }
        why_not = receipt.has_error() ? receipt.error().what
                                      : "the freeze receipt has no digest of " + repository;
    }
    const auto known = context.inventory->known_good.find(repository);
    if (known == context.inventory->known_good.end()) {
        return refusal(why_not + ", and leverd has not seen a good one in service for long enough",
                       "capture a receipt (leverd freeze capture), or name the digest by hand");
    }
    return Wanted{known->second, why_not +
                                     ": the digest is the last one that leverd saw in service "
                                     "while nothing was wrong"};
}

class TemplateRollback final : public Lever {
  public:
    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        const auto repository = repository_of(context.config->registry, subject);
        if (repository.has_error()) {
            co_return repository.error();
        }
        const auto wanted = wanted_digest(context, *repository);
        if (wanted.has_error()) {
            co_return wanted.error();
        }
        stack::Registry client(registry_of(context));
        auto current = co_await current_digest(&client, *repository, deadline);
        if (current.has_error()) {
            co_return current.error();
        }
        Plan plan;
        plan.lever = contract_.id;
        plan.subject = subject;
        plan.resource = *repository + ":" + moved_tag;
        plan.warnings = {
            "workspaces that run already keep their image until they are recreated, unless the "
            "platform refreshes images by itself: then they restart within about 5 minutes",
            "a pin of this runtime to a digest (runtime_image_pins) makes this a no-op for new "
            "workspaces too, and no interface shows pins: only a fresh workspace that answers "
            "proves it, so look at the pins when none comes up"};
        const bool by_receipt = wanted->from.empty();
        if (!by_receipt) {
            plan.warnings.push_back(wanted->from);
        }
        plan.params[target_from_param] = by_receipt ? from_receipt_word : from_elsewhere_word;
        TagMove move{*repository, *current, wanted->digest};
        std::vector<TagMove> moves{std::move(move)};
        auto made = co_await plan_moves(context, &client, std::move(plan), moves, deadline);
        co_return made;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        return fire_moves(context, std::move(plan), std::move(intent), deadline);
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        return observe_moves(context, std::move(plan), std::move(intent), fired,
                             propagation_of(context, contract_), deadline);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        (void)outcome;
        auto look = co_await prove_moves(context, std::move(plan), deadline);
        co_return look;
    }

    boost::asio::awaitable<Result<Plan>> plan_undo(Context& context, Intent done,
                                                   net::Deadline deadline) override {
        return plan_moves_back(context, std::move(done), deadline);
    }

  private:
    LeverContract contract_ = make_contract();
};

}  // namespace

std::unique_ptr<Lever> make_template_rollback() {
    return std::make_unique<TemplateRollback>();
}

}  // namespace leverd::levers
