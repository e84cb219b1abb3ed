// Why: a restart is what one tries before a workspace is deleted: it keeps the workspace, its id
// and its secrets. The call is not idempotent and knows no lock, and a machine that was not
// terminated answers on as if nothing had happened, so the proof is the agent's own uptime, which
// must have begun anew, and a clean answer after that.
#include "policies/levers/workspace_restart.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/workspace_look.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

constexpr std::size_t remembered_max = 64;
constexpr double uptime_max = 1e9;  // seconds
constexpr const char* by_a_person = "a person decides; nothing was restarted";

LeverContract make_contract() {
    LeverContract contract;
    contract.id = "workspace-restart";
    contract.title = "Restart a workspace";
    contract.reversibility = Reversibility::restores_old_state;
    contract.inverse = "none: what it was doing is lost, all else is kept";
    contract.resource = "one workspace";
    contract.precondition =
        "the workspace is in the list of its tenant and has not changed since the plan";
    contract.propagation = std::chrono::seconds(30);
    ProofStep anew;
    anew.who = ProofStep::Who::lever;
    anew.looks = 2;
    contract.proof = {anew};
    contract.known_false_success =
        "200 although the old machine was not terminated: it goes on answering, or a second one "
        "runs beside it";
    return contract;
}

// The agent's uptime in seconds as the platform last heard it.
std::optional<double> uptime_of(const stack::Workspace& row) {
    const auto parsed = parse_json(row.raw);
    if (parsed.has_error() || !parsed->is_object()) {
        return std::nullopt;
    }
    const double seconds = stack::number_at(*parsed, "uptime_seconds", -1);
    const bool sane = seconds >= 0 && seconds < uptime_max;
    return sane ? std::optional<double>(seconds) : std::nullopt;
}

// "up" and "down" instead of the status: an agent that fails goes back and forth between online and
// degraded by itself.
std::string state_of(const stack::Workspace& row) {
    const std::string& status = row.row.status;
    if (status == "online" || status == "degraded") {
        return "up";
    }
    return status == "offline" || status == "failed" ? "down" : std::string{};
}

// Nullopt: it may be restarted.
std::optional<Error> not_restartable(const stack::WorkspaceList& list,
                                     const stack::Workspace& found) {
    const std::string status = sanitize(found.row.status, 40);
    if (status == "provisioning") {
        return refusal("it is booting", "wait; a restart would begin its boot anew");
    }
    if (status == "paused" || status.starts_with("hibernat")) {
        return refusal("somebody put it to sleep: it is " + status, by_a_person);
    }
    if (found.row.runtime == "external") {
        return refusal("it runs outside the platform, which cannot restart it", by_a_person);
    }
    const std::string state = state_of(found);
    if (state.empty()) {
        return refusal("its status is \"" + status + "\"", by_a_person);
    }
    const auto* parent = found.parent_id.empty() ? nullptr : find_id(list, found.parent_id);
    if (parent != nullptr && parent->row.status == "paused") {
        return refusal("its parent is paused, so the platform would refuse", by_a_person);
    }
    const auto uptime = uptime_of(found);
    if (!uptime || (state == "up" && *uptime <= 0)) {
        return refusal(
            "its uptime cannot be read, or is 0 as after a report on a delegation, so "
            "nothing would prove the restart",
            "it is asked again; if that stays so, restart it by hand");
    }
    return std::nullopt;
}

struct Found {
    stack::TenantAccess access;
    WorkspaceName name;
    stack::Workspace row;
};

// Measured at 7cf77f2: the old token stays live and the new machine has no copy, so register and
// heartbeat are 401 for ever. Newer builds revoke it first; nothing that can be read tells which
// one runs.
std::optional<Error> locks_out(const Context& context, std::string_view lever) {
    if (keeps_token(context, lever)) {
        return std::nullopt;
    }
    return refusal(
        "on builds of spring 2026 a restarted agent is locked out for ever: its token "
        "stays live and the new machine does not have it",
        "where your tenants' build is newer, say keeps_token = true under [[lever]] "
        "workspace-restart");
}

// The workspace, when it may be restarted now.
boost::asio::awaitable<Result<Found>> find_restartable(Context& context, Subject subject,
                                                       net::Deadline deadline) {
    const auto name = workspace_name(subject);
    if (name.has_error()) {
        co_return name.error();
    }
    auto access = co_await open_tenant(context, name->slug, deadline);
    if (access.has_error()) {
        co_return access.error();
    }
    auto list = co_await read_workspaces(context, &*access, deadline);
    if (list.has_error()) {
        co_return wrap("the list of workspaces", stack::to_error(list.error()));
    }
    const auto* row = find_id(*list, name->id);
    if (row == nullptr) {
        co_return refusal("workspace " + name->id + " is not in the list",
                          "it may be gone already");
    }
    if (const auto why = not_restartable(*list, *row)) {
        co_return wrap(subject.text(), *why);
    }
    Found found{*access, *name, *row};
    co_return found;
}

net::HttpRequest restart_request(const stack::TenantAccess& access, const std::string& id) {
    return stack::tenant_request(access, "POST", "/workspaces/" + id + "/restart");
}

