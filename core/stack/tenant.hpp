// Why: a tenant platform (wire-contracts 2) is read by several probes and moved by several levers.
// The headers that its guard wants, its lists, and how a failure hides in an "ok" row are known
// here.
#pragma once

#include "core/base/secret.hpp"
#include "core/model/inventory.hpp"
#include "core/stack/call.hpp"

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

struct TenantAccess {
    net::HttpTransport* http = nullptr;
    std::string url_template;  // "https://{slug}.moleculesai.app"
    std::string slug;
    std::string org_id;            // X-Molecule-Org-Id; left out when empty
    Secret admin_token;            // Authorization: Bearer; left out when empty
    TenantPace* pace = nullptr;    // takes what the tenant says of its rate limit; needs the clock
    const Clock* clock = nullptr;  // both outlive the call
};

// Notes X-RateLimit-* and a 429 (2.1). With less than a tenth of the limit left, or after a 429, no
// look shall begin before the window ends; a wrong header can hold us for ten minutes at most.
void note_pace(TenantPace& pace, const net::HttpResponse& response, Instant now);
// call() that notes the pace.
boost::asio::awaitable<Read<net::HttpResponse>> tenant_call(TenantAccess access,
                                                            net::HttpRequest request,
                                                            net::Deadline deadline);

// The tenant's base URL; an Error when the slug is no slug or the template has no {slug}.
Result<std::string> tenant_url(std::string_view url_template, std::string_view slug);

// A request with Authorization, X-Molecule-Org-Id, Origin (the tenant's own) and Accept: JSON. The
// slug must have passed tenant_url(). Levers use it for their mutating calls.
net::HttpRequest tenant_request(const TenantAccess& access, std::string method, std::string path);

struct Workspace {
    WorkspaceRow row;
    std::string parent_id;          // empty: none
    std::string last_sample_error;  // untrusted; only the list has it (2.3)
    double active_tasks = 0;
    double error_rate = 0;
    Millis provision_timeout{0};  // how long its runtime's first boot may take; 0: not said (2.3)
    std::size_t children = 0;     // rows of the same list that name this one as parent
    std::string raw;              // the row as stable JSON, for a lever that captures a spec
};
struct WorkspaceList {
    std::vector<Workspace> workspaces;
    bool complete = true;        // false: some row had no valid id, so absence proves nothing
    net::HttpResponse response;  // without the body
};
Read<WorkspaceList> parse_workspaces(const net::HttpRequest& request,
                                     const net::HttpResponse& response);
// GET /workspaces. 503 with code platform_unavailable is datastore_down.
boost::asio::awaitable<Read<WorkspaceList>> list_workspaces(TenantAccess access,
                                                            net::Deadline deadline);

// What an activity row says about the agent.
enum class AnswerKind {
    clean,
    agent_fault,     // recreating the workspace may help
    provider_fault,  // a credential, quota or model fault: recreating will not help
    unanswered,      // nobody answered in time: a busy agent looks the same
};

struct ActivityRow {
    std::string id;
    bool request = false;  // somebody else's request to this agent, of which the row says how it
                           // ended
    std::optional<WallTime> at;
    AnswerKind answer = AnswerKind::clean;
    std::string failure;  // the words that made it a failure, sanitized, at most 160 bytes; no chat
};

// The table of wire-contracts 2.6: the status column, then failure texts hidden in `ok` rows, on
// the v0 and v1 paths, and JSON-RPC error bodies.
AnswerKind classify_activity(const nlohmann::json& row, std::string& failure);

// Rows without an id or with an id already seen are dropped; oldest first whatever the answer's
// order was.
Read<std::vector<ActivityRow>> parse_activity(const net::HttpRequest& request,
                                              const net::HttpResponse& response);
// GET /workspaces/<id>/activity?type=a2a_receive&limit=...
boost::asio::awaitable<Read<std::vector<ActivityRow>>> read_activity(TenantAccess access,
                                                                     std::string workspace_id,
                                                                     int limit,
                                                                     net::Deadline deadline);

// The real requests with from <= at <= to.
struct ActivitySummary {
    int requests = 0;    // those that were answered
    int unanswered = 0;  // beside them
    int failed = 0;      // provider faults included
    int provider_faults = 0;
    bool clean_last = false;  // the newest request is clean
    std::optional<WallTime> first_failed;
    std::optional<WallTime> last_failed;
    std::string last_failure;  // words of the newest failed one
};
ActivitySummary summarize_activity(const std::vector<ActivityRow>& rows, WallTime from,
                                   WallTime to);

// Sum of all samples of one metric in Prometheus text; nullopt when it is not there. A sum that
// fell since the last look says that the process restarted (2.2).
std::optional<double> sum_metric(std::string_view exposition, std::string_view name);
inline constexpr std::string_view requests_metric = "molecule_http_requests_total";
// GET /metrics, open behind the guard.
boost::asio::awaitable<Read<double>> read_request_counter(TenantAccess access,
                                                          net::Deadline deadline);

// What GET /buildinfo says; its field names are nobody's promise, so several are tried, and a build
// that does not know the path answers with the canvas page (2.2).
struct BuildIdentity {
    std::string commit;  // lower-case hex, 7 to 40; empty: not said
    std::string digest;  // sha256:...; empty: not said
};
Read<BuildIdentity> parse_build(const net::HttpRequest& request, const net::HttpResponse& response);
boost::asio::awaitable<Read<BuildIdentity>> read_build(TenantAccess access, net::Deadline deadline);

// Our share of a tenant's rate bucket (2.1): a token bucket per key. A spender that still has
// credit may overdraw it with one large cost, so that a tenant with many workspaces is looked at
// rarely instead of never.
class RequestBudget {
  public:
    explicit RequestBudget(int per_minute);
    // False: over budget, nothing was taken. `most`: this key's own limit per minute, when lower.
    bool take(const std::string& key, int cost, Instant now,
              double most = std::numeric_limits<double>::infinity());

  private:
    struct Bucket {
        double tokens = 0;
        Instant filled{};
    };
    double per_minute_;
    std::map<std::string, Bucket> buckets_;
};

}  // namespace leverd::stack
