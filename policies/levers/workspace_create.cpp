// Why: see workspace_create.hpp. A create looks at the access to the host's directory last, before
// it writes anything, so a create with an access that does not exist is refused by each build that
// was read, after all else was looked at.
#include "policies/levers/workspace_create.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

constexpr std::size_t shortest_secret = 4;
constexpr const char* no_access = "leverd-rehearsal";  // none, read_only and read_write exist
constexpr const char* refused_access = "invalid workspace access";

// " (the platform's own words)", unless they echo a secret that we sent.
std::string error_words(const net::HttpResponse& response, const SecretValues& values) {
    const auto body = parse_json(response.body);
    if (body.has_error()) {
        return {};
    }
    const std::string code = stack::text_at(*body, "code");
    const std::string words = (code.empty() ? "" : code + ": ") + stack::text_at(*body, "error");
    for (const auto& [name, value] : values) {
        if (value.reveal().size() >= shortest_secret &&
            words.find(value.reveal()) != std::string::npos) {
            return {};
        }
    }
    return words.empty() ? words : " (" + sanitize(words, 160) + ")";
}

// An answer that says no is an answer: nothing was created, and nobody need look for it.
Created judge_create(const net::HttpRequest& request, const stack::Read<net::HttpResponse>& answer,
                     const SecretValues& values) {
    Created step;
    if (answer.has_error()) {
        step.kind = judge_mutation(answer.error());
        step.words = "create: " + describe_mutation(answer.error());
        return step;
    }
    const auto body = parse_json(answer->body);
    const std::string id = body.has_value() ? stack::text_at(*body, "id") : std::string{};
    const bool done = answer->status == 201 && is_uuid(id);
    step.kind = answer->status < 300 ? OutcomeKind::unknown
                                     : judge_mutation(stack::problem_of(request, *answer));
    step.new_id = done ? id : std::string{};
    step.words =
        "create: " + stack::describe_without_body(request, *answer) + error_words(*answer, values);
    return step;
}

}  // namespace

net::HttpRequest create_request(const stack::TenantAccess& access, std::string body) {
    auto request = stack::tenant_request(access, "POST", "/workspaces");
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    return request;
}

net::HttpRequest rehearsal_request(const stack::TenantAccess& access, const WorkspaceSpec& spec,
                                   const SecretValues& values) {
    WorkspaceSpec rehearsed = spec;
    rehearsed.create["workspace_access"] = no_access;
    return create_request(access, create_body(rehearsed, values));
}

SecretValues masked_values(const WorkspaceSpec& spec) {
    SecretValues values;
    for (const auto& name : spec.secret_names) {
        values[name] = Secret("***");
    }
    return values;
}

std::vector<Call> create_calls(const stack::TenantAccess& access, const WorkspaceSpec& spec) {
    const auto values = masked_values(spec);
    std::vector<Call> calls;
    calls.push_back(call_of(rehearsal_request(access, spec, values),
                            "rehearses the create with an access that does not exist: it is "
                            "refused and makes nothing"));
    calls.push_back(call_of(create_request(access, create_body(spec, values)),
                            "creates it anew; secret values are not shown"));
    return calls;
}

boost::asio::awaitable<Rehearsal> rehearse_create(stack::TenantAccess access, WorkspaceSpec spec,
                                                  SecretValues values, net::Deadline deadline) {
    const auto request = rehearsal_request(access, spec, values);
    auto answer = co_await stack::call(access.http, request, deadline);
    Rehearsal ended;
    if (answer.has_error()) {
        ended.detail = "rehearsal of the create: " + describe_mutation(answer.error());
        co_return ended;
    }
    const auto body = parse_json(answer->body);
    const bool json = body.has_value() && stack::is_json(*answer);
    ended.good = answer->status == 400 && json &&
                 stack::text_at(*body, "error").find(refused_access) != std::string::npos;
    ended.made = answer->status / 100 == 2;
    if (!ended.good) {
        ended.detail =
            "rehearsal of the create: " + stack::describe_without_body(request, *answer) +
            error_words(*answer, values);
    }
    co_return ended;
}

boost::asio::awaitable<Created> create_once(Context& context, stack::TenantAccess* access,
                                            WorkspaceSpec spec, SecretValues values,
                                            net::Deadline deadline, Millis for_looking) {
    const auto request = create_request(*access, create_body(spec, values));
    auto answer = co_await stack::call(access->http, request, deadline - for_looking);
    Created created = judge_create(request, answer, values);
    if (!created.new_id.empty()) {
        co_return created;
    }
    auto list = co_await read_workspaces(context, access, deadline);
    const auto found = list.has_value() ? find_replacement(*list, spec.name, spec.id, spec.others)
                                        : std::optional<stack::Workspace>{};
    if (found) {
        created.new_id = found->row.id;
        created.words += "; the list shows the new one nevertheless";
    }
    co_return created;
}

Outcome replaced(const std::string& intent, const WorkspaceSpec& spec, const std::string& slug,
                 const Created& created, const std::string& words) {
    Outcome outcome = make_outcome(intent, OutcomeKind::accepted, words);
    outcome.results["old_id"] = spec.id;
    outcome.results["new_id"] = created.new_id;
    outcome.results["replaced_by"] = "workspace/" + slug + "/" + created.new_id;
    return outcome;
}

}  // namespace leverd::levers
