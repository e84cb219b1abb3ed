// Why: on Vercel the newest READY deployment need not be the live one, a 201 only starts a job, and
// a job may move some domains and not others (wire-contracts 6). The exact bytes of each call and
// the reading of each answer are here.
#pragma once

#include "core/base/secret.hpp"
#include "core/stack/call.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

struct VercelAccess {
    net::HttpTransport* http = nullptr;
    std::string url;      // "https://api.vercel.com"
    std::string project;  // an opaque id
    std::string team_id;  // at most one of the two
    std::string team_slug;
    Secret token;
};

// "https://api.vercel.com/v1/projects/prj_1/rollback/dpl_1?teamId=team_1". `query` stands before
// the team; every id in `path` has passed is_opaque_id.
net::HttpRequest vercel_request(const VercelAccess& access, std::string method,
                                const std::string& path, const std::string& query = {});
// The two calls that change something; both carry the body "{}".
net::HttpRequest vercel_rollback_request(const VercelAccess& access, const std::string& deployment);
net::HttpRequest vercel_promote_request(const VercelAccess& access, const std::string& deployment);

struct VercelAliasRequest {
    std::string from;
    std::string to;
    std::string status;          // pending, in-progress, succeeded, failed, skipped
    std::string type;            // rollback, promote
    std::int64_t requested = 0;  // Vercel's clock, milliseconds since 1970
};

struct VercelProject {
    std::string production;  // the id that serves now; never empty
    std::string production_state;
    std::int64_t production_created = 0;  // 0: the answer does not say
    std::optional<VercelAliasRequest> last;
    bool rolling_release = false;
};
// targets.production of GET /v9/projects/{id}. A project without a usable production target is
// wrong_body.
Read<VercelProject> parse_vercel_project(const net::HttpRequest& request,
                                         const net::HttpResponse& response);
boost::asio::awaitable<Read<VercelProject>> read_vercel_project(VercelAccess access,
                                                                net::Deadline deadline);

struct VercelDeployment {
    std::string id;
    std::string state;
    std::string commit;
    std::int64_t created = 0;
    bool was_live = true;   // false: Vercel says that no domain was ever assigned to it
    bool candidate = true;  // false: Vercel says that it cannot be rolled back to
};
// Production deployments, newest first by creation; rows without a usable id or time are dropped.
Read<std::vector<VercelDeployment>> parse_vercel_deployments(const net::HttpRequest& request,
                                                             const net::HttpResponse& response);
boost::asio::awaitable<Read<std::vector<VercelDeployment>>> list_vercel_production(
    VercelAccess access, net::Deadline deadline);

// The domains that the newest rollback (or promote) failed to move; sanitized names.
Read<std::vector<std::string>> parse_vercel_aliases(const net::HttpRequest& request,
                                                    const net::HttpResponse& response);
boost::asio::awaitable<Read<std::vector<std::string>>> list_failed_aliases(VercelAccess access,
                                                                           std::string verb,
                                                                           net::Deadline deadline);

}  // namespace leverd::stack
