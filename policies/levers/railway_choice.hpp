// Why: which deployment is live and which one to go back to is the whole risk of lever E. It is
// decided here from one list, without any call, so that every odd list can be tried out.
#pragma once

#include "core/base/result.hpp"
#include "core/stack/railway.hpp"

#include <string>
#include <vector>

namespace leverd::levers {

using RailwayList = std::vector<stack::RailwayDeployment>;  // newest first

struct RailwayChoice {
    stack::RailwayDeployment newest;  // of any state
    stack::RailwayDeployment live;
    stack::RailwayDeployment target;
    int left_behind = 0;  // newer ones that an earlier rollback went back from on purpose
};

// An Error when nothing is live, when a deployment is under way, or when there is no earlier
// SUCCESS or REMOVED one that Railway can still roll back to. A deployment from which an earlier
// rollback went away is no candidate: it was left because it was bad.
Result<RailwayChoice> choose_railway_target(const RailwayList& list);

// What happened since a plan was made; empty when its ground still holds.
std::string railway_moved(const RailwayList& list, const std::string& newest,
                          const std::string& live, const std::string& target);

enum class RailwaySince {
    nothing,    // no deployment is newer than the plan's
    under_way,  // one is being built or started
    up,         // the rollback's own is the newest, and up
    broken,     // the rollback's own failed, and nothing newer is up
    other,      // the newest is somebody else's, or gone again
};
struct RailwayNews {
    RailwaySince kind = RailwaySince::nothing;
    stack::RailwayDeployment deployment;  // the one that decided it
    bool ours = false;                    // one of the new deployments may be the rollback's own
};
// What the list holds beyond the newest deployment of the plan. `target` is what was rolled back
// to; the rollback's own deployment is a new one of the same build.
RailwayNews railway_since(const RailwayList& list, const std::string& newest, WallTime newest_at,
                          const stack::RailwayDeployment& target);

// "0b1c... of 2026-05-01T09:00:00Z (commit 1234567, SUCCESS)"
std::string describe_railway(const stack::RailwayDeployment& deployment);

}  // namespace leverd::levers
