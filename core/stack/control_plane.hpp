// Why: discovery, admin tokens and boot events come from the control plane (wire-contracts 1), and
// both probes and levers read them. Slugs and ids are checked here before they may enter a URL.
#pragma once

#include "core/base/secret.hpp"
#include "core/model/inventory.hpp"
#include "core/stack/call.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

struct ControlPlaneAccess {
    net::HttpTransport* http = nullptr;
    std::string url;  // "https://api.moleculesai.app"
    Secret token;     // empty: admin reads answer credential_missing without a call
};

// A request to the control plane with the admin bearer (when there is one) and Accept: JSON. Levers
// use it for their mutating calls.
net::HttpRequest control_plane_request(const ControlPlaneAccess& access, std::string method,
                                       std::string path);

// "/cp/admin/orgs/{slug}/redeploy" for this slug; an Error when it is no slug.
Result<std::string> slug_path(std::string_view path_template, std::string_view slug);

struct OrgList {
    std::vector<Tenant> tenants;  // rows with a valid slug and org id, in the answer's order
    std::size_t rows = 0;         // rows in the answer
    std::size_t rejected = 0;     // rows without a valid slug or org id, and second rows of a slug
    net::HttpResponse response;   // without the body
};
// {"orgs":[{...}]}, wire-contracts 1.2. An empty list is a value: what it means is for
// judge_inventory(). bad_json when it is no JSON, wrong_body when it is JSON of another shape or
// when no row of a list can be used.
Read<OrgList> parse_orgs(const net::HttpRequest& request, const net::HttpResponse& response);
boost::asio::awaitable<Read<OrgList>> list_orgs(ControlPlaneAccess access, std::string path,
                                                net::Deadline deadline);

// {"admin_token":"..."}, 1.3. Missing or empty on 200 is credential_missing. The answer's body
// never becomes evidence.
boost::asio::awaitable<Read<Secret>> fetch_admin_token(ControlPlaneAccess access,
                                                       std::string path_template, std::string slug,
                                                       net::Deadline deadline);

struct BootEvent {
    std::string stage;
    std::string status;
    std::string text;
    std::optional<WallTime> at;
    bool failed = false;  // status says failed, failure, error, timeout ...
};
struct BootEvents {
    std::string slug;
    std::string org_id;
    std::vector<BootEvent> events;  // newest first
    net::HttpResponse response;     // without the body
};
// The best probe for one exact slug (1.4). The authoritative 404, {"error":"org not found",
// "slug":S} with this slug, is Reason::not_found with exact = true; every other 404 has exact =
// false.
Read<BootEvents> parse_boot_events(const net::HttpRequest& request,
                                   const net::HttpResponse& response, std::string_view slug);
boost::asio::awaitable<Read<BootEvents>> read_boot_events(ControlPlaneAccess access,
                                                          std::string path_template,
                                                          std::string slug, net::Deadline deadline);

// RFC 3339 with Z or an offset, any number of fraction digits; nullopt when it is not one.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace leverd::stack
