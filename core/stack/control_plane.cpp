// Why: reads the control plane's lists and events with the suspicion they deserve: every slug and
// id is validated, an odd row is counted and dropped, and a 404 counts as "no such tenant" only in
// its one exact form.
#include "core/stack/control_plane.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

namespace leverd::stack {
namespace {

constexpr std::size_t list_bytes_max = 4U << 20;
constexpr std::size_t small_bytes_max = 256U << 10;
constexpr std::size_t word_bytes_max = 64;
constexpr std::size_t text_bytes_max = 200;
constexpr std::size_t boot_events_max = 1000;

net::HttpResponse without_body(net::HttpResponse response) {
    response.body.clear();
    return response;
}

// The first of several possible names that holds a text.
template <std::size_t N>
std::string first_text(const nlohmann::json& row, const std::array<const char*, N>& keys) {
    for (const char* key : keys) {
        std::string value = text_at(row, key);
        if (!value.empty()) {
            return value;
        }
    }
    return {};
}

std::optional<WallTime> event_time(const nlohmann::json& row) {
    for (const char* key : {"created_at", "timestamp", "at", "ts"}) {
        if (const auto parsed = parse_rfc3339(text_at(row, key))) {
            return parsed;
        }
        const double number = number_at(row, key, 0);
        // Seconds and milliseconds since 1970 differ by a factor that no plausible date bridges.
        if (std::isfinite(number) && number > 1e8 && number < 1e14) {
            const double ms = number > 1e11 ? number : number * 1000;
            return WallTime{Millis{static_cast<std::int64_t>(ms)}};
        }
    }
    return std::nullopt;
}

bool says_failed(const nlohmann::json& row, const std::string& status) {
    const auto ok = row.find("ok");
    if (ok != row.end() && ok->is_boolean() && !ok->get<bool>()) {
        return true;
    }
    const std::string word = lower_case(status);
    for (const char* bad :
         {"fail", "error", "timeout", "timed_out", "timed out", "abort", "crash"}) {
        if (word.find(bad) != std::string::npos) {
            return true;
        }
    }
    return false;
}

BootEvent boot_event_of(const nlohmann::json& row) {
    static constexpr std::array<const char*, 4> stages{"stage", "step", "event", "name"};
    static constexpr std::array<const char*, 3> states{"status", "result", "state"};
    static constexpr std::array<const char*, 3> texts{"message", "detail", "error"};
    BootEvent event;
    event.stage = sanitize(first_text(row, stages), word_bytes_max);
    event.status = sanitize(first_text(row, states), word_bytes_max);
    event.text = sanitize(first_text(row, texts), text_bytes_max);
    event.at = event_time(row);
    event.failed = says_failed(row, event.status);
    return event;
}

// Events without a time go last; the answer's order decides between equal times.
void sort_newest_first(std::vector<BootEvent>& events) {
    std::vector<std::size_t> order(events.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&events](std::size_t a, std::size_t b) {
        const auto& x = events[a].at;
        const auto& y = events[b].at;
        return x != y ? x > y : a < b;
    });
    std::vector<BootEvent> sorted;
    sorted.reserve(events.size());
    for (const std::size_t i : order) {
        sorted.push_back(std::move(events[i]));
    }
    events = std::move(sorted);
}

}  // namespace

net::HttpRequest control_plane_request(const ControlPlaneAccess& access, std::string method,
                                       std::string path) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.url = join_url(access.url, path);
    request.headers.emplace_back("Accept", "application/json");
    if (!access.token.empty()) {
        request.bearer = access.token;
    }
    return request;
}

Result<std::string> slug_path(std::string_view path_template, std::string_view slug) {
    if (!is_slug(slug)) {
        return Error{"not a tenant slug: \"" + sanitize(slug, word_bytes_max) + "\"",
                     "slugs are 1 to 63 of a-z, 0-9 and '-'"};
    }
    if (path_template.find("{slug}") == std::string_view::npos) {
        return Error{"the path \"" + sanitize(path_template, text_bytes_max) + "\" has no {slug}",
                     "write {slug} where the tenant's slug belongs"};
    }
    return Result<std::string>(boost::system::in_place_value, expand(path_template, "slug", slug));
}

namespace {

// A slug that was given away again stands in the list twice: the row that is meant to run is the
// tenant.
int meant_to_run(const Tenant& tenant) {
    if (tenant.instance_status == "purged") {
        return 0;
    }
    return tenant.instance_status == "running" ? 2 : 1;
}

}  // namespace

