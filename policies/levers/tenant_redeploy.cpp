// Why: lever C redeploys one wedged tenant with one POST. The slug is confirmed against the control
// plane first and once more right before the call; a lost answer is settled by the traces that a
// redeploy leaves, never by a second POST.
#include "policies/levers/tenant_redeploy.hpp"

#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/redeploy_row.hpp"
#include "policies/levers/tenant_trail.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace leverd::levers {
namespace {

constexpr Millis signs_timeout{2'000};

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "tenant-redeploy";
    contract.letter = "C";
    contract.title = "Redeploy a tenant";
    contract.reversibility = Reversibility::restores_old_state;
    contract.inverse = "none";
    contract.resource = "one tenant";
    contract.precondition =
        "the control plane knows exactly this slug, says running, and has not changed it since the "
        "plan";
    contract.propagation = std::chrono::seconds(60);
    ProofStep works;
    works.who = ProofStep::Who::target;
    works.probe = "tenant_health";
    works.looks = 2;
    works.needs_fact = "auth_read";
    works.reset_fact = "requests_total";
    contract.proof = {works};
    contract.known_false_success =
        "200 with ok=false, the edge's HTML page with 200, or the old container still serving";
    return contract;
}

Result<net::HttpRequest> redeploy_request(const Context& context, const std::string& slug) {
    const auto path = stack::slug_path(context.config->control_plane.redeploy_path, slug);
    if (path.has_error()) {
        return path.error();
    }
    return stack::control_plane_request(control_plane_of(context), "POST", *path);
}

bool says_failed(const nlohmann::json& body, const std::string& slug) {
    if (!body.is_object()) {
        return false;
    }
    const auto ok = body.find("ok");
    if (ok != body.end() && ok->is_boolean() && !ok->get<bool>()) {
        return true;
    }
    const auto results = body.find("results");
    if (results == body.end() || !results->is_array()) {
        return false;
    }
    return std::any_of(results->begin(), results->end(), [&](const auto& row) {
        const std::string whose = stack::text_at(row, "slug");
        return row.is_object() && (whose.empty() || whose == slug) && redeploy_row_failed(row);
    });
}

Outcome judge_answer(const std::string& intent, const std::string& slug,
                     const net::HttpRequest& request, const net::HttpResponse& response) {
    const std::string words = stack::describe_answer(request, response);
    if (response.status < 200 || response.status > 299) {
        const auto problem = stack::problem_of(request, response);
        return make_outcome(intent, judge_mutation(problem), words);
    }
    // The control plane speaks JSON or says nothing; a page comes from something in front of it.
    if (response.header("content-type").starts_with("text/html")) {
        return make_outcome(intent, OutcomeKind::unknown,
                            "a web page answered instead of the control plane: " + words);
    }
    const auto body = parse_json(response.body);
    const bool failed = body.has_value() && says_failed(*body, slug);
    return make_outcome(intent, failed ? OutcomeKind::failed : OutcomeKind::accepted, words);
}

std::string being_booted(const std::string& slug, const TenantRecord& record) {
    return fmt::format("a boot of {} is under way ({})", slug, record.boot_under_way);
}

class TenantRedeploy final : public Lever {
  public:
    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        const auto slug = tenant_slug(subject);
        if (slug.has_error()) {
            co_return slug.error();
        }
        auto record = co_await read_tenant_record(context, *slug, deadline);
        if (record.has_error()) {
            co_return record.error();
        }
        if (record->instance_status != "running") {
            co_return refusal(fmt::format("the control plane says {} is \"{}\", not running", *slug,
                                          record->instance_status),
                              "wait for it, or look at its boot events; a redeploy would disturb");
        }
        if (!record->boot_under_way.empty()) {
            co_return refusal(being_booted(*slug, *record),
                              "somebody redeploys it already: wait for its end");
        }
        const auto request = redeploy_request(context, *slug);
        if (request.has_error()) {
            co_return request.error();
        }
        Plan plan;
        plan.lever = contract_.id;
        plan.subject = subject;
        plan.resource = subject.text();
        plan.target_version = version_of(*record);
        plan.params["slug"] = *slug;
        plan.params["org_id"] = record->org_id;
        plan.params["boot_marker"] = record->boot_marker;
        plan.calls.push_back(
            call_of(*request, "redeploys tenant " + *slug + " with its current image"));
        plan.warnings = {
            "real infrastructure: the tenant is down for minutes and open SSH sessions drop",
            "depending on the control plane this launches a new machine or only recreates the "
            "container; a dead machine needs stop and start (lever tenant-restart)"};
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        const auto slug = tenant_slug(plan.subject);
        const auto request = slug.has_value() ? redeploy_request(context, *slug)
                                              : Result<net::HttpRequest>(slug.error());
        const bool fits = request.has_value() && plan.calls.size() == 1 &&
                          plan.calls[0].method == request->method &&
                          plan.calls[0].url == request->url && plan.calls[0].body == request->body;
        if (!fits) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the plan does not fit the configuration any more");
        }
        auto record = co_await read_tenant_record(context, *slug, deadline);
        if (record.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, record.error().what);
        }
        if (version_of(*record) != plan.target_version) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the tenant changed since the plan: " + version_of(*record) +
                                       " instead of " + plan.target_version);
        }
        if (!record->boot_under_way.empty()) {
            co_return make_outcome(intent, OutcomeKind::refused, being_booted(*slug, *record));
        }
        const auto soon = std::min(deadline, net::deadline_in(signs_timeout));
        const auto before = co_await read_tenant_signs(context, *slug, record->org_id, soon);
        trails_.of(intent) = TenantTrail{before.front, before.requests, 0};
        net::HttpRequest call = *request;
        auto answer = co_await stack::call(context.http, call, deadline);
        if (answer.has_error()) {
            co_return make_outcome(intent, judge_mutation(answer.error()),
                                   describe_mutation(answer.error()));
        }
        co_return judge_answer(intent, *slug, *request, *answer);
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        // A launch phones home a minute or more after the call, so silence means nothing before.
        const auto quiet = 2 * propagation_of(context, contract_);
        return settle_by_trail(context, std::move(plan), std::move(intent), fired, quiet, &trails_,
                               deadline);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        (void)context, (void)plan, (void)outcome, (void)deadline;
        co_return std::nullopt;
    }

  private:
    LeverContract contract_ = make_contract();
    TrailBook trails_;
};

}  // namespace

std::unique_ptr<Lever> make_tenant_redeploy() {
    return std::make_unique<TenantRedeploy>();
}

}  // namespace leverd::levers
