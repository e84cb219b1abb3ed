// Why: tenants that do not come up on a rolled-back image are asked for it by name, with a tag that
// stands still. Only tenants that are down are touched, a dry run shows beforehand that the control
// plane would touch no other one, and a rollout that ended half way is settled slug by slug.
#include "policies/levers/fleet_redeploy.hpp"

#include "core/base/text.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/candidates.hpp"
#include "policies/levers/fleet_call.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/tenant_trail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace leverd::levers {
namespace {

constexpr Millis signs_timeout{1'500};
constexpr std::size_t remembered_max = 64;

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "fleet-redeploy";
    contract.title = "Redeploy the tenants that are down, with an explicit tag";
    contract.reversibility = Reversibility::restores_old_state;
    contract.inverse = "none; a redeploy without a tag lets the tenants follow :latest again";
    contract.resource = "the tenants of the plan";
    contract.precondition =
        "one staging tag names what :latest is in both platform repositories; each tenant is known "
        "to the control plane, running, and as it was when planned; a dry run lists exactly them";
    contract.propagation = std::chrono::seconds(60);
    ProofStep anew;
    anew.who = ProofStep::Who::lever;
    anew.looks = 2;
    ProofStep gone;
    gone.who = ProofStep::Who::cleared;
    contract.proof = {anew, gone};
    contract.known_false_success =
        "200 with ok=false or without a row for a tenant, the edge's HTML page with 200, or the "
        "old container still serving";
    return contract;
}

// The planned slugs; empty when the plan is not one of ours.
std::vector<std::string> slugs_of(const Plan& plan) {
    const auto slugs = split(param(plan, "slugs"), ' ');
    const bool good = !slugs.empty() && slugs.size() <= fleet_max &&
                      std::ranges::all_of(slugs, [](const auto& slug) { return is_slug(slug); });
    return good ? slugs : std::vector<std::string>{};
}

// The part of the plan that is about one tenant, as lever C would have it.
Plan part_of(const Plan& plan, const std::string& slug) {
    Plan part;
    part.lever = plan.lever;
    part.subject = Subject("tenant/" + slug);
    part.target_version = param(plan, "version." + slug);
    part.params["boot_marker"] = param(plan, "boot_marker." + slug);
    part.params["org_id"] = param(plan, "org_id." + slug);
    return part;
}

std::vector<Call> calls_of(const Context& context, const std::vector<std::string>& slugs,
                           const std::string& tag) {
    std::vector<Call> calls;
    for (const bool dry : {true, false}) {
        const auto request = fleet_request(context, slugs, tag, dry);
        calls.push_back(call_of(
            request, dry ? "dry run: must list exactly these tenants, else nothing more is sent"
                         : fmt::format("redeploys {} of the tenants with {}", slugs.size(), tag)));
    }
    return calls;
}

// The tag that names what :latest is in both repositories now.
boost::asio::awaitable<Result<std::string>> tag_in_service(Context& context,
                                                           net::Deadline deadline) {
    stack::Registry client(registry_of(context));
    auto question = co_await platform_question(context, &client, deadline);
    if (question.has_error()) {
        co_return question.error();
    }
    auto tag = co_await explicit_tag(&client, *question, deadline);
    co_return tag;
}

struct Census {
    std::vector<std::string> down;
    std::size_t unreadable = 0;
};

// Which of the running tenants are down. One that answers is never disturbed.
boost::asio::awaitable<Result<Census>> take_census(Context& context, net::Deadline deadline) {
    auto orgs = co_await stack::list_orgs(control_plane_of(context),
                                          context.config->control_plane.orgs_path, deadline);
    if (orgs.has_error()) {
        co_return wrap("the control plane's list of tenants", stack::to_error(orgs.error()));
    }
    Census census;
    for (const auto& tenant : orgs->tenants) {
        if (tenant.instance_status != "running") {
            continue;
        }
        const auto soon = std::min(deadline, net::deadline_in(signs_timeout));
        const auto signs = co_await read_tenant_signs(context, tenant.slug, tenant.org_id, soon);
        if (signs.front == Front::down) {
            census.down.push_back(tenant.slug);
        }
        census.unreadable += signs.front == Front::unreadable ? 1 : 0;
    }
    std::ranges::sort(census.down);
    co_return census;
}

// Nothing may have moved since the plan; the words say what did.
boost::asio::awaitable<std::string> moved_since(Context& context, Plan plan,
                                                net::Deadline deadline) {
    auto tag = co_await tag_in_service(context, deadline);
    if (tag.has_error()) {
        co_return tag.error().what;
    }
    if (*tag != param(plan, "target_tag")) {
        co_return "the images in service are " + *tag + " now";
    }
    for (const auto& slug : slugs_of(plan)) {
        auto record = co_await read_tenant_record(context, slug, deadline);
        if (record.has_error()) {
            co_return record.error().what;
        }
        const std::string planned = param(plan, "version." + slug);
        if (version_of(*record) != planned) {
            co_return "tenant " + slug + " changed since the plan: " + version_of(*record) +
                " instead of " + planned;
        }
    }
    co_return std::string{};
}

class FleetRedeploy final : public Lever {
  public:
    const LeverContract& contract() const override { return contract_; }