std::string version_of(const Found& found) {
    return found.row.row.id + " " + state_of(found.row);
}

// The platform's own 503, said before it does anything; any other 503 may come from in between.
bool no_provisioner(const net::HttpResponse& response) {
    const auto body = parse_json(response.body);
    return response.status == 503 && body.has_value() &&
           stack::text_at(*body, "error").find("provisioner not available") != std::string::npos;
}

Outcome judge_answer(const std::string& intent, const net::HttpRequest& request,
                     const stack::Read<net::HttpResponse>& answer) {
    if (answer.has_error()) {
        return make_outcome(intent, judge_mutation(answer.error()),
                            describe_mutation(answer.error()));
    }
    const std::string words = stack::describe_answer(request, *answer);
    if (no_provisioner(*answer)) {
        return make_outcome(intent, OutcomeKind::failed, words);
    }
    const auto body = stack::json_of(request, *answer);
    if (body.has_error()) {
        return make_outcome(intent, judge_mutation(body.error()), words);
    }
    const auto status = stack::text_at(*body, "status");
    if (status == "noop") {
        return make_outcome(intent, OutcomeKind::failed,
                            "the platform does not restart workspaces of this kind; " + words);
    }
    const bool begun = status == "provisioning";
    return make_outcome(intent, begun ? OutcomeKind::accepted : OutcomeKind::unknown, words);
}

// What was known of the agent right before the call.
struct Before {
    std::optional<double> uptime;
    std::optional<Instant> sent;
    int untouched = 0;  // looks in a row that found the old process
};

// A report on a delegation is also a heartbeat and says 0, whatever the agent's age.
std::optional<double> told_uptime(const stack::Workspace& row) {
    const auto uptime = uptime_of(row);
    return uptime && *uptime > 0 ? uptime : std::nullopt;
}

// The agent began anew since the call: its uptime fell, or is shorter than the time since. The
// platform hears of uptimes in heartbeats, so the second wants that much to spare, and a value that
// has not changed is only an old one that stands.
bool began_anew(const Before& before, double uptime, Instant now, Millis slack) {
    if (before.uptime && uptime <= *before.uptime) {
        return uptime < *before.uptime;
    }
    const Millis up{static_cast<std::int64_t>(uptime * 1000)};
    return before.sent && up + slack <= now - *before.sent;
}

template <class T>
std::optional<T> number_in(const std::map<std::string, std::string>& results, const char* key) {
    const auto found = results.find(key);
    if (found == results.end()) {
        return std::nullopt;
    }
    T value{};
    const char* end = found->second.data() + found->second.size();
    const auto read = std::from_chars(found->second.data(), end, value);
    return read.ec == std::errc{} && read.ptr == end ? std::optional<T>(value) : std::nullopt;
}

