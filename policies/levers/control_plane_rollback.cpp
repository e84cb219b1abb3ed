// Why: without a Railway token lever E is a person's job on the dashboard, and what leverd can do
// is to put the exact steps, and the traps, before that person's eyes. With one it is
// railway_rollback.cpp.
#include "policies/levers/control_plane_rollback.hpp"

#include "policies/levers/access.hpp"
#include "policies/levers/by_credential.hpp"
#include "policies/levers/manual.hpp"
#include "policies/levers/railway_rollback.hpp"

#include <utility>

namespace leverd::levers {
namespace {

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "control-plane-rollback";
    contract.letter = "E";
    contract.title = "Roll back the control plane on Railway";
    contract.reversibility = Reversibility::restores_old_state;
    contract.inverse = "roll forward to the newer deployment on the same page";
    contract.resource = "the production deployment of the control plane";
    contract.precondition = "an earlier good deployment is known";
    contract.propagation = std::chrono::seconds(30);
    // A deployment takes half a minute, and every look counts against the account's hourly limit.
    contract.prove_every = std::chrono::seconds(30);
    ProofStep works;
    works.who = ProofStep::Who::target;
    works.probe = "control_plane";
    works.looks = 3;
    contract.proof = {works};
    contract.known_false_success =
        "an older CP_ADMIN_API_TOKEN came back with the variables; a deployment webhook's status "
        "is not reliable";
    return contract;
}

Plan make_plan(const LeverContract& contract, const config::Config& config, Subject subject) {
    const auto& cp = config.control_plane;
    const std::string bearer = "curl -fsS -H \"Authorization: Bearer $CP_ADMIN_API_TOKEN\" ";
    Plan plan;
    plan.lever = contract.id;
    plan.subject = std::move(subject);
    plan.resource = "railway:controlplane";
    plan.steps = {
        "Open the Railway dashboard, project molecule-platform, service controlplane, page "
        "Deployments.",
        "Find the previous deployment that is known to be good: the newest SUCCESS older than the "
        "suspected change.",
        "Click \"Rollback to this deployment\" and wait about 30 seconds, until the new deployment "
        "says SUCCESS.",
        "Check: curl -fsS " + stack::join_url(cp.url, cp.health_path) +
            " answers {\"status\":\"ok\"}.",
        "Check: " + bearer + "'" + stack::join_url(cp.url, cp.orgs_path) +
            "' answers 200 with the list of organisations.",
        "If that says 401, the rollback brought an older CP_ADMIN_API_TOKEN back: set the current "
        "one again (railway variables --set, the service restarts by itself) and give leverd the "
        "same one.",
    };
    plan.warnings = {
        "the rollback restores the variables of that deployment too: changes made since, "
        "CP_ADMIN_API_TOKEN included, are undone; a 401 afterwards is to be expected",
        "a token that was rotated away since then becomes valid again: rotate it once more",
        "levers that need the control plane wait until it answers again",
    };
    return plan;
}

}  // namespace

std::unique_ptr<Lever> make_control_plane_rollback() {
    LeverContract manual = make_contract();
    manual.manual = true;
    LeverContract real = make_contract();
    real.inverse = "roll back once more, to the deployment that was live before; its variables too";
    real.can_undo = true;
    ProofStep followed;
    followed.who = ProofStep::Who::lever;
    followed.looks = 1;
    real.proof.insert(real.proof.begin(), followed);
    return make_by_credential(&has_railway_token, make_railway_rollback(std::move(real)),
                              make_manual_lever(std::move(manual), "control-plane", &make_plan));
}

}  // namespace leverd::levers
