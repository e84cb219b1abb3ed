// Why: lever A moves `:latest` of the two platform images back to one good build. A tag in only one
// of the repositories would split the pair, so a build counts only when both have it, and a move
// that succeeds only by half is put back.
#include "policies/levers/platform_rollback.hpp"

#include "core/model/plan_params.hpp"
#include "core/stack/receipt.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/candidates.hpp"
#include "policies/levers/image_move.hpp"

#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "platform-rollback";
    contract.letter = "A";
    contract.title = "Roll back the platform images";
    contract.reversibility = Reversibility::restores_old_state;
    contract.inverse = "move both tags back to the digests recorded in the plan";
    contract.resource = "the tag :latest of platform and of platform-tenant, together";
    contract.precondition =
        "one staging tag exists in both repositories, older than what is in service; both tags are "
        "what they were when planned";
    contract.moves_image = true;
    contract.can_undo = true;
    contract.propagation = std::chrono::minutes(5);
    ProofStep stable;
    stable.who = ProofStep::Who::lever;
    stable.looks = 3;
    stable.spread = std::chrono::seconds(30);
    ProofStep gone;
    gone.who = ProofStep::Who::cleared;
    contract.proof = {stable, gone};
    contract.known_false_success =
        "the tags moved, but tenants are pinned to a digest or never pull";
    return contract;
}

struct Wanted {
    std::string digest;
    std::string twin_digest;
    std::string why;
    bool by_receipt = false;
};

// The receipt's digests when it has both images; nullopt when it says nothing about them.
Result<std::optional<Wanted>> from_receipt(const config::Config& config) {
    const auto& registry = config.registry;
    if (config.freeze.receipt.empty()) {
        return std::optional<Wanted>{};
    }
    const auto receipt = stack::read_digest_receipt(config.freeze.receipt);
    if (receipt.has_error()) {
        return wrap("freeze receipt", receipt.error());
    }
    if (receipt->conflicting) {
        return refusal("the freeze receipt names two digests for one image",
                       "repair " + config.freeze.receipt);
    }
    const auto digest = stack::receipt_digest(*receipt, registry.platform_image);
    const auto twin = stack::receipt_digest(*receipt, registry.platform_tenant_image);
    if (!digest || !twin) {
        return std::optional<Wanted>{};
    }
    Wanted wanted{*digest, *twin, "the freeze receipt", true};
    return std::optional<Wanted>{std::move(wanted)};
}

// The pair that leverd saw in service while nothing was wrong; nullopt when it saw none, or when it
// is what is in service now.
std::optional<Wanted> from_memory(const Context& context, const CandidateQuestion& question) {
    const auto& known = context.inventory->known_good;
    const auto digest = known.find(question.repository);
    const auto twin = known.find(question.twin);
    if (digest == known.end() || twin == known.end() || digest->second == question.current ||
        twin->second == question.twin_current) {
        return std::nullopt;
    }
    return Wanted{digest->second, twin->second,
                  "the last build that leverd saw in service while nothing was wrong"};
}

bool speaks_of_platform(const config::Registry& registry, const Subject& subject) {
    return subject.text() == "platform" || subject.text() == "image/" + registry.platform_image ||
           subject.text() == "image/" + registry.platform_tenant_image;
}

class PlatformRollback final : public Lever {
  public:
    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        const auto& registry = context.config->registry;
        if (registry.platform_image.empty() || registry.platform_tenant_image.empty()) {
            co_return refusal("the platform images are not configured",
                              "set platform_image and platform_tenant_image in [stack.registry]");
        }
        if (!speaks_of_platform(registry, subject)) {
            co_return refusal("this lever moves the platform images only, not " + subject.text());
        }
        stack::Registry client(registry_of(context));
        auto asked = co_await platform_question(context, &client, deadline);
        if (asked.has_error()) {
            co_return asked.error();
        }
        const CandidateQuestion question = *asked;
        auto wanted = co_await choose(context, &client, question, deadline);
        if (wanted.has_error()) {
            co_return wanted.error();
        }
        Plan plan;
        plan.lever = contract_.id;
        plan.subject = subject;
        plan.resource = "platform:latest";
        plan.params["chosen_by"] = wanted->why;
        plan.params[target_from_param] =
            wanted->by_receipt ? from_receipt_word : from_elsewhere_word;
        plan.warnings = {
            "tenants take the images by themselves within about 5 minutes, or never when they are "
            "pinned: those that stay down are redeployed with an explicit tag, one canary first "
            "(lever fleet-redeploy, the next rung)"};
        TagMove one{question.repository, question.current, wanted->digest};
        TagMove two{question.twin, question.twin_current, wanted->twin_digest};
        std::vector<TagMove> moves{std::move(one), std::move(two)};
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
    static boost::asio::awaitable<Result<Wanted>> choose(Context& context, stack::Registry* client,
                                                         CandidateQuestion question,
                                                         net::Deadline deadline) {
        auto receipt = from_receipt(*context.config);
        if (receipt.has_error()) {
            co_return receipt.error();
        }
        if (*receipt) {
            co_return **receipt;
        }
        const auto known = from_memory(context, question);
        if (known) {
            // Two digests that were each good at some time need not be one build.
            CandidateQuestion pair = question;
            pair.current = known->digest;
            pair.twin_current = known->twin_digest;
            auto tag = co_await explicit_tag(client, pair, deadline);
            if (tag.has_value()) {
                Wanted wanted{known->digest, known->twin_digest, known->why + ", tag " + *tag};
                co_return wanted;
            }
        }
        auto candidate = co_await choose_candidate(client, question, deadline);
        if (candidate.has_error()) {
            co_return candidate.error();
        }
        Wanted wanted{candidate->digest, candidate->twin_digest,
                      "tag " + candidate->tag + ", built " + format_rfc3339(candidate->built)};
        co_return wanted;
    }

    LeverContract contract_ = make_contract();
};

}  // namespace

std::unique_ptr<Lever> make_platform_rollback() {
    return std::make_unique<PlatformRollback>();
}

}  // namespace leverd::levers
