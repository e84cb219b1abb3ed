// Why: lever D deletes one bad workspace and creates it anew from its captured spec. A delete
// cannot be taken back, so everything that can be known is known before it: the secret values are
// read, the create is rehearsed, and what no call could bring back is told in the plan. It is sent
// once, without confirm=true (children are a person's decision), and whatever happens after it says
// plainly that the old workspace is gone.
#include "policies/levers/workspace_reprovision.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/workspace_create.hpp"
#include "policies/levers/workspace_losses.hpp"
#include "policies/levers/workspace_proof.hpp"
#include "policies/levers/workspace_recreate.hpp"
#include "policies/levers/workspace_spec.hpp"
#include "policies/levers/workspace_values.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <utility>
#include <vector>

namespace leverd::levers {
namespace {

constexpr Millis told_for{10 * 60'000};
constexpr std::size_t told_max = 256;

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "workspace-reprovision";
    contract.letter = "D";
    contract.title = "Delete and reprovision a workspace";
    contract.reversibility = Reversibility::irreversible;
    contract.inverse = "none: the old workspace, its history and its id are gone";
    contract.resource = "one workspace";
    contract.precondition =
        "the workspace has no children, a create of it would be accepted, and its secret values "
        "can be read; it has not changed since the plan";
    contract.propagation = std::chrono::seconds(30);
    ProofStep replaced;
    replaced.who = ProofStep::Who::lever;
    replaced.looks = 2;
    contract.proof = {replaced};
    contract.known_false_success =
        "a wrong UUID is deleted with 200, the machine behind it lives on, or its secrets or model "
        "are lost";
    return contract;
}

// How one step of the two ended; `done` lets the next one go on.
struct Step {
    bool done = false;
    OutcomeKind kind = OutcomeKind::unknown;
    std::string detail;
};

Step judge_delete(const net::HttpRequest& request, const stack::Read<net::HttpResponse>& answer) {
    Step step;
    if (answer.has_error()) {
        step.kind = judge_mutation(answer.error());
        step.detail = "delete: " + describe_mutation(answer.error());
        return step;
    }
    step.detail = "delete: " + stack::describe_answer(request, *answer);
    if (answer->status == 409) {
        step.kind = OutcomeKind::failed;
        step.detail = "it has children, so the delete needs a person; " + step.detail;
        return step;
    }
    const auto body = stack::json_of(request, *answer);
    // The guard's 404 is empty, and the canvas page is none of the platform's answers.
    const bool gone = (answer->status == 404 || answer->status == 410) && stack::is_json(*answer);
    if (gone) {
        // It was in the list a moment ago, so this call, delivered twice, or somebody else did it.
        step.kind = OutcomeKind::unknown;
        step.detail = "it is gone, by this call or by somebody else; " + step.detail;
        return step;
    }
    if (body.has_error()) {
        // 200 without the platform's own JSON proves nothing either way.
        step.kind = judge_mutation(body.error());
        return step;
    }
    const std::string status = stack::text_at(*body, "status");
    step.done = status == "removed" || status == "purged";
    return step;
}

// What becomes of the secret values when nothing holds them any more.
std::string secrets_left(const WorkspaceSpec& spec, bool sealed) {
    if (spec.secret_names.empty()) {
        return {};
    }
    const auto names = fmt::format("{}", fmt::join(spec.secret_names, ", "));
    return sealed ? "; its secret values are sealed (" + names + ")"
                  : "; enter its secrets again by hand (" + names + "): no value is kept";
}

// One firing on its way.
struct Firing {
    std::string intent;
    Plan plan;
    WorkspaceName name;
    stack::TenantAccess access;
    WorkspaceSpec spec;
    SecretValues values;
    Secret minted;
    bool sealed = false;
    bool surplus = false;  // the rehearsal made a workspace
    net::Deadline deadline;
    Millis share{};  // kept back for each step that follows
};

// Deleted, and not recreated. Said as what it is: an answer that was read is not a lost reply.
Outcome not_replaced(const Firing& firing, OutcomeKind kind, const std::string& words) {
    const bool certain = kind == OutcomeKind::failed;
    Outcome outcome = make_outcome(
        firing.intent, kind,
        fmt::format("the workspace ({}) is deleted and {}: recreate it by hand, or with leverd "
                    "workspace recreate --from {}{}{}; {}",
                    firing.spec.name, certain ? "was not recreated" : "was not seen created",
                    firing.intent, certain ? "" : ", unless it appears",
                    secrets_left(firing.spec, firing.sealed), words));
    outcome.results["deleted"] = "yes";
    outcome.results["old_id"] = firing.name.id;
    outcome.results[lost_result] = firing.plan.subject.text();
    return outcome;
}

net::HttpRequest delete_request(const stack::TenantAccess& access, const WorkspaceSpec& spec) {
    auto request = stack::tenant_request(access, "DELETE", "/workspaces/" + spec.id);
    // The newest build deletes nothing without it, the measured one does not read it.
    request.headers.emplace_back("X-Confirm-Name", spec.raw_name);
    return request;
}

// Everything that fire() may send, in its order.
std::vector<Call> calls_of(const stack::TenantAccess& access, const WorkspaceSpec& spec) {
    auto calls = create_calls(access, spec);
    calls.insert(calls.begin() + 1, call_of(delete_request(access, spec),
                                            "deletes the bad workspace; children stop it (409)"));
    if (!spec.secret_names.empty()) {
        calls.insert(calls.begin(), call_of(mint_request(access, spec.id),
                                            "mints a token of the workspace, if its secret values "
                                            "want one; taken back when nothing is deleted"));
    }
    return calls;
}

// Everything that is needed to create it later, in one text.
Secret sealed_text(const SecretValues& values) {
    nlohmann::json all = nlohmann::json::object();
    for (const auto& [name, value] : values) {
        all[name] = value.reveal();
    }
    return Secret::unlisted(dump(all));
}

class WorkspaceReprovision final : public Lever {
  public:
    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        const auto name = workspace_name(subject);
        if (name.has_error()) {
            co_return name.error();
        }
        auto access = co_await open_tenant(context, name->slug, deadline);
        if (access.has_error()) {
            co_return access.error();
        }
        auto spec = co_await capture_spec(context, &*access, name->id, deadline);
        if (spec.has_error()) {
            co_return wrap(subject.text(), spec.error());
        }
        const auto losses = co_await losses_of(context, *access, *spec, deadline);
        Plan plan;
        plan.lever = contract_.id;
        plan.subject = subject;
        plan.resource = subject.text();
        plan.target_version = spec->version;
        plan.params["slug"] = name->slug;
        plan.params["org_id"] = access->org_id;
        plan.params["id"] = name->id;
        plan.params["name"] = spec->name;
        plan.params["secrets"] = fmt::format("{}", fmt::join(spec->secret_names, ","));
        plan.params["namesakes"] = fmt::format("{}", fmt::join(spec->namesakes, ","));
        plan.calls = calls_of(*access, *spec);
        plan.warnings = losses;
        co_return plan;
    }