class WorkspaceRestart final : public Lever {
  public:
    const LeverContract& contract() const override { return contract_; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        if (const auto why = locks_out(context, contract_.id)) {
            co_return *why;
        }
        auto found = co_await find_restartable(context, subject, deadline);
        if (found.has_error()) {
            co_return found.error();
        }
        Plan plan;
        plan.lever = contract_.id;
        plan.subject = subject;
        plan.resource = subject.text();
        plan.target_version = version_of(*found);
        plan.params["slug"] = found->name.slug;
        plan.params["org_id"] = found->access.org_id;
        plan.params["id"] = found->name.id;
        plan.params["name"] = found->row.row.name;
        plan.calls.push_back(call_of(restart_request(found->access, found->name.id),
                                     "restarts this workspace with its current image"));
        plan.warnings = {
            "a full cold start: it is away for its runtime's boot time and loses what it is doing",
            "the platform does not notice when the old machine is not terminated: look for an "
            "orphan afterwards"};
        co_return plan;
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        if (const auto why = locks_out(context, contract_.id)) {
            co_return make_outcome(intent, OutcomeKind::refused, why->what);
        }
        auto found = co_await find_restartable(context, plan.subject, deadline);
        if (found.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, found.error().what);
        }
        const auto request = restart_request(found->access, found->name.id);
        const bool fits = plan.calls.size() == 1 && plan.calls[0].method == request.method &&
                          plan.calls[0].url == request.url && plan.calls[0].body == request.body;
        if (!fits || version_of(*found) != plan.target_version) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the workspace or the configuration changed since the plan");
        }
        const double uptime = uptime_of(found->row).value_or(0);
        const auto sent = context.clock->now().at;
        before(intent) = Before{uptime, sent, 0};
        auto answer = co_await stack::call(context.http, request, deadline);
        Outcome outcome = judge_answer(intent, request, answer);
        outcome.results["uptime_before"] = fmt::format("{}", uptime);
        outcome.results["sent_at"] = fmt::format("{}", to_millis(sent));
        co_return outcome;
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        auto row = co_await look_up(context, plan.subject, deadline);
        if (row.has_error()) {
            co_return make_settled(intent, Took::unclear, row.error().what);
        }
        auto& known = before(intent);
        known.sent = known.sent.value_or(fired.at);
        if (row->row.status == "provisioning") {
            co_return make_settled(intent, Took::yes, "it is provisioning");
        }
        const auto uptime = told_uptime(*row);
        const auto now = context.clock->now().at;
        const auto slack = propagation_of(context, contract_);
        if (!uptime || state_of(*row).empty()) {
            known.untouched = 0;
            co_return make_settled(intent, Took::unclear,
                                   "it is " + row->row.status + ", its uptime is not readable");
        }
        const std::string words =
            fmt::format("it is {}, up for {:.0f} s", row->row.status, *uptime);
        if (state_of(*row) == "up" && began_anew(known, *uptime, now, slack)) {
            co_return make_settled(intent, Took::yes, words);
        }
        // Only an agent that is heard tells that it was left alone; one that is silent may be on
        // its way down.
        const bool old = state_of(*row) == "up" && known.uptime && *uptime > *known.uptime;
        known.untouched = old && now - fired.at >= 2 * slack ? known.untouched + 1 : 0;
        if (known.untouched >= 2) {
            co_return make_settled(intent, Took::no, words + ": the process from before the call");
        }
        co_return make_settled(intent, Took::unclear, words);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        Observation look = make_look(plan, context.clock->now());
        co_await look_for_proof(context, plan, outcome, &look, deadline);
        look.seen = context.clock->now();
        co_return look;
    }

  private:
    static boost::asio::awaitable<Result<stack::Workspace>> look_up(Context& context,
                                                                    Subject subject,
                                                                    net::Deadline deadline) {
        const auto name = workspace_name(subject);
        if (name.has_error()) {
            co_return name.error();
        }
        auto access = co_await open_tenant(context, name->slug, deadline);
        if (access.has_error()) {
            co_return access.error();
        }
        auto list = co_await read_workspaces(context, &*access, deadline);
        if (list.has_error()) {
            co_return stack::to_error(list.error());
        }
        const auto* row = find_id(*list, name->id);
        if (row == nullptr) {
            co_return refusal("it is not in the list any more");
        }
        co_return *row;
    }

    boost::asio::awaitable<void> look_for_proof(Context& context, Plan plan, Outcome outcome,
                                                Observation* look, net::Deadline deadline) {
        const auto name = workspace_name(plan.subject);
        if (name.has_error()) {
            say(*look, Health::unknown, Reason::proof_missing, name.error().what);
            co_return;
        }
        auto access = co_await open_tenant(context, name->slug, deadline);
        if (access.has_error()) {
            say(*look, Health::unknown, Reason::parent_unreadable, access.error().what);
            co_return;
        }
        auto list = co_await read_workspaces(context, &*access, deadline);
        if (list.has_error()) {
            say(*look, list.error());
            co_return;
        }
        const auto* row = find_id(*list, name->id);
        if (row == nullptr) {
            say(*look, Health::unknown, Reason::proof_missing, "it is not in the list any more");
            co_return;
        }
        if (judge_status(*look, *row, "it")) {
            co_return;
        }
        const auto uptime = told_uptime(*row);
        const Before known = before_of(outcome);
        const Now now = context.clock->now();
        if (!uptime || (!known.uptime && !known.sent)) {
            say(*look, Health::unknown, Reason::proof_missing,
                "it is online; whether it began anew cannot be told from its uptime");
            co_return;
        }
        const std::string up = fmt::format("up for {:.0f} s", *uptime);
        if (!began_anew(known, *uptime, now.at, propagation_of(context, contract_))) {
            say(*look, Health::failing, Reason::proof_missing,
                "nothing was restarted: it is online with the process from before, " + up);
            co_return;
        }
        // Later than the true boot by a heartbeat at most, so no answer from before counts.
        const WallTime boot = now.wall - Millis{static_cast<std::int64_t>(*uptime * 1000)};
        auto rows = co_await stack::read_activity(*access, name->id, activity_rows, deadline);
        if (rows.has_error()) {
            say(*look, rows.error());
            co_return;
        }
        judge_answers(*look, *rows, boot, "it, " + up + ",",
                      "it began anew, " + up + ", and answers cleanly");
    }

    Before& before(const std::string& intent) {
        while (!before_.contains(intent) && before_.size() >= remembered_max) {
            before_.erase(before_.begin());
        }
        return before_[intent];
    }

    // From the outcome, which is in the ledger; from memory after a crash in mid-call.
    Before before_of(const Outcome& outcome) const {
        Before known;
        known.uptime = number_in<double>(outcome.results, "uptime_before");
        if (const auto sent = number_in<std::int64_t>(outcome.results, "sent_at")) {
            known.sent = at_millis(*sent);
        }
        const auto kept = before_.find(outcome.intent);
        return known.sent || kept == before_.end() ? known : kept->second;
    }

    LeverContract contract_ = make_contract();
    std::map<std::string, Before> before_;  // by intent
};

}  // namespace

std::unique_ptr<Lever> make_workspace_restart() {
    return std::make_unique<WorkspaceRestart>();
}

}  // namespace leverd::levers
