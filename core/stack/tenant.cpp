// Why: the headers a tenant's guard asks for and the workspace list, which is the proof of database
// and credential at once, and the only place where boot failures are spelled out.
#include "core/stack/tenant.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/stack/control_plane.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <set>

namespace leverd::stack {
namespace {

constexpr std::size_t list_bytes_max = 4U << 20;
constexpr std::size_t word_bytes_max = 64;
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t error_bytes_max = 300;
constexpr double provision_ms_max = 86'400'000;

// "https://acme.example:8443" of "https://acme.example:8443/x"; empty when it is no URL.
std::string origin_of(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (parsed.has_error()) {
        return {};
    }
    const auto origin = parsed->encoded_origin();
    return std::string(origin.data(), origin.size());
}

// A runtime becomes part of a subject, so only a plain word may pass.
std::string runtime_word(const std::string& text) {
    const bool plain = !text.empty() && text.size() <= word_bytes_max &&
                       std::all_of(text.begin(), text.end(), [](char c) {
                           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ||
                                  c == '_' || c == '.';
                       });
    return plain ? text : "unknown";
}

Workspace workspace_of(const nlohmann::json& row) {
    Workspace workspace;
    workspace.row.id = text_at(row, "id");
    workspace.row.name = sanitize(text_at(row, "name"), name_bytes_max);
    workspace.row.runtime = runtime_word(text_at(row, "runtime"));
    workspace.row.status = sanitize(text_at(row, "status"), word_bytes_max);
    workspace.parent_id = text_at(row, "parent_id");
    workspace.last_sample_error = sanitize(text_at(row, "last_sample_error"), error_bytes_max);
    workspace.active_tasks = number_at(row, "active_tasks", 0);
    const double timeout = number_at(row, "provision_timeout_ms", 0);
    if (timeout > 0 && timeout <= provision_ms_max) {
        workspace.provision_timeout = Millis{static_cast<std::int64_t>(timeout)};
    }
    workspace.error_rate = number_at(row, "last_error_rate", 0);
    workspace.raw = dump(row);
    return workspace;
}

bool datastore_is_down(const net::HttpResponse& response) {
    if (response.status != 503) {
        return false;
    }
    const auto body = parse_json(response.body);
    return body.has_value() && text_at(*body, "code") == "platform_unavailable";
}

}  // namespace

Result<std::string> tenant_url(std::string_view url_template, std::string_view slug) {
    const auto url = slug_path(url_template, slug);
    if (url.has_error()) {
        return url.error();
    }
    if (origin_of(*url).empty()) {
        return Error{"not a URL: " + sanitize(*url, 200), "tenants.url is https://{slug}.<domain>"};
    }
    return Result<std::string>(boost::system::in_place_value, *url);
}

net::HttpRequest tenant_request(const TenantAccess& access, std::string method, std::string path) {
    net::HttpRequest request;
    request.method = std::move(method);
    const auto base = tenant_url(access.url_template, access.slug);
    if (base.has_error()) {
        return request;  // without a URL: call() answers that there is nothing to call
    }
    request.url = join_url(*base, path);
    request.headers.emplace_back("Accept", "application/json");
    request.headers.emplace_back("Origin", origin_of(*base));
    if (!access.org_id.empty()) {
        request.headers.emplace_back("X-Molecule-Org-Id", access.org_id);
    }
    if (!access.admin_token.empty()) {
        request.bearer = access.admin_token;
    }
    return request;
}

Read<WorkspaceList> parse_workspaces(const net::HttpRequest& request,
                                     const net::HttpResponse& response) {
    if (datastore_is_down(response)) {
        return problem_of(request, response, Reason::datastore_down);
    }
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    WorkspaceList list;
    list.response = response;
    list.response.body.clear();
    if (body->is_null()) {
        // An empty list and a list that was never filled look alike here, so absence proves
        // nothing.
        list.complete = false;
        return list;
    }
    if (!body->is_array()) {
        return problem_of(request, response, Reason::wrong_body);
    }
    std::set<std::string> seen;
    std::map<std::string, std::size_t> children;
    for (const auto& row : *body) {
        const std::string id = text_at(row, "id");
        if (!is_uuid(id)) {
            list.complete = false;
            continue;
        }
        if (seen.insert(id).second) {
            list.workspaces.push_back(workspace_of(row));
            ++children[list.workspaces.back().parent_id];
        }
    }
    for (auto& workspace : list.workspaces) {
        const auto it = children.find(workspace.row.id);
        workspace.children = it == children.end() ? 0 : it->second;
    }
    return list;
}

boost::asio::awaitable<Read<WorkspaceList>> list_workspaces(TenantAccess access,
                                                            net::Deadline deadline) {
    net::HttpRequest request = tenant_request(access, "GET", "/workspaces");
    request.body_limit = list_bytes_max;
    auto answer = co_await tenant_call(access, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_workspaces(request, *answer);
}

}  // namespace leverd::stack
