// Why: a redeploy is the right tenant's, happens at most once and leaves traces. This reads the two
// things lever C compares before and after: what the control plane says about one exact slug, and
// what the tenant itself shows without any credential.
#pragma once

#include "policies/levers/lever.hpp"

#include <optional>
#include <string>

namespace leverd::levers {

// What the control plane says about exactly one slug.
struct TenantRecord {
    std::string slug;
    std::string org_id;
    std::string instance_status;
    std::string boot_marker;  // the newest boot event of the instance; "none" when there is none
    std::string
        boot_under_way;  // "image_pull, 60s ago": a boot has begun and not ended; else empty
};

// Asks the exact-slug interface (authoritative) and the list of organisations; both must know the
// slug and agree on the organisation. The instance may have any status.
boost::asio::awaitable<Result<TenantRecord>> read_tenant_record(Context& context, std::string slug,
                                                                net::Deadline deadline);

enum class Front {
    healthy,     // 200 application/json {"status":"ok"}
    splash,      // 200 text/html: the edge's page while the tenant is provisioned
    down,        // the target's own fault: refused, cut, timed out, 5xx
    unreadable,  // we cannot judge
};

struct TenantSigns {
    Front front = Front::unreadable;
    std::optional<double> requests;  // the counter that starts anew with the process
};

// /health and /metrics, both open; never fails.
boost::asio::awaitable<TenantSigns> read_tenant_signs(Context& context, std::string slug,
                                                      std::string org_id, net::Deadline deadline);

const char* to_text(Front front);

}  // namespace leverd::levers
