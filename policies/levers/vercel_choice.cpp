// Why: see vercel_choice.hpp.
#include "policies/levers/vercel_choice.hpp"

#include "policies/levers/access.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::levers {
namespace {

constexpr Millis stale{600'000};  // Vercel's own tool gives up after three minutes

}  // namespace

Result<stack::VercelDeployment> choose_vercel_target(const stack::VercelProject& project,
                                                     const VercelList& list) {
    const auto row = std::find_if(list.begin(), list.end(),
                                  [&](const auto& d) { return d.id == project.production; });
    const auto since = row != list.end() ? row->created : project.production_created;
    if (since == 0) {
        return refusal("it cannot be told how old the live deployment " + project.production +
                           " is, so nothing can be called older",
                       "look at the Deployments page of the project");
    }
    int not_ready = 0;
    int never_live = 0;
    for (const auto& d : list) {
        if (d.id == project.production || d.created >= since) {
            continue;
        }
        if (d.state != "READY" || !d.candidate) {
            ++not_ready;
        } else if (!d.was_live) {
            ++never_live;
        } else {
            return success(stack::VercelDeployment(d));
        }
    }
    return refusal(
        fmt::format("no earlier production deployment to go back to: of the older ones {} cannot "
                    "be used and {} were never live",
                    not_ready, never_live),
        "deploy a good commit by hand");
}

std::string alias_job_under_way(const stack::VercelProject& project, WallTime now) {
    const auto& last = project.last;
    if (!last || (last->status != "pending" && last->status != "in-progress") ||
        to_millis(now) - last->requested > stale.count()) {
        return {};
    }
    return fmt::format("a {} to {} is {}", last->type.empty() ? "move" : last->type, last->to,
                       last->status);
}

AliasJob alias_job(const stack::VercelProject& project, std::int64_t before,
                   const std::string& target) {
    if (!project.last || project.last->requested <= before) {
        return AliasJob::none;
    }
    return project.last->to == target ? AliasJob::ours : AliasJob::foreign;
}

std::string describe_vercel(const stack::VercelDeployment& d) {
    const std::string commit =
        d.commit.empty() ? std::string("no commit shown") : "commit " + d.commit.substr(0, 7);
    return fmt::format("{} of {} ({}, {})", d.id, format_rfc3339(WallTime{Millis{d.created}}),
                       commit, d.state);
}

std::string explain_vercel_status(int status) {
    switch (status) {
        case 400:
            return "Vercel does not understand the request; roll back on the dashboard";
        case 401:
            return "Vercel refuses the token: it is wrong or expired";
        case 402:
            return "the plan does not allow it: a Hobby plan goes back by one deployment only, or "
                   "a bill is open";
        case 403:
            return "the token may not do this in this team";
        case 404:
            return "Vercel does not know this project or deployment: check project_id and the team";
        case 409:
            return "Vercel is in the middle of another change of this project, or it already "
                   "serves this deployment: look before you try again";
        case 422:
            return "this deployment cannot be rolled back to, it may be too old or deleted: "
                   "promote another one on the dashboard";
        case 429:
            return "Vercel asks for patience; nothing was done";
        default:
            return "Vercel refused";
    }
}

}  // namespace leverd::levers
