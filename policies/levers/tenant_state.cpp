// Why: see tenant_state.hpp.
#include "policies/levers/tenant_state.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace leverd::levers {
namespace {

constexpr const char* confirm_by_hand =
    "a redeploy needs the slug confirmed by the control plane itself; look at it by hand";

// Events of single workspaces share the list with those of the instance; only the latter say that
// the instance was launched anew.
std::string marker_of(const stack::BootEvents& boot) {
    for (const auto& event : boot.events) {
        if (event.stage.starts_with("workspace")) {
            continue;
        }
        const std::string when = event.at ? format_rfc3339(*event.at) : "without time";
        return when + " " + event.stage + " " + event.status;
    }
    return "none";
}

// A boot ends with this step (seen on the runbook's stack); a first boot takes up to a quarter of
// an hour, so an older step says nothing about now.
constexpr std::string_view last_step = "wait_platform_health";
constexpr Millis boot_most = std::chrono::minutes{15};

// Steps of one moment come in any order, so the last one among them ends the boot.
std::string under_way(const stack::BootEvents& boot, WallTime now) {
    const stack::BootEvent* newest = nullptr;
    for (const auto& event : boot.events) {
        if (event.stage.starts_with("workspace") || !event.at) {
            continue;
        }
        if (newest != nullptr && event.at != newest->at) {
            break;
        }
        newest = &event;
        if (event.failed || event.stage == last_step) {
            return {};
        }
    }
    if (newest == nullptr || now - *newest->at >= boot_most) {
        return {};
    }
    const auto age = std::chrono::duration_cast<Millis>(now - *newest->at);
    return fmt::format("{}, {} ago", sanitize(newest->stage, 60),
                       shown_duration(std::max(Millis{0}, age)));
}

bool is_html(const net::HttpResponse& response) {
    return response.header("content-type").starts_with("text/html");
}

Front front_of(const net::HttpRequest& request, const net::HttpResponse& response) {
    const auto body = stack::json_of(request, response);
    if (body.has_value()) {
        return stack::text_at(*body, "status") == "ok" ? Front::healthy : Front::down;
    }
    if (response.status == 200) {
        return is_html(response) ? Front::splash : Front::down;
    }
    return response.status >= 500 ? Front::down : Front::unreadable;
}

}  // namespace

const char* to_text(Front front) {
    switch (front) {
        case Front::healthy:
            return "healthy";
        case Front::splash:
            return "showing the provisioning page";
        case Front::down:
            return "down";
        case Front::unreadable:
            return "not to be judged";
    }
    return "";
}

boost::asio::awaitable<Result<TenantRecord>> read_tenant_record(Context& context, std::string slug,
                                                                net::Deadline deadline) {
    auto boot = co_await stack::read_boot_events(
        control_plane_of(context), context.config->control_plane.boot_events_path, slug, deadline);
    if (boot.has_error()) {
        if (boot.error().exact) {
            co_return refusal("the control plane has no tenant " + slug, "check the slug");
        }
        co_return wrap("confirming tenant " + slug, refusal(boot.error().detail, confirm_by_hand));
    }
    auto org = co_await find_org(context, slug, deadline);
    if (org.has_error()) {
        co_return org.error();
    }
    // An answer that does not name its slug confirms nothing.
    if (boot->slug != slug || (!boot->org_id.empty() && boot->org_id != org->org_id)) {
        co_return refusal("the control plane's answers about " + slug + " do not agree",
                          confirm_by_hand);
    }
    TenantRecord record;
    record.slug = slug;
    record.org_id = org->org_id;
    record.instance_status = org->instance_status;
    record.boot_marker = marker_of(*boot);
    record.boot_under_way = under_way(*boot, context.clock->now().wall);
    co_return record;
}

boost::asio::awaitable<TenantSigns> read_tenant_signs(Context& context, std::string slug,
                                                      std::string org_id, net::Deadline deadline) {
    TenantSigns signs;
    stack::TenantAccess access;
    access.http = context.http;
    access.url_template = context.config->tenants.url;
    access.slug = slug;
    access.org_id = org_id;
    if (stack::tenant_url(access.url_template, slug).has_error()) {
        co_return signs;
    }
    const auto request = stack::tenant_request(access, "GET", "/health");
    auto health = co_await stack::call(context.http, request, deadline);
    if (health.has_error()) {
        const bool theirs = health.error().origin == Origin::target;
        signs.front = theirs ? Front::down : Front::unreadable;
        co_return signs;
    }
    signs.front = front_of(request, *health);
    if (signs.front != Front::healthy) {
        co_return signs;
    }
    auto requests = co_await stack::read_request_counter(access, deadline);
    if (requests.has_value()) {
        signs.requests = *requests;
    }
    co_return signs;
}

}  // namespace leverd::levers
