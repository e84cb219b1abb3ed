// Why: what the two hosting providers do by themselves: builds end, jobs end, and what is live
// decides how the control plane and the canvas behave.
#include "crypto.hpp"
#include "world.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr std::int64_t kMinute = 60'000;

RailwayDeployment built(std::int64_t created, const char* status, const char* commit) {
    RailwayDeployment out;
    out.id = random_uuid();
    out.snapshot = random_uuid();
    out.status = status;
    out.commit = commit;
    out.created = created;
    out.breaks = "ok";
    return out;
}

VercelDeployment shipped(const char* id, std::int64_t created, const char* commit) {
    VercelDeployment out;
    out.id = id;
    out.commit = commit;
    out.created = created;
    return out;
}

}  // namespace

// As nasty as a real history: a build that failed between two that served, one beyond retention,
// a READY deployment that is newer than the live one, and an old job to the very deployment that a
// rollback will choose.
void World::seed_hosting() {
    const std::int64_t at = wall();
    railway = RailwayService{};
    railway.token = settings.railway_token;
    railway.deployments = {built(at - 90 * kMinute, "REMOVED", "0000001aaaa"),
                           built(at - 60 * kMinute, "REMOVED", "0000002bbbb"),
                           built(at - 45 * kMinute, "FAILED", "0000003cccc"),
                           built(at - 30 * kMinute, "SUCCESS", "0000004dddd")};
    railway.deployments[0].can_rollback = false;
    vercel = VercelApp{};
    vercel.token = settings.vercel_token;
    vercel.deployments = {shipped("dpl_first", at - 90 * kMinute, "1111111aaaa"),
                          shipped("dpl_before", at - 60 * kMinute, "2222222bbbb"),
                          shipped("dpl_error", at - 45 * kMinute, "3333333cccc"),
                          shipped("dpl_live", at - 30 * kMinute, "4444444dddd"),
                          shipped("dpl_newest", at - 10 * kMinute, "5555555eeee")};
    vercel.deployments[2].state = "ERROR";
    vercel.deployments[4].was_live = false;
    vercel.live = "dpl_live";
    vercel.job = VercelJob{"dpl_first", "dpl_before", "succeeded", "rollback", at - 50 * kMinute,
                           0,           "succeeded",  false};
}

void World::railway_up(RailwayDeployment& deployment) {
    for (RailwayDeployment& other : railway.deployments) {
        if (&other != &deployment && (other.status == "SUCCESS" || other.status == "SLEEPING" ||
                                      other.status == "CRASHED")) {
            other.status = "REMOVED";
        }
    }
    modes.control_plane = deployment.breaks;
    journal->note("railway", "live " + deployment.commit);
}

void World::tick_hosting() {
    for (RailwayDeployment& deployment : railway.deployments) {
        if (deployment.ends == 0 || now_ < deployment.ends) {
            continue;
        }
        deployment.ends = 0;
        deployment.status = deployment.end_status;
        if (deployment.status == "SUCCESS" || deployment.status == "SLEEPING") {
            railway_up(deployment);
        }
    }
    VercelJob& job = vercel.job;
    if (job.ends != 0 && now_ >= job.ends) {
        job.ends = 0;
        job.status = job.end_status;
        if (job.status == "succeeded") {
            vercel.live = job.to;
            for (VercelDeployment& deployment : vercel.deployments) {
                if (deployment.id == job.to) {
                    deployment.was_live = true;
                    modes.canvas = deployment.breaks;
                }
            }
        }
    }
}

const std::string& World::admin_token() const {
    const auto live = std::find_if(
        railway.deployments.begin(), railway.deployments.end(), [](const RailwayDeployment& d) {
            return d.status == "SUCCESS" || d.status == "SLEEPING" || d.status == "CRASHED";
        });
    const bool old = live != railway.deployments.end() && live->old_token;
    return old ? settings.old_cp_admin_token : settings.cp_admin_token;
}

}  // namespace sandbox
