// Why: Railway speaks GraphQL (wire-contracts 7): a refusal comes with status 200, the rollback
// answers a bare true without the id of what it made, and one wrong header sends a token where it
// does not belong. The exact bytes of each call and the reading of each answer are here.
#pragma once

#include "core/base/secret.hpp"
#include "core/stack/call.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

struct RailwayAccess {
    net::HttpTransport* http = nullptr;
    std::string url;         // "https://backboard.railway.com/graphql/v2"
    std::string project_id;  // UUIDs
    std::string environment_id;
    std::string service_id;
    Secret project_token;  // Project-Access-Token, or
    Secret account_token;  // Authorization: Bearer; the first one that is set is sent, alone
};

struct RailwayDeployment {
    std::string id;  // UUID
    std::string status;
    bool can_rollback = false;
    bool stopped = false;
    WallTime created;
    std::string created_text;  // as Railway wrote it, shown and compared
    // What was built; each may be empty. Two deployments with an equal one are the same build.
    std::string snapshot;
    std::string commit;
    std::string image;
};

// One POST of this GraphQL body, with one credential.
net::HttpRequest railway_request(const RailwayAccess& access, std::string body);
// The newest `first` deployments of the one service, as a body.
std::string railway_list_body(const RailwayAccess& access, int first);
std::string railway_rollback_body(const std::string& deployment);

// The value of `data` of a GraphQL answer. Errors in a 200: "not authorized" is unauthorized, words
// about a rate limit are rate_limited, others wrong_body. `exact` is set when Railway said for
// certain that nothing was executed (no `data` at all, or not authorized).
Read<nlohmann::json> parse_railway(const net::HttpRequest& request,
                                   const net::HttpResponse& response);

// Newest first by creation; rows without a usable id or time are dropped. wrong_body when no row of
// a list can be used.
Read<std::vector<RailwayDeployment>> parse_railway_deployments(const net::HttpRequest& request,
                                                               const net::HttpResponse& response);
boost::asio::awaitable<Read<std::vector<RailwayDeployment>>> list_railway_deployments(
    RailwayAccess access, int first, net::Deadline deadline);

enum class SameBuild { yes, no, unknown };
SameBuild same_build(const RailwayDeployment& a, const RailwayDeployment& b);

// QUEUED, WAITING, INITIALIZING, BUILDING, DEPLOYING: will end without anybody's doing.
bool is_under_way(std::string_view railway_status);
// SUCCESS, and SLEEPING, which wakes with the next request.
bool is_up(std::string_view railway_status);
// FAILED, CRASHED, SKIPPED.
bool is_broken(std::string_view railway_status);

}  // namespace leverd::stack
