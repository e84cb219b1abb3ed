// Why: the list of tenants comes from outside and an empty or shrunken list must never read as "all
// gone". This is the shared memory of what discovery and workspace listings last said; probes and
// levers read it. Thread rule: used on the engine's executor only.
#pragma once

#include "core/base/secret.hpp"
#include "core/base/time.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace leverd {

struct Tenant {
    std::string slug;
    std::string org_id;  // UUID
    std::string instance_status;
};

struct WorkspaceRow {
    std::string id;  // UUID
    std::string name;
    std::string runtime;
    std::string status;
};

// What a tenant says that it runs; empty where it does not say.
struct RunningBuild {
    std::string commit;  // lower-case hex, 7 to 40
    std::string digest;  // sha256:...
    Instant asked{};
};

// What a tenant's rate limit said last. Its users share the bucket, so we stay below it.
struct TenantPace {
    double limit = 0;      // requests a minute; 0: it never said
    Instant not_before{};  // no look at the tenant begins before
    std::string why;       // for people; empty: nothing holds
};

enum class InventoryVerdict { accepted, empty, shrunken };

// A list that lost more than half of at least four known tenants is not believed; neither is an
// empty one after a full one.
InventoryVerdict judge_inventory(std::size_t known, std::size_t next);

struct Inventory {
    std::map<std::string, Tenant> tenants;  // by slug; the last good list
    // Slugs that the last good list lacks without having said why, and since when.
    std::map<std::string, Instant> missing;
    // Slugs known from before this process; the first list is compared with them.
    std::set<std::string> expected;
    std::map<std::string, std::vector<WorkspaceRow>>
        workspaces;                              // by slug; the last good list of each
    std::map<std::string, Secret> admin_tokens;  // by slug; memory only
    std::map<std::string, RunningBuild> builds;  // by slug; as of the last time it was asked
    std::map<std::string, TenantPace> paces;     // by slug
    // Repository -> the newest digest that was in service while nothing was wrong, from the ledger.
    std::map<std::string, std::string> known_good;
};

}  // namespace leverd