Read<OrgList> parse_orgs(const net::HttpRequest& request, const net::HttpResponse& response) {
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    const auto orgs = body->is_object() ? body->find("orgs") : body->end();
    if (!body->is_object() || orgs == body->end() || !(orgs->is_array() || orgs->is_null())) {
        return problem_of(request, response, Reason::wrong_body);
    }
    OrgList list;
    std::map<std::string, std::size_t> seen;  // where in the list
    for (const auto& row : *orgs) {
        ++list.rows;
        Tenant tenant;
        tenant.slug = text_at(row, "slug");
        tenant.org_id = text_at(row, "id");
        tenant.instance_status = sanitize(text_at(row, "instance_status"), word_bytes_max);
        if (text_at(row, "status") == "purged") {
            tenant.instance_status = "purged";
        }
        if (!is_slug(tenant.slug) || !is_uuid(tenant.org_id)) {
            ++list.rejected;
            continue;
        }
        const auto [held, fresh] = seen.try_emplace(tenant.slug, list.tenants.size());
        if (fresh) {
            list.tenants.push_back(std::move(tenant));
            continue;
        }
        ++list.rejected;
        auto& before = list.tenants[held->second];
        if (meant_to_run(tenant) > meant_to_run(before)) {
            before = std::move(tenant);
        }
    }
    if (list.rows > 0 && list.tenants.empty()) {
        return problem_of(request, response, Reason::wrong_body);
    }
    list.response = without_body(response);
    return list;
}

boost::asio::awaitable<Read<OrgList>> list_orgs(ControlPlaneAccess access, std::string path,
                                                net::Deadline deadline) {
    if (access.token.empty()) {
        co_return local_problem(Reason::credential_missing, "no control-plane admin token");
    }
    net::HttpRequest request = control_plane_request(access, "GET", std::move(path));
    request.body_limit = list_bytes_max;
    auto answer = co_await call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_orgs(request, *answer);
}

boost::asio::awaitable<Read<Secret>> fetch_admin_token(ControlPlaneAccess access,
                                                       std::string path_template, std::string slug,
                                                       net::Deadline deadline) {
    if (access.token.empty()) {
        co_return local_problem(Reason::credential_missing, "no control-plane admin token");
    }
    const auto path = slug_path(path_template, slug);
    if (path.has_error()) {
        co_return local_problem(Reason::parent_unreadable, path.error().what);
    }
    net::HttpRequest request = control_plane_request(access, "GET", *path);
    request.body_limit = small_bytes_max;
    auto answer = co_await call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    if (answer->status != 200) {
        co_return problem_of(request, *answer);
    }
    auto body = json_of(request, *answer);
    std::string token;
    if (body.has_value()) {
        token = text_at(*body, "admin_token");
    }
    if (!is_header_text(token)) {
        // A 200 may hold half a token or one in an odd place: nothing of it is quoted.
        Problem problem = problem_of(
            request, *answer, body.has_value() ? Reason::credential_missing : body.error().reason);
        problem.detail = describe_without_body(request, *answer) + "; no usable admin_token";
        co_return problem;
    }
    co_return Secret(std::move(token));
}

Read<BootEvents> parse_boot_events(const net::HttpRequest& request,
                                   const net::HttpResponse& response, std::string_view slug) {
    if (response.status == 404) {
        Problem problem = problem_of(request, response, Reason::not_found);
        net::HttpResponse copy = response;
        copy.status = 200;
        const auto body = json_of(request, copy);
        problem.exact = body.has_value() && text_at(*body, "error") == "org not found" &&
                        text_at(*body, "slug") == slug;
        return problem;
    }
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    const auto events = body->is_object() ? body->find("events") : body->end();
    const bool listed =
        body->is_object() && events != body->end() && (events->is_array() || events->is_null());
    BootEvents out;
    out.slug = text_at(*body, "slug");
    // An answer about another tenant is worse than none.
    if (!listed || (!out.slug.empty() && out.slug != slug)) {
        return problem_of(request, response, Reason::wrong_body);
    }
    out.org_id = text_at(*body, "org_id");
    for (const auto& row : *events) {
        if (row.is_object() && out.events.size() < boot_events_max) {
            out.events.push_back(boot_event_of(row));
        }
    }
    sort_newest_first(out.events);
    out.response = without_body(response);
    return out;
}

boost::asio::awaitable<Read<BootEvents>> read_boot_events(ControlPlaneAccess access,
                                                          std::string path_template,
                                                          std::string slug,
                                                          net::Deadline deadline) {
    if (access.token.empty()) {
        co_return local_problem(Reason::credential_missing, "no control-plane admin token");
    }
    const auto path = slug_path(path_template, slug);
    if (path.has_error()) {
        co_return local_problem(Reason::parent_unreadable, path.error().what);
    }
    net::HttpRequest request = control_plane_request(access, "GET", *path);
    auto answer = co_await call(access.http, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_boot_events(request, *answer, slug);
}

}  // namespace leverd::stack