    // The call is answered when the last tenant is done (wire-contracts 1.5).
    Millis patience() const override { return std::chrono::minutes(20); }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        const auto& registry = context.config->registry;
        if (subject.text() != "platform" || registry.platform_image.empty() ||
            registry.platform_tenant_image.empty()) {
            co_return refusal(
                "this lever works on the subject platform only, with platform_image "
                "and platform_tenant_image in [stack.registry]",
                "one tenant alone: lever tenant-redeploy");
        }
        auto tag = co_await tag_in_service(context, deadline);
        if (tag.has_error()) {
            co_return tag.error();
        }
        auto census = co_await take_census(context, deadline);
        if (census.has_error()) {
            co_return census.error();
        }
        if (census->down.empty()) {
            co_return refusal(fmt::format("no running tenant is down ({} could not be judged)",
                                          census->unreadable),
                              "one that works is not redeployed");
        }
        const std::size_t all = census->down.size();
        census->down.resize(std::min(all, fleet_max));
        Plan plan;
        plan.lever = contract_.id;
        plan.subject = subject;
        plan.resource = subject.text();
        plan.params["target_tag"] = *tag;
        plan.target_version = *tag;
        for (const auto& slug : census->down) {
            auto record = co_await read_tenant_record(context, slug, deadline);
            if (record.has_error()) {
                co_return record.error();
            }
            plan.params["slugs"] += (plan.params["slugs"].empty() ? "" : " ") + slug;
            plan.params["version." + slug] = version_of(*record);
            plan.params["boot_marker." + slug] = record->boot_marker;
            plan.params["org_id." + slug] = record->org_id;
            plan.target_version += "; " + slug + " " + version_of(*record);
        }
        plan.calls = calls_of(context, census->down, *tag);
        plan.warnings = {
            "real infrastructure: " + census->down.front() +
                " goes first; a tenant of this list is gone for minutes and SSH sessions drop",
            "afterwards these tenants stay on " + *tag +
                " and follow no :latest, until they are redeployed without a tag"};
        if (all > fleet_max || census->unreadable > 0) {
            plan.warnings.push_back(
                fmt::format("{} more are down and are left for the next time; {} could not be "
                            "judged and are left alone",
                            all - census->down.size(), census->unreadable));
        }
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        const auto slugs = slugs_of(plan);
        const auto tag = param(plan, "target_tag");
        const bool fits = !slugs.empty() && is_staging_tag(tag) && same_calls(context, plan);
        if (!fits) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the plan does not fit the configuration any more");
        }
        const auto moved = co_await moved_since(context, plan, deadline);
        if (!moved.empty()) {
            co_return make_outcome(intent, OutcomeKind::refused, moved);
        }
        for (const auto& slug : slugs) {
            const auto soon = std::min(deadline, net::deadline_in(signs_timeout));
            const auto before =
                co_await read_tenant_signs(context, slug, param(plan, "org_id." + slug), soon);
            if (before.front != Front::down) {
                co_return make_outcome(intent, OutcomeKind::refused,
                                       fmt::format("tenant {} is not seen to be down any more: {}",
                                                   slug, to_text(before.front)));
            }
            trails_.of(intent + "/" + slug) = TenantTrail{before.front, before.requests, 0};
        }
        const auto rehearsal = fleet_request(context, slugs, tag, true);
        const auto shown = co_await stack::call(context.http, rehearsal, deadline);
        const auto allowed = judge_dry_run(shown, rehearsal, slugs);
        if (allowed.kind != OutcomeKind::accepted) {
            co_return make_outcome(intent, allowed.kind, allowed.detail);
        }
        const auto request = fleet_request(context, slugs, tag, false);
        const auto answer = co_await stack::call(context.http, request, deadline);
        const auto judged = judge_fleet(answer, request, slugs);
        co_return make_outcome(intent, judged.kind, judged.detail);
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        const auto slugs = slugs_of(plan);
        const auto quiet = 2 * propagation_of(context, contract_);
        std::size_t yes = 0;
        std::size_t no = 0;
        std::string detail;
        for (const auto& slug : slugs) {
            const std::string part = intent + "/" + slug;
            if (settled_.contains(part)) {
                ++yes;
                continue;
            }
            auto one = co_await settle_by_trail(context, part_of(plan, slug), part, fired, quiet,
                                                &trails_, deadline);
            yes += one.took == Took::yes ? 1 : 0;
            no += one.took == Took::no ? 1 : 0;
            if (one.took == Took::yes) {
                remember(part);
            }
            detail += (detail.empty() ? "" : "; ") + slug + ": " + one.detail;
        }
        const bool all = !slugs.empty() && yes == slugs.size();
        const bool none = !slugs.empty() && no == slugs.size();
        co_return make_settled(
            intent,
            all    ? Took::yes
            : none ? Took::no
                   : Took::unclear,
            fmt::format("{} of {} tenants started anew; {}", yes, slugs.size(), detail));
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        (void)outcome;
        Observation look = make_look(plan, context.clock->now());
        look.health = Health::healthy;
        look.reason = Reason::ok;
        for (const auto& slug : slugs_of(plan)) {
            const auto org = param(plan, "org_id." + slug);
            const auto soon = std::min(deadline, net::deadline_in(signs_timeout));
            const auto signs = co_await read_tenant_signs(context, slug, org, soon);
            auto record = co_await read_tenant_record(context, slug, deadline);
            const bool anew =
                record.has_value() && record->boot_marker != param(plan, "boot_marker." + slug);
            look.evidence += fmt::format("{}{} is {}{}", look.evidence.empty() ? "" : "; ", slug,
                                         to_text(signs.front), anew ? ", started anew" : "");
            if (signs.front == Front::down || signs.front == Front::splash) {
                look.health = Health::failing;
                look.reason = Reason::http_5xx;
            } else if ((signs.front != Front::healthy || !anew) && look.health == Health::healthy) {
                // The old container may be the one that answers.
                look.health = Health::unknown;
                look.reason = Reason::proof_missing;
            }
        }
        look.evidence = sanitize(look.evidence, evidence_bytes_max);
        look.seen = context.clock->now();
        co_return look;
    }

  private:
    static bool same_calls(const Context& context, const Plan& plan) {
        return plan.calls == calls_of(context, slugs_of(plan), param(plan, "target_tag"));
    }

    void remember(const std::string& part) {
        while (settled_.size() >= remembered_max) {
            settled_.erase(settled_.begin());
        }
        settled_.insert(part);
    }

    LeverContract contract_ = make_contract();
    TrailBook trails_;
    std::set<std::string> settled_;
};

}  // namespace

std::unique_ptr<Lever> make_fleet_redeploy() {
    return std::make_unique<FleetRedeploy>();
}

}  // namespace leverd::levers
