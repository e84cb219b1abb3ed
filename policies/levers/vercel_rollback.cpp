// Why: lever F points the canvas's production domains back at the deployment that served before. A
// 201 only starts a job, the newest READY deployment need not be the live one, and a job may move
// some domains and not others; so the proof is the project's own target, its job, no failed domain,
// and the page itself.
#include "policies/levers/vercel_rollback.hpp"

#include "core/base/text.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/paced.hpp"
#include "policies/levers/vercel_choice.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace leverd::levers {
namespace {

stack::VercelAccess vercel_of(const Context& context) {
    const auto& vercel = context.config->vercel;
    stack::VercelAccess access;
    access.http = context.http;
    access.url = vercel.url;
    access.project = vercel.project_id;
    access.team_id = vercel.team_id;
    access.team_slug = vercel.team_slug;
    access.token = secret_named(context, vercel.token);
    return access;
}

std::int64_t number_param(const Plan& plan, const char* key) {
    const std::string text = param(plan, key);
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// The one call of a plan; a promote takes a rollback back and turns automatic domains on again.
net::HttpRequest move_request(const stack::VercelAccess& access, const std::string& verb,
                              const std::string& target) {
    return verb == "promote" ? stack::vercel_promote_request(access, target)
                             : stack::vercel_rollback_request(access, target);
}

Plan plan_of(const stack::VercelAccess& access, const stack::VercelProject& project,
             const std::string& verb, const std::string& target, std::string why) {
    Plan plan;
    plan.subject = Subject("canvas");
    plan.resource = "vercel:" + access.project;
    plan.target_version = project.production;
    plan.params = {{"project", access.project},
                   {"verb", verb},
                   {"live", project.production},
                   {"target", target},
                   {"alias_before", std::to_string(project.last ? project.last->requested : 0)}};
    plan.calls.push_back(call_of(move_request(access, verb, target), std::move(why)));
    if (project.rolling_release) {
        plan.warnings.push_back(
            "a rolling release is set up: domains may move in stages, look at the percentage");
    }
    return plan;
}

Seen seen_of(const stack::Problem& problem) {
    return Seen{Health::unknown, problem.reason, problem.origin, problem.detail};
}

// What the project says about the move, before single domains are asked for.
Seen judge_project(const stack::VercelProject& project, const Plan& plan) {
    const std::string target = param(plan, "target");
    const AliasJob job = alias_job(project, number_param(plan, "alias_before"), target);
    const std::string status = job == AliasJob::ours ? project.last->status : std::string{};
    Seen seen;
    seen.health = Health::degraded;
    if (job == AliasJob::foreign) {
        seen.words = fmt::format("somebody moved the domains to {} since", project.last->to);
    } else if (status == "failed" || status == "skipped") {
        seen.health = Health::failing;
        seen.reason = Reason::alias_failed;
        seen.words = fmt::format("the move to {} ended {}", target, status);
    } else if (status == "pending" || status == "in-progress") {
        seen.words = fmt::format("the move to {} is {}", target, status);
    } else if (project.production != target) {
        seen.words = fmt::format("{} still serves, not {}", project.production, target);
    } else {
        seen.health = Health::healthy;
        seen.reason = Reason::ok;
        seen.words =
            fmt::format("{} serves; the move {}", target, status.empty() ? "is not shown" : status);
    }
    return seen;
}

std::string joined(const std::vector<std::string>& names) {
    std::string all;
    for (const auto& name : names) {
        all += (all.empty() ? "" : ", ") + name;
    }
    return all;
}

class VercelRollback final : public Lever {
  public:
    explicit VercelRollback(LeverContract contract) : contract_(std::move(contract)) {}

    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        if (subject.text() != "canvas") {
            co_return refusal(contract_.id + " is about canvas only, not \"" +
                              sanitize(subject.text(), 120) + "\"");
        }
        auto project = co_await read_project(context, deadline);
        if (project.has_error()) {
            co_return wrap("project on Vercel", stack::to_error(project.error()));
        }
        const std::string busy = alias_job_under_way(*project, context.clock->now().wall);
        if (!busy.empty()) {
            co_return refusal("Vercel is at work: " + busy, "wait for its end");
        }
        auto list = co_await read_list(context, deadline);
        if (list.has_error()) {
            co_return wrap("production deployments on Vercel", stack::to_error(list.error()));
        }
        const auto target = choose_vercel_target(*project, *list);
        if (target.has_error()) {
            co_return target.error();
        }
        Plan plan = plan_of(vercel_of(context), *project, "rollback", target->id,
                            "points every production domain at " + describe_vercel(*target) +
                                "; nothing is rebuilt");
        plan.lever = contract_.id;
        plan.warnings.insert(
            plan.warnings.begin(),
            {"leaves " + project->production + ", which serves now",
             "automatic assignment of production domains is off afterwards: later merges do not go "
             "live until somebody promotes a deployment or undoes the rollback",
             "the old build keeps its old environment variables and cron state",
             "a Hobby plan can go back by one deployment only"});
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        const auto access = vercel_of(context);
        const std::string target = param(plan, "target");
        const auto request = move_request(access, param(plan, "verb"), target);
        const bool fits =
            is_opaque_id(target) && plan.calls.size() == 1 && plan.calls[0].url == request.url &&
            plan.calls[0].method == request.method && plan.calls[0].body == request.body;
        if (!fits) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the plan does not fit the configuration any more");
        }
        const auto held = projects_.held(access.project, context.clock->now().at);
        if (held) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "Vercel asked for patience: " + held->detail);
        }
        auto project = co_await stack::read_vercel_project(access, deadline);
        if (project.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, project.error().detail);
        }
        const std::string moved = moved_since(*project, plan, context.clock->now().wall);
        if (!moved.empty()) {
            co_return make_outcome(intent, OutcomeKind::refused, moved);
        }
        projects_.forget();
        auto answer = co_await stack::call(context.http, request, deadline);
        if (answer.has_error()) {
            co_return make_outcome(intent, judge_mutation(answer.error()),
                                   describe_mutation(answer.error()));
        }
        co_return judge_answer(intent, request, *answer);
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        auto project = co_await read_project(context, deadline);
        if (project.has_error()) {
            co_return make_settled(intent, Took::unclear, project.error().detail);
        }
        const std::string target = param(plan, "target");
        const AliasJob job = alias_job(*project, number_param(plan, "alias_before"), target);
        const std::string words = judge_project(*project, plan).words;
        if (job == AliasJob::ours || project->production == target) {
            co_return make_settled(intent, Took::yes, words);
        }
        const auto quiet = 2 * propagation_of(context, contract_);
        const bool late = projects_.read_at() - fired.at >= quiet;
        const bool untouched = job == AliasJob::none && project->production == plan.target_version;
        co_return make_settled(intent, late && untouched ? Took::no : Took::unclear, words);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        (void)outcome;
        Observation look = make_look(plan, context.clock->now());
        Seen seen = co_await look_at_move(context, plan, deadline);
        look.health = seen.health;
        look.reason = seen.reason;
        look.origin = seen.origin;
        look.evidence = sanitize(seen.words, evidence_bytes_max);
        look.version = seen.health == Health::healthy ? param(plan, "target") : std::string{};
        look.seen = context.clock->now();
        co_return look;
    }

    boost::asio::awaitable<Result<Plan>> plan_undo(Context& context, Intent done,
                                                   net::Deadline deadline) override {
        const auto access = vercel_of(context);
        auto project = co_await stack::read_vercel_project(access, deadline);
        if (project.has_error()) {
            co_return wrap("project on Vercel", stack::to_error(project.error()));
        }
        const std::string former = param(done.plan, "live");
        if (project->production != param(done.plan, "target") || !is_opaque_id(former)) {
            co_return refusal("not taken back: " + project->production +
                                  " serves, which is not what " + done.id + " moved to",
                              "only a deployment that leverd put there is taken back");
        }
        Plan plan = plan_of(access, *project, "promote", former,
                            "promotes what served before, without a rebuild; automatic assignment "
                            "of domains is on again");
        plan.lever = contract_.id;
        plan.warnings.push_back("this takes back " + done.id + ": " + former +
                                " returns, with its faults, and later merges go live again");
        co_return plan;
    }

  private:
    static std::string moved_since(const stack::VercelProject& project, const Plan& plan,
                                   WallTime now) {
        if (project.production != plan.target_version) {
            return fmt::format("{} serves now, not {} as in the plan", project.production,
                               plan.target_version);
        }
        const std::int64_t requested = project.last ? project.last->requested : 0;
        if (requested != number_param(plan, "alias_before")) {
            return "somebody moved the domains since the plan";
        }
        const std::string busy = alias_job_under_way(project, now);
        return busy.empty() ? busy : "Vercel is at work: " + busy;
    }

    static Outcome judge_answer(const std::string& intent, const net::HttpRequest& request,
                                const net::HttpResponse& response) {
        const std::string words = stack::describe_answer(request, response);
        if (response.status < 200 || response.status > 299) {
            const auto problem = stack::problem_of(request, response);
            const auto kind = judge_mutation(problem);
            const std::string why =
                kind == OutcomeKind::failed ? explain_vercel_status(response.status) + ": " : "";
            return make_outcome(intent, kind, why + words);
        }
        // Vercel speaks JSON or says nothing; a page comes from something in front of it.
        if (response.header("content-type").starts_with("text/html")) {
            return make_outcome(intent, OutcomeKind::unknown,
                                "a web page answered instead of Vercel: " + words);
        }
        return make_outcome(intent, OutcomeKind::accepted, words);
    }

    boost::asio::awaitable<Seen> look_at_move(Context& context, Plan plan, net::Deadline deadline) {
        auto project = co_await read_project(context, deadline);
        if (project.has_error()) {
            co_return seen_of(project.error());
        }
        Seen seen = judge_project(*project, plan);
        if (seen.health != Health::healthy && seen.reason != Reason::alias_failed) {
            co_return seen;
        }
        auto failed =
            co_await stack::list_failed_aliases(vercel_of(context), param(plan, "verb"), deadline);
        if (failed.has_error() && seen.health == Health::healthy) {
            co_return seen_of(failed.error());
        }
        if (failed.has_value() && !failed->empty()) {
            seen.health = Health::failing;
            seen.reason = Reason::alias_failed;
            seen.words += "; not moved: " + joined(*failed);
        }
        co_return seen;
    }

    boost::asio::awaitable<stack::Read<stack::VercelProject>> read_project(Context& context,
                                                                           net::Deadline deadline) {
        const auto access = vercel_of(context);
        const auto now = context.clock->now().at;
        auto known = projects_.known(access.project, now, pace_of(context, contract_));
        if (known) {
            co_return std::move(*known);
        }
        auto project = co_await stack::read_vercel_project(access, deadline);
        projects_.keep(access.project, now, project);
        co_return project;
    }

    boost::asio::awaitable<stack::Read<VercelList>> read_list(Context& context,
                                                              net::Deadline deadline) {
        const auto access = vercel_of(context);
        const auto now = context.clock->now().at;
        auto known = lists_.known(access.project, now, pace_of(context, contract_));
        if (known) {
            co_return std::move(*known);
        }
        auto list = co_await stack::list_vercel_production(access, deadline);
        lists_.keep(access.project, now, list);
        co_return list;
    }

    LeverContract contract_;
    PacedRead<stack::VercelProject> projects_;
    PacedRead<VercelList> lists_;
};

}  // namespace

bool has_vercel_token(const config::Config& config) {
    return config.vercel.has_token();
}

std::unique_ptr<Lever> make_vercel_rollback(LeverContract contract) {
    return std::make_unique<VercelRollback>(std::move(contract));
}

}  // namespace leverd::levers
