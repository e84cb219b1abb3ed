// Why: without a Vercel token lever F is a person's job on the dashboard, and what leverd can do is
// to put the exact steps, and the traps, before that person's eyes. With one it is
// vercel_rollback.cpp.
#include "policies/levers/canvas_rollback.hpp"

#include "policies/levers/by_credential.hpp"
#include "policies/levers/manual.hpp"
#include "policies/levers/vercel_rollback.hpp"

#include <utility>

namespace leverd::levers {
namespace {

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "canvas-rollback";
    contract.letter = "F";
    contract.title = "Roll back the canvas on Vercel";
    contract.reversibility = Reversibility::restores_old_state;
    contract.inverse = "promote the newer deployment on the same page";
    contract.resource = "the production deployment of the canvas";
    contract.precondition = "the previous production deployment is known";
    contract.propagation = std::chrono::seconds(30);
    ProofStep works;
    works.who = ProofStep::Who::target;
    works.probe = "canvas";
    works.looks = 3;
    contract.proof = {works};
    contract.known_false_success =
        "the newest READY deployment is not the live one, or some aliases failed to move";
    return contract;
}

Plan make_plan(const LeverContract& contract, const config::Config& config, Subject subject) {
    const std::string page = config.canvas.url.empty() ? "the canvas" : config.canvas.url;
    Plan plan;
    plan.lever = contract.id;
    plan.subject = std::move(subject);
    plan.resource = "vercel:production";
    plan.steps = {
        "Open the Vercel dashboard, project molecule-app, page Deployments.",
        "Find the previous production deployment: the one that was live before the suspected "
        "change, not merely the newest READY one.",
        "Choose \"Promote to Production\" (or Instant Rollback) for it; nothing is rebuilt.",
        "Check that every production alias points to that deployment.",
        "Check: open " + page + " in a private window; the page loads without an exception" +
            (config.canvas.marker.empty() ? std::string(".")
                                          : " and holds \"" + config.canvas.marker + "\"."),
        "After the fix is merged: promote the fixed deployment, or undo the rollback.",
    };
    plan.warnings = {
        "after a rollback the automatic assignment of production domains stays off until somebody "
        "promotes a deployment or undoes the rollback: later merges do not go live",
        "the old build keeps its old environment variables and cron state",
        "a Hobby plan can go back by one deployment only",
    };
    return plan;
}

}  // namespace

std::unique_ptr<Lever> make_canvas_rollback() {
    LeverContract manual = make_contract();
    manual.manual = true;
    LeverContract real = make_contract();
    real.inverse =
        "promote the deployment that served before; automatic assignment of domains is on again";
    real.can_undo = true;
    ProofStep moved;
    moved.who = ProofStep::Who::lever;
    moved.looks = 2;
    real.proof.insert(real.proof.begin(), moved);
    return make_by_credential(&has_vercel_token, make_vercel_rollback(std::move(real)),
                              make_manual_lever(std::move(manual), "canvas", &make_plan));
}

}  // namespace leverd::levers
