// Why: lever D deletes one bad workspace and creates it anew from its captured spec. A delete
// cannot be taken back, so it is sent once, without confirm=true (children are a person's
// decision), and whatever happens after it says plainly that the old workspace is gone.
#include "policies/levers/workspace_reprovision.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/workspace_proof.hpp"
#include "policies/levers/workspace_spec.hpp"

#include <fmt/format.h>

#include <utility>

namespace leverd::levers {
namespace {

constexpr std::size_t shortest_secret = 4;

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "workspace-reprovision";
    contract.letter = "D";
    contract.title = "Delete and reprovision a workspace";
    contract.reversibility = Reversibility::irreversible;
    contract.inverse = "none: the old workspace, its history and its id are gone";
    contract.resource = "one workspace";
    contract.precondition =
        "the workspace has no children and its spec could be captured; it has not changed since "
        "the plan";
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
    std::string new_id;
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
    if (body.has_error()) {
        // 200 without the platform's own JSON proves nothing either way.
        step.kind = judge_mutation(body.error());
        return step;
    }
    const std::string status = stack::text_at(*body, "status");
    step.done = status == "removed" || status == "purged";
    return step;
}

// The platform's own words, unless they echo a secret that we sent.
std::string error_words(const net::HttpResponse& response, const SecretValues& values) {
    const auto body = parse_json(response.body);
    const std::string words = body.has_value() ? stack::text_at(*body, "error") : std::string{};
    for (const auto& [name, value] : values) {
        if (value.reveal().size() >= shortest_secret &&
            words.find(value.reveal()) != std::string::npos) {
            return {};
        }
    }
    return words.empty() ? words : " (" + sanitize(words, 160) + ")";
}

Step judge_create(const net::HttpRequest& request, const stack::Read<net::HttpResponse>& answer,
                  const SecretValues& values) {
    Step step;
    if (answer.has_error()) {
        step.kind = judge_mutation(answer.error());
        step.detail = "create: " + describe_mutation(answer.error());
        return step;
    }
    const auto body = parse_json(answer->body);
    const std::string id = body.has_value() ? stack::text_at(*body, "id") : std::string{};
    step.done = answer->status == 201 && is_uuid(id);
    // An answer that says no is an answer: nothing was created, and nobody need look for it.
    step.kind = answer->status < 300 ? OutcomeKind::unknown
                                     : judge_mutation(stack::problem_of(request, *answer));
    step.new_id = step.done ? id : std::string{};
    step.detail =
        "create: " + stack::describe_without_body(request, *answer) + error_words(*answer, values);
    return step;
}

Outcome replaced(const std::string& intent, const WorkspaceName& old, const std::string& new_id,
                 const std::string& detail) {
    Outcome outcome = make_outcome(intent, OutcomeKind::accepted, detail);
    outcome.results["deleted"] = "yes";
    outcome.results["old_id"] = old.id;
    outcome.results["new_id"] = new_id;
    outcome.results["replaced_by"] = "workspace/" + old.slug + "/" + new_id;
    return outcome;
}

// Deleted, and not recreated. Said as what it is: an answer that was read is not a lost reply.
Outcome not_replaced(const std::string& intent, const Plan& plan, OutcomeKind kind,
                     const std::string& words) {
    const bool certain = kind == OutcomeKind::failed;
    Outcome outcome = make_outcome(
        intent, kind,
        fmt::format("the workspace ({}) is deleted and {}: recreate it by hand{}; {}",
                    param(plan, "name"), certain ? "was not recreated" : "was not seen created",
                    certain ? "" : " unless it appears", words));
    outcome.results["deleted"] = "yes";
    outcome.results["old_id"] = param(plan, "id");
    outcome.results[lost_result] = plan.subject.text();
    return outcome;
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
        const auto removal = delete_request(*access, name->id);
        const auto creation = create_request(*access, masked_create_body(*spec));
        plan.calls.push_back(call_of(removal, "deletes the bad workspace; children stop it (409)"));
        plan.calls.push_back(call_of(creation, "creates it anew; secret values are not shown"));
        plan.warnings = {
            "irreversible: its history, memories, schedules and tokens are lost, and it gets a new "
            "id",
            "on older builds the machine of the deleted workspace may go on running: look for an "
            "orphan"};
        if (!spec->create.contains("model")) {
            plan.warnings.emplace_back("it has no model of its own; newer builds want one");
        }
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        const auto name = workspace_name(plan.subject);
        if (name.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, name.error().what);
        }
        auto access = co_await open_tenant(context, name->slug, deadline);
        if (access.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, access.error().what);
        }
        auto spec = co_await capture_spec(context, &*access, name->id, deadline);
        if (spec.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, spec.error().what);
        }
        if (spec->version != plan.target_version || !fits(plan, *access, *spec)) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the workspace or the configuration changed since the plan");
        }
        auto values = co_await read_secret_values(*access, *spec, deadline);
        if (values.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, values.error().what);
        }
        // Time is kept back so that a lost answer can still be followed by a look.
        const auto share = timeout_of(context, contract_.id) / 5;
        const auto removal = delete_request(*access, name->id);
        auto gone = co_await stack::call(context.http, removal, deadline - 2 * share);
        const Step deleted = judge_delete(removal, gone);
        if (!deleted.done) {
            co_return make_outcome(intent, deleted.kind, deleted.detail);
        }
        auto creation = create_request(*access, create_body(*spec, *values));
        auto made = co_await stack::call(context.http, creation, deadline - share);
        const Step created = judge_create(creation, made, *values);
        const std::string words = deleted.detail + "; " + created.detail;
        if (created.done) {
            co_return replaced(intent, *name, created.new_id, words);
        }
        // No second create, ever: the first one may have worked.
        auto list = co_await read_workspaces(context, &*access, deadline);
        const auto found = list.has_value()
                               ? find_replacement(*list, spec->name, name->id, spec->others)
                               : std::optional<stack::Workspace>{};
        if (found) {
            co_return replaced(intent, *name, found->row.id,
                               words + "; the list shows the new one nevertheless");
        }
        co_return not_replaced(intent, plan, created.kind, words);
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
    static net::HttpRequest delete_request(const stack::TenantAccess& access,
                                           const std::string& id) {
        return stack::tenant_request(access, "DELETE", "/workspaces/" + id);
    }

    static net::HttpRequest create_request(const stack::TenantAccess& access, std::string body) {
        auto request = stack::tenant_request(access, "POST", "/workspaces");
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = std::move(body);
        return request;
    }

    static Call call_of(const net::HttpRequest& request, std::string why) {
        Call call;
        call.method = request.method;
        call.url = request.url;
        call.body = request.body;
        call.why = std::move(why);
        return call;
    }

    // What would be sent now is what the plan showed.
    static bool fits(const Plan& plan, const stack::TenantAccess& access,
                     const WorkspaceSpec& spec) {
        if (plan.calls.size() != 2) {
            return false;
        }
        const auto removal = call_of(delete_request(access, spec.id), plan.calls[0].why);
        const auto creation =
            call_of(create_request(access, masked_create_body(spec)), plan.calls[1].why);
        return removal == plan.calls[0] && creation == plan.calls[1];
    }

    LeverContract contract_ = make_contract();
};

}  // namespace

std::unique_ptr<Lever> make_workspace_reprovision() {
    return std::make_unique<WorkspaceReprovision>();
}

}  // namespace leverd::levers