    boost::asio::awaitable<Result<Plan>> plan_recreation(Context& context, Intent done,
                                                         net::Deadline deadline) override {
        return plan_workspace_recreation(context, std::move(done), deadline);
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        if (plan.params.contains(recreates_param)) {
            auto made = co_await fire_workspace_recreation(context, std::move(plan),
                                                           std::move(intent), deadline);
            co_return made;
        }
        Firing firing;
        firing.intent = std::move(intent);
        firing.plan = std::move(plan);
        firing.deadline = deadline;
        firing.share = timeout_of(context, contract_.id) / 5;
        std::string why = co_await open(context, &firing);
        if (why.empty()) {
            why = co_await make_sure(context, &firing);
        }
        if (!why.empty()) {
            forget(context, &firing);
            const auto left = co_await revoke(&firing);
            const auto kind = firing.surplus ? OutcomeKind::unknown : OutcomeKind::refused;
            co_return make_outcome(firing.intent, kind, why + left);
        }
        const auto removal = delete_request(firing.access, firing.spec);
        auto gone = co_await stack::call(context.http, removal, deadline - 2 * firing.share);
        const Step deleted = judge_delete(removal, gone);
        if (!deleted.done) {
            // What is sealed stays where it may be gone: only looking at it can tell.
            if (deleted.kind == OutcomeKind::failed) {
                forget(context, &firing);
            }
            const auto left = co_await revoke(&firing);
            co_return make_outcome(firing.intent, deleted.kind, deleted.detail + left);
        }
        const auto created = co_await create_once(context, &firing.access, firing.spec,
                                                  firing.values, deadline, firing.share);
        const std::string words = deleted.detail + "; " + created.words;
        if (created.new_id.empty()) {
            co_return not_replaced(firing, created.kind, words);
        }
        auto outcome = replaced(firing.intent, firing.spec, firing.name.slug, created, words);
        outcome.results["deleted"] = "yes";
        co_return outcome;
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        const auto quiet = propagation_of(context, contract_);
        return observe_replacement(context, std::move(plan), std::move(intent), fired, quiet,
                                   deadline);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        auto look =
            co_await prove_replacement(context, std::move(plan), std::move(outcome), deadline);
        co_return look;
    }

