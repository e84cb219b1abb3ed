// Why: lever E rolls the control plane's one Railway service back with one mutation. The answer is
// a bare true, so what it made is found by looking: a new deployment that comes up, a control plane
// that is healthy, and an admin read with the credential that leverd holds. The variables go back
// too, and with them possibly that very credential; this lever knows that end and names it.
#include "policies/levers/railway_rollback.hpp"

#include "core/base/text.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/paced.hpp"
#include "policies/levers/railway_choice.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace leverd::levers {
namespace {

using stack::RailwayDeployment;

constexpr int page_size = 50;

stack::RailwayAccess railway_of(const Context& context) {
    const auto& railway = context.config->railway;
    stack::RailwayAccess access;
    access.http = context.http;
    access.url = railway.url;
    access.project_id = railway.project_id;
    access.environment_id = railway.environment_id;
    access.service_id = railway.service_id;
    access.project_token = secret_named(context, railway.project_token);
    access.account_token = secret_named(context, railway.account_token);
    return access;
}

// What was rolled back to, as the plan remembers it.
RailwayDeployment target_of(const Plan& plan) {
    RailwayDeployment target;
    target.id = param(plan, "target");
    target.snapshot = param(plan, "target_snapshot");
    target.commit = param(plan, "target_commit");
    target.image = param(plan, "target_image");
    return target;
}

Call rollback_call(const stack::RailwayAccess& access, const RailwayDeployment& target) {
    Call call;
    call.method = "POST";
    call.url = access.url;
    call.body = stack::railway_rollback_body(target.id);
    call.why = "makes a new deployment of " + describe_railway(target) +
               ", its variables included; answers true without saying which";
    return call;
}

Plan plan_of(const stack::RailwayAccess& access, const RailwayChoice& choice) {
    Plan plan;
    plan.subject = Subject("control-plane");
    plan.resource = "railway:" + access.service_id;
    plan.target_version = choice.live.id;
    plan.params = {{"service", access.service_id},
                   {"newest", choice.newest.id},
                   {"newest_created", choice.newest.created_text},
                   {"live", choice.live.id},
                   {"target", choice.target.id},
                   {"target_created", choice.target.created_text},
                   {"target_snapshot", choice.target.snapshot},
                   {"target_commit", choice.target.commit},
                   {"target_image", choice.target.image}};
    plan.calls.push_back(rollback_call(access, choice.target));
    plan.warnings = {
        "variables go back to those of " + choice.target.created_text +
            ": what was changed since is undone, CP_ADMIN_API_TOKEN included; leverd then gets 401 "
            "and says so",
        "a token that was rotated away since then becomes valid again: rotate it once more",
        "leaves " + describe_railway(choice.live) + ", which serves now",
        "levers that need the control plane wait until it answers again"};
    if (choice.left_behind > 0) {
        plan.warnings.push_back(
            fmt::format("the live one is itself the result of a rollback: {} deployments that it "
                        "left are no candidates",
                        choice.left_behind));
    }
    return plan;
}

// The answer to the one mutation.
Outcome judge_answer(const std::string& intent, const net::HttpRequest& request,
                     const net::HttpResponse& response) {
    const std::string words = stack::describe_answer(request, response);
    auto data = stack::parse_railway(request, response);
    if (data.has_error()) {
        const auto& problem = data.error();
        OutcomeKind kind = judge_mutation(problem);
        // Errors come with 200. Only those that tell that nothing was executed are a certain no.
        if (problem.exact) {
            kind = OutcomeKind::failed;
        }
        std::string said = words;
        if (problem.reason == Reason::unauthorized) {
            said = "Railway refuses the token for this environment: " + words;
        } else if (problem.reason == Reason::rate_limited) {
            said = fmt::format("Railway asks for {} s of patience; nothing was done: {}",
                               problem.retry_after.count() / 1000, words);
        }
        return make_outcome(intent, kind, said);
    }
    const auto done = data->find("deploymentRollback");
    if (done == data->end() || !done->is_boolean()) {
        return make_outcome(intent, OutcomeKind::unknown, "not an answer to a rollback: " + words);
    }
    return make_outcome(intent, done->get<bool>() ? OutcomeKind::accepted : OutcomeKind::failed,
                        words);
}

Seen seen_of(const stack::Problem& problem) {
    const bool judged =
        problem.origin == Origin::target && (problem.status == 0 || problem.status >= 500 ||
                                             (problem.status >= 200 && problem.status < 300));
    return Seen{judged ? Health::failing : Health::unknown, problem.reason, problem.origin,
                problem.detail};
}

boost::asio::awaitable<Seen> look_at_control_plane(Context& context, net::Deadline deadline) {
    stack::ControlPlaneAccess access = control_plane_of(context);
    stack::ControlPlaneAccess anonymous = access;
    anonymous.token = Secret();
    const net::HttpRequest request =
        stack::control_plane_request(anonymous, "GET", context.config->control_plane.health_path);
    auto answer = co_await stack::call(context.http, request, deadline);
    if (answer.has_error()) {
        co_return seen_of(answer.error());
    }
    auto body = stack::json_of(request, *answer);
    if (body.has_error()) {
        co_return seen_of(body.error());
    }
    if (stack::text_at(*body, "status") != "ok") {
        const auto problem = stack::problem_of(request, *answer, Reason::wrong_body);
        co_return seen_of(problem);
    }
    auto orgs =
        co_await stack::list_orgs(access, context.config->control_plane.orgs_path, deadline);
    if (orgs.has_error() && orgs.error().status == 401) {
        Seen seen;
        seen.health = Health::failing;
        seen.reason = Reason::credential_rolled_back;
        seen.words = std::string(describe(seen.reason).text) + ": " + orgs.error().detail;
        co_return seen;
    }
    if (orgs.has_error()) {
        co_return seen_of(orgs.error());
    }
    Seen seen;
    seen.health = orgs->rows > 0 ? Health::healthy : Health::degraded;
    seen.reason = orgs->rows > 0 ? Reason::ok : Reason::inventory_empty;
    seen.words = fmt::format("health ok, admin read with the current credential: {} organisations",
                             orgs->rows);
    co_return seen;
}

Seen seen_of(const RailwayNews& news) {
    Seen seen;
    seen.health = Health::degraded;
    const std::string which = describe_railway(news.deployment);
    switch (news.kind) {
        case RailwaySince::nothing:
            seen.words = "Railway shows no deployment newer than the plan's";
            break;
        case RailwaySince::under_way:
            seen.words = which + " is under way";
            break;
        case RailwaySince::other:
            seen.words = which + " is the newest, and not the rollback's own that came up";
            break;
        case RailwaySince::broken:
            seen.health = Health::failing;
            seen.reason = Reason::deployment_failed;
            seen.words = "the rollback's deployment " + which + " did not come up";
            break;
        case RailwaySince::up:
            seen.health = Health::healthy;
            seen.reason = Reason::ok;
            seen.words = "new deployment " + which;
            break;
    }
    return seen;
}

class RailwayRollback final : public Lever {
  public:
    explicit RailwayRollback(LeverContract contract) : contract_(std::move(contract)) {}

    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        if (subject.text() != "control-plane") {
            co_return refusal(contract_.id + " is about control-plane only, not \"" +
                              sanitize(subject.text(), 120) + "\"");
        }
        auto list = co_await read(context, deadline);
        if (list.has_error()) {
            co_return wrap("deployments on Railway", stack::to_error(list.error()));
        }
        const auto choice = choose_railway_target(*list);
        if (choice.has_error()) {
            co_return choice.error();
        }
        Plan plan = plan_of(railway_of(context), *choice);
        plan.lever = contract_.id;
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        const auto access = railway_of(context);
        const RailwayDeployment target = target_of(plan);
        const bool fits = is_uuid(target.id) && plan.calls.size() == 1 &&
                          plan.calls[0].url == access.url &&
                          plan.calls[0].body == stack::railway_rollback_body(target.id) &&
                          param(plan, "service") == access.service_id;
        if (!fits) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the plan does not fit the configuration any more");
        }
        const auto held = reads_.held(key_of(access), context.clock->now().at);
        if (held) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "Railway asked for patience: " + held->detail);
        }
        auto list = co_await read_anew(context, deadline);
        if (list.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, list.error().detail);
        }
        const std::string moved =
            railway_moved(*list, param(plan, "newest"), plan.target_version, target.id);
        if (!moved.empty()) {
            co_return make_outcome(intent, OutcomeKind::refused, moved);
        }
        reads_.forget();
        const auto request = stack::railway_request(access, plan.calls[0].body);
        auto answer = co_await stack::call(context.http, request, deadline);
        if (answer.has_error()) {
            co_return make_outcome(intent, judge_mutation(answer.error()),
                                   describe_mutation(answer.error()));
        }
        co_return judge_answer(intent, request, *answer);
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        auto list = co_await read(context, deadline);
        if (list.has_error()) {
            co_return make_settled(intent, Took::unclear, list.error().detail);
        }
        const RailwayNews news = since(*list, plan);
        if (news.ours) {
            co_return make_settled(intent, Took::yes,
                                   "Railway shows a new deployment of what was rolled back to: " +
                                       describe_railway(news.deployment));
        }
        if (news.kind != RailwaySince::nothing) {
            co_return make_settled(intent, Took::unclear, seen_of(news).words);
        }
        // Only a list that was read late enough can say that nothing came of it.
        const auto quiet = 2 * propagation_of(context, contract_);
        const bool late = reads_.read_at() - fired.at >= quiet;
        co_return make_settled(intent, late ? Took::no : Took::unclear, seen_of(news).words);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        (void)outcome;
        Observation look = make_look(plan, context.clock->now());
        auto list = co_await read(context, deadline);
        Seen seen;
        if (list.has_error()) {
            seen.reason = list.error().reason;
            seen.origin = list.error().origin;
            seen.words = list.error().detail;
        } else {
            const RailwayNews news = since(*list, plan);
            seen = seen_of(news);
        }
        if (seen.health == Health::healthy) {
            const std::string before = seen.words;
            seen = co_await look_at_control_plane(context, deadline);
            seen.words = before + "; " + seen.words;
        }
        look.health = seen.health;
        look.reason = seen.reason;
        look.origin = seen.origin;
        look.evidence = sanitize(seen.words, evidence_bytes_max);
        look.seen = context.clock->now();
        co_return look;
    }

    boost::asio::awaitable<Result<Plan>> plan_undo(Context& context, Intent done,
                                                   net::Deadline deadline) override {
        auto list = co_await read_anew(context, deadline);
        if (list.has_error()) {
            co_return wrap("deployments on Railway", stack::to_error(list.error()));
        }
        const RailwayNews news = since(*list, done.plan);
        if (news.kind != RailwaySince::up) {
            co_return refusal("not taken back: " + seen_of(news).words,
                              "only a rollback whose own deployment is live is taken back");
        }
        const std::string former = param(done.plan, "live");
        const auto row =
            std::find_if(list->begin(), list->end(), [&](const auto& d) { return d.id == former; });
        if (row == list->end() || !row->can_rollback) {
            co_return refusal("the deployment that was live before cannot be rolled back to",
                              "deploy its commit by hand");
        }
        RailwayChoice choice{list->front(), news.deployment, *row, 0};
        Plan plan = plan_of(railway_of(context), choice);
        plan.lever = contract_.id;
        plan.warnings.push_back(
            "this takes back " + done.id +
            ": the deployment that was live before it returns, faults included");
        co_return plan;
    }

  private:
    static std::string key_of(const stack::RailwayAccess& access) {
        return access.url + " " + access.service_id;
    }

    static RailwayNews since(const RailwayList& list, const Plan& plan) {
        const auto at = stack::parse_rfc3339(param(plan, "newest_created"));
        return railway_since(list, param(plan, "newest"), at.value_or(WallTime::max()),
                             target_of(plan));
    }

    boost::asio::awaitable<stack::Read<RailwayList>> read_anew(Context& context,
                                                               net::Deadline deadline) {
        const auto access = railway_of(context);
        auto list = co_await stack::list_railway_deployments(access, page_size, deadline);
        reads_.keep(key_of(access), context.clock->now().at, list);
        co_return list;
    }

    boost::asio::awaitable<stack::Read<RailwayList>> read(Context& context,
                                                          net::Deadline deadline) {
        auto known = reads_.known(key_of(railway_of(context)), context.clock->now().at,
                                  pace_of(context, contract_));
        if (known) {
            co_return std::move(*known);
        }
        auto list = co_await read_anew(context, deadline);
        co_return list;
    }

    LeverContract contract_;
    PacedRead<RailwayList> reads_;
};

}  // namespace

bool has_railway_token(const config::Config& config) {
    return config.railway.has_token();
}

std::unique_ptr<Lever> make_railway_rollback(LeverContract contract) {
    return std::make_unique<RailwayRollback>(std::move(contract));
}

}  // namespace leverd::levers
