// Why: see workspace_values.hpp.
#include "policies/levers/workspace_values.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/workspace_fit.hpp"

#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace leverd::levers {
namespace {

constexpr std::size_t shortest_prefix = 4;

std::string path_of(const std::string& id, const char* what) {
    return "/workspaces/" + id + what;
}

// Of an answer whose body holds secrets; the body goes with `parsed`.
struct Answered {
    int status = 0;
    bool json = false;
    std::string words;
};

Answered look_at(const net::HttpRequest& request, const net::HttpResponse& response) {
    return {response.status, stack::is_json(response),
            stack::describe_without_body(request, response)};
}

Result<SecretValues> pick(const WorkspaceSpec& spec, const Answered& seen, const Secret& body) {
    const auto parsed = parse_json(body.reveal());
    if (seen.status != 200 || !seen.json || parsed.has_error() || !parsed->is_object()) {
        return refusal(
            "the values of its secrets cannot be read, so a new workspace would lack them: " +
                seen.words,
            by_a_person);
    }
    SecretValues values;
    for (const auto& name : spec.secret_names) {
        const auto found = parsed->find(name);
        if (found == parsed->end() || !found->is_string()) {
            return refusal("the value of its secret " + name + " is missing: " + seen.words,
                           by_a_person);
        }
        values[name] = Secret(found->get<std::string>());
    }
    return values;
}

boost::asio::awaitable<Result<Secret>> mint_token(stack::TenantAccess access, std::string id,
                                                  net::Deadline deadline) {
    const auto request = mint_request(access, id);
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return wrap("a token to read its secrets with", stack::to_error(answer.error()));
    }
    const auto seen = look_at(request, *answer);
    const auto body = Secret::unlisted(std::move(answer->body));
    const auto parsed = parse_json(body.reveal());
    std::string token = parsed.has_value() ? stack::text_at(*parsed, "auth_token") : std::string{};
    if (seen.status / 100 != 2 || !stack::is_header_text(token)) {
        co_return refusal("no token to read its secrets with: " + seen.words, by_a_person);
    }
    co_return Secret(std::move(token));
}

// The id of the one whose beginning the platform shows; empty: it is not live any more. Nullopt:
// nobody can tell.
std::optional<std::string> id_of(const nlohmann::json& body, const Secret& minted) {
    const auto rows = body.is_object() ? body.find("tokens") : body.end();
    if (!body.is_object() || rows == body.end() || !rows->is_array()) {
        return std::nullopt;
    }
    std::vector<std::string> found;
    for (const auto& row : *rows) {
        const std::string prefix = stack::text_at(row, "prefix");
        if (prefix.size() >= shortest_prefix && minted.reveal().starts_with(prefix)) {
            found.push_back(stack::text_at(row, "id"));
        }
    }
    if (found.empty()) {
        return std::string{};
    }
    return found.size() == 1 && is_opaque_id(found[0]) ? std::optional<std::string>(found[0])
                                                       : std::nullopt;
}

}  // namespace

net::HttpRequest mint_request(const stack::TenantAccess& access, const std::string& id) {
    return stack::tenant_request(access, "POST", path_of(id, "/tokens"));
}

boost::asio::awaitable<Result<SecretValues>> read_secret_values(stack::TenantAccess access,
                                                                WorkspaceSpec spec, Secret* minted,
                                                                net::Deadline deadline) {
    if (spec.secret_names.empty()) {
        co_return SecretValues{};
    }
    auto request = stack::tenant_request(access, "GET", path_of(spec.id, "/secrets/values"));
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_value() && answer->status == 401) {
        auto token = co_await mint_token(access, spec.id, deadline);
        if (token.has_error()) {
            co_return token.error();
        }
        *minted = *token;
        request.bearer = *token;
        answer = co_await stack::call(access.http, request, deadline);
    }
    if (answer.has_error()) {
        co_return wrap("the values of its secrets", stack::to_error(answer.error()));
    }
    const auto seen = look_at(request, *answer);
    const auto body = Secret::unlisted(std::move(answer->body));
    co_return pick(spec, seen, body);
}

boost::asio::awaitable<std::string> revoke_token(stack::TenantAccess access, std::string id,
                                                 Secret minted, net::Deadline deadline) {
    if (minted.empty()) {
        co_return std::string{};
    }
    const std::string live = "; the token that was minted to read its secrets is still live: ";
    const auto request = stack::tenant_request(access, "GET", path_of(id, "/tokens"));
    auto answer = co_await stack::call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return live + answer.error().detail;
    }
    const auto body = stack::json_of(request, *answer);
    const auto token = body.has_value() ? id_of(*body, minted) : std::optional<std::string>{};
    if (!token) {
        co_return live + "it cannot be told from the others, revoke the newest one by hand";
    }
    if (token->empty()) {
        co_return std::string{};
    }
    const auto removal = stack::tenant_request(access, "DELETE", path_of(id, "/tokens/") + *token);
    auto gone = co_await stack::call(access.http, removal, deadline);
    if (gone.has_error()) {
        co_return live + gone.error().detail;
    }
    const bool revoked = gone->status / 100 == 2 || gone->status == 404;
    co_return revoked ? std::string{} : live + stack::describe_answer(removal, *gone);
}

}  // namespace leverd::levers
