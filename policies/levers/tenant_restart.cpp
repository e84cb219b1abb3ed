// Why: stop and start of one tenant's machine, for a machine so dead that a redeploy cannot reach
// it. Between the two calls the tenant is down for certain, so once a stop was sent everything here
// serves one aim: that the start follows. Each is sent at most once; what became of a lost one is
// read, never tried again.
#include "policies/levers/tenant_restart.hpp"

#include "core/model/codec.hpp"
#include "core/net/clock.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/tenant_trail.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

constexpr const char* stop_path = "/cp/admin/tenants/{slug}/stop";
constexpr const char* start_path = "/cp/admin/tenants/{slug}/start";
constexpr Millis signs_timeout{2'000};
constexpr Millis last_wait{8'000};  // for the stop, once leverd itself is told to stop

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "tenant-restart";
    contract.title = "Stop and start a tenant's machine";
    contract.reversibility = Reversibility::restores_old_state;
    contract.inverse = "none: a stopped tenant is started, that is all";
    contract.resource = "one tenant's machine";
    contract.precondition =
        "the control plane knows exactly this slug and has not changed it since the plan";
    contract.propagation = std::chrono::seconds(60);
    contract.prove_every = std::chrono::seconds(3);
    ProofStep works;
    works.who = ProofStep::Who::target;
    works.probe = "tenant_health";
    works.looks = 2;
    works.needs_fact = "auth_read";
    works.reset_fact = "requests_total";
    contract.proof = {works};
    contract.known_false_success =
        "both calls answered 200 and the machine never stopped, or it runs and the edge shows its "
        "HTML page with 200";
    return contract;
}

Result<net::HttpRequest> request_for(const Context& context, const char* path,
                                     const std::string& slug) {
    const auto full = stack::slug_path(path, slug);
    if (full.has_error()) {
        return full.error();
    }
    return stack::control_plane_request(control_plane_of(context), "POST", *full);
}

bool same_call(const Call& call, const net::HttpRequest& request) {
    return call.method == request.method && call.url == request.url && call.body == request.body;
}

struct Sent {
    OutcomeKind kind = OutcomeKind::unknown;
    bool left = true;  // false: for certain nothing left this machine
    std::string words;
};

// 200 with {"ok":false}.
bool says_no(const std::string& text) {
    const auto body = parse_json(text);
    if (body.has_error() || !body->is_object()) {
        return false;
    }
    const auto ok = body->find("ok");
    return ok != body->end() && ok->is_boolean() && !ok->get<bool>();
}

Sent judge(const net::HttpRequest& request, const stack::Read<net::HttpResponse>& answer) {
    Sent sent;
    if (answer.has_error()) {
        sent.kind = judge_mutation(answer.error());
        sent.left = answer.error().sent;
        sent.words = describe_mutation(answer.error());
        return sent;
    }
    sent.words = stack::describe_answer(request, *answer);
    if (answer->status < 200 || answer->status > 299) {
        sent.kind = judge_mutation(stack::problem_of(request, *answer));
        return sent;
    }
    if (answer->header("content-type").starts_with("text/html")) {
        sent.words = "a web page answered instead of the control plane: " + sent.words;
        return sent;
    }
    sent.kind = says_no(answer->body) ? OutcomeKind::failed : OutcomeKind::accepted;
    return sent;
}

struct Awaited {
    bool reached = false;
    std::string status = "not readable";  // the control plane's newest word
};

// Reads until the control plane says `wanted`, the time is over, or leverd itself must go.
boost::asio::awaitable<Awaited> await_status(Context& context, std::string slug, std::string wanted,
                                             Millis pace, net::Deadline until) {
    Awaited seen;
    bool hurried = false;
    while (true) {
        auto org = co_await find_org(context, slug, until);
        if (org.has_value()) {
            seen.status = org->instance_status;
            seen.reached = seen.status == wanted;
        }
        if (!hurried && context.leaving != nullptr && *context.leaving) {
            hurried = true;
            until = std::min(until, net::deadline_in(last_wait));
        }
        if (seen.reached || net::deadline_in(pace) >= until) {
            co_return seen;
        }
        const bool waited = co_await net::pause(pace);
        if (!waited) {
            co_return seen;
        }
    }
}

class TenantRestart final : public Lever {
  public:
    const LeverContract& contract() const override { return contract_; }

    // A machine takes about a minute to stop and more to start.
    Millis patience() const override { return std::chrono::minutes(5); }

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
                              record->instance_status == "stopped"
                                  ? "somebody stopped it: ask them, or start it by hand"
                                  : "wait for it, or look at its boot events");
        }
        const auto stop = request_for(context, stop_path, *slug);
        const auto start = request_for(context, start_path, *slug);
        if (stop.has_error() || start.has_error()) {
            co_return stop.has_error() ? stop.error() : start.error();
        }
        Plan plan;
        plan.lever = contract_.id;
        plan.subject = subject;
        plan.resource = subject.text();
        plan.target_version = version_of(*record);
        plan.params["slug"] = *slug;
        plan.params["org_id"] = record->org_id;
        plan.params["boot_marker"] = record->boot_marker;
        plan.calls.push_back(call_of(*stop, "stops the machine of tenant " + *slug));
        plan.calls.push_back(
            call_of(*start, "starts it again once the control plane says stopped"));
        plan.warnings = {
            "between the two calls the tenant is down for everybody, also where it still worked",
            "if the start is refused or lost the tenant stays down until a person starts it",
            "every workspace of the tenant loses what it is doing"};
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        const auto slug = tenant_slug(plan.subject);
        if (slug.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, slug.error().what);
        }
        const auto stop = request_for(context, stop_path, *slug);
        const auto start = request_for(context, start_path, *slug);
        const bool fits = stop.has_value() && start.has_value() && plan.calls.size() == 2 &&
                          same_call(plan.calls[0], *stop) && same_call(plan.calls[1], *start);
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
        const auto soon = std::min(deadline, net::deadline_in(signs_timeout));
        const auto before = co_await read_tenant_signs(context, *slug, record->org_id, soon);
        trails_.of(intent) = TenantTrail{before.front, before.requests, 0};
        auto outcome = co_await stop_and_start(context, *slug, *stop, *start, deadline);
        outcome.intent = intent;
        co_return outcome;
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
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
    boost::asio::awaitable<Outcome> stop_and_start(Context& context, std::string slug,
                                                   net::HttpRequest stop, net::HttpRequest start,
                                                   net::Deadline deadline) {
        const Millis pace = pace_of(context, contract_);
        const Millis share = call_time(*context.config, *this) / 4;
        auto answer = co_await stack::call(context.http, stop, deadline - 3 * share);
        const Sent stopped = judge(stop, answer);
        if (stopped.kind == OutcomeKind::failed) {
            co_return make_outcome({}, OutcomeKind::failed, "stop: " + stopped.words);
        }
        auto seen = co_await await_status(context, slug, "stopped", pace, deadline - 2 * share);
        if (!seen.reached && stopped.kind == OutcomeKind::unknown) {
            co_return make_outcome(
                {}, OutcomeKind::unknown,
                fmt::format("nobody knows what became of the stop, and the start was not sent; the "
                            "control plane says {}: start the tenant by hand if it goes down; {}",
                            seen.status, stopped.words));
        }
        // A stop that was accepted and never shows is answered with the start all the same: it
        // does nothing to a machine that runs, and without it the tenant might stay down.
        Sent started = co_await send_start(context, start, pace, deadline - share);
        if (started.kind == OutcomeKind::failed) {
            const std::string state =
                seen.reached ? "the tenant was stopped and the start did not go through: start it "
                               "by hand NOW"
                             : "the stop was accepted, and the start did not go through while the "
                               "control plane said " +
                                   seen.status + ": start it by hand as soon as it is stopped";
            auto down = make_outcome({}, OutcomeKind::unknown,
                                     state + ", POST " + start.url + "; " + started.words);
            down.results["stopped"] = "yes";
            co_return down;
        }
        const auto up = co_await await_status(context, slug, "running", pace, deadline - share / 2);
        const bool known =
            started.kind == OutcomeKind::accepted || up.reached || up.status == "provisioning";
        auto outcome = make_outcome(
            {}, known ? OutcomeKind::accepted : OutcomeKind::unknown,
            fmt::format("{}{}; now the control plane says {}; start: {}",
                        known ? "stopped and started"
                              : "stopped, and nobody knows what became of the start: start the "
                                "tenant by hand if it stays down",
                        seen.reached ? "" : " (the stop was accepted and never showed)", up.status,
                        started.words));
        outcome.results["stopped"] = "yes";
        co_return outcome;
    }

    // Sent once. As long as for certain nothing left this machine there was no call, and trying on
    // is what the tenant needs.
    boost::asio::awaitable<Sent> send_start(Context& context, net::HttpRequest start, Millis pace,
                                            net::Deadline until) {
        while (true) {
            auto answer = co_await stack::call(context.http, start, until);
            Sent sent = judge(start, answer);
            if (sent.left || net::deadline_in(pace) >= until) {
                co_return sent;
            }
            const bool waited = co_await net::pause(pace);
            if (!waited) {
                co_return sent;
            }
        }
    }

    LeverContract contract_ = make_contract();
    TrailBook trails_;
};

}  // namespace

std::unique_ptr<Lever> make_tenant_restart() {
    return std::make_unique<TenantRestart>();
}

}  // namespace leverd::levers