  private:
    struct Told {
        Instant at{};
        std::string version;
        bool sealed = false;
        std::vector<std::string> losses;
    };

    // Counted anew now and then: a plan is made every minute while a case is open, and what an
    // agent spends and remembers meanwhile is worth neither the tenant's budget nor an entry.
    boost::asio::awaitable<std::vector<std::string>> losses_of(Context& context,
                                                               stack::TenantAccess access,
                                                               WorkspaceSpec spec,
                                                               net::Deadline deadline) {
        const auto now = context.clock->now().at;
        const bool sealed = context.safe != nullptr;
        const auto known = told_.find(spec.id);
        const bool young = known != told_.end() && now - known->second.at < told_for &&
                           known->second.version == spec.version && known->second.sealed == sealed;
        if (young) {
            co_return known->second.losses;
        }
        const auto belongings = co_await count_belongings(access, spec.id, deadline);
        while (!told_.contains(spec.id) && told_.size() >= told_max) {
            told_.erase(told_.begin());
        }
        Told told{now, spec.version, sealed, describe_losses(spec, belongings, sealed)};
        auto losses = told.losses;
        told_[spec.id] = std::move(told);
        co_return losses;
    }

    // Reads everything again; empty, or why it is not what was planned.
    boost::asio::awaitable<std::string> open(Context& context, Firing* firing) {
        const auto name = workspace_name(firing->plan.subject);
        if (name.has_error()) {
            co_return name.error().what;
        }
        firing->name = *name;
        auto access = co_await open_tenant(context, name->slug, firing->deadline);
        if (access.has_error()) {
            co_return access.error().what;
        }
        firing->access = *access;
        auto spec = co_await capture_spec(context, &firing->access, name->id, firing->deadline);
        if (spec.has_error()) {
            co_return spec.error().what;
        }
        firing->spec = *spec;
        const bool same = spec->version == firing->plan.target_version &&
                          calls_of(firing->access, *spec) == firing->plan.calls;
        co_return same ? std::string{}
                       : std::string("the workspace or the configuration changed since the plan");
    }

    // The secret values are here and safe, and the create would be accepted; empty, or why not.
    // Time is kept back for the delete, the create and a look.
    boost::asio::awaitable<std::string> make_sure(Context& context, Firing* firing) {
        const auto until = firing->deadline - 3 * firing->share;
        auto values =
            co_await read_secret_values(firing->access, firing->spec, &firing->minted, until);
        if (values.has_error()) {
            co_return values.error().what;
        }
        firing->values = *values;
        const auto rehearsal =
            co_await rehearse_create(firing->access, firing->spec, firing->values, until);
        if (rehearsal.made) {
            firing->surplus = true;
            co_return "this build made a workspace of a rehearsal that each known one refuses: "
                      "remove it by hand; the old one was not deleted; " + rehearsal.detail;
        }
        if (!rehearsal.good) {
            co_return "its create would not be accepted, so nothing was deleted; " +
                rehearsal.detail;
        }
        if (context.safe != nullptr && !firing->values.empty()) {
            const auto kept = context.safe->keep(firing->intent, sealed_text(firing->values));
            if (kept.has_error()) {
                co_return "its secret values could not be sealed, so nothing was deleted: " +
                    kept.error().what;
            }
            firing->sealed = true;
        }
        co_return std::string{};
    }

    static void forget(Context& context, Firing* firing) {
        if (firing->sealed) {
            context.safe->forget(firing->intent);
            firing->sealed = false;
        }
    }

    // Empty, or why the minted token is still live.
    static boost::asio::awaitable<std::string> revoke(Firing* firing) {
        return revoke_token(firing->access, firing->name.id, firing->minted, firing->deadline);
    }

    LeverContract contract_ = make_contract();
    std::map<std::string, Told> told_;  // by the workspace's id
};

}  // namespace

std::unique_ptr<Lever> make_workspace_reprovision() {
    return std::make_unique<WorkspaceReprovision>();
}

}  // namespace leverd::levers
