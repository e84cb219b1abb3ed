// Why: see railway_choice.hpp.
#include "policies/levers/railway_choice.hpp"

#include "policies/levers/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace leverd::levers {
namespace {

using stack::RailwayDeployment;
using stack::SameBuild;

// A crashed deployment is still the one that serves: its predecessor was removed when it came up.
bool is_live(const RailwayDeployment& d) {
    return stack::is_up(d.status) || d.status == "CRASHED";
}

bool is_good(const RailwayDeployment& d) {
    return d.can_rollback && (d.status == "SUCCESS" || d.status == "REMOVED");
}

// Where candidates begin. When the live one is itself the result of a rollback, what lies between
// it and its original is behind us for a reason.
std::size_t first_candidate(const RailwayList& list, std::size_t live) {
    bool others = false;
    std::size_t begin = live + 1;
    for (std::size_t i = live + 1; i < list.size(); ++i) {
        const SameBuild same = stack::same_build(list[live], list[i]);
        if (same == SameBuild::yes && others) {
            begin = i + 1;
        }
        others = others || (same == SameBuild::no && list[i].status != "FAILED");
    }
    return begin;
}

}  // namespace

Result<RailwayChoice> choose_railway_target(const RailwayList& list) {
    const auto moving = std::find_if(list.begin(), list.end(),
                                     [](const auto& d) { return stack::is_under_way(d.status); });
    if (moving != list.end()) {
        return refusal("a deployment is under way: " + describe_railway(*moving),
                       "wait for its end: it may be the fix, or a variable that was set");
    }
    const auto live = std::find_if(list.begin(), list.end(), is_live);
    if (live == list.end()) {
        return refusal(fmt::format("none of the {} newest deployments is live", list.size()),
                       "look at the service on the Railway dashboard");
    }
    const auto at = static_cast<std::size_t>(live - list.begin());
    const std::size_t begin = first_candidate(list, at);
    for (std::size_t i = begin; i < list.size(); ++i) {
        if (is_good(list[i])) {
            RailwayChoice choice{list.front(), *live, list[i], static_cast<int>(begin - at - 1)};
            return success(std::move(choice));
        }
    }
    return refusal(
        fmt::format("no earlier deployment can be rolled back to; the live one is {}, and {} "
                    "older ones are SUCCESS or REMOVED with canRollback in none",
                    describe_railway(*live), list.size() - at - 1),
        "the plan's retention is over: deploy a good commit by hand");
}

std::string railway_moved(const RailwayList& list, const std::string& newest,
                          const std::string& live, const std::string& target) {
    if (list.empty() || list.front().id != newest) {
        return "a deployment appeared since the plan: " +
               (list.empty() ? std::string("the list is empty") : describe_railway(list.front()));
    }
    const auto moving = std::find_if(list.begin(), list.end(),
                                     [](const auto& d) { return stack::is_under_way(d.status); });
    if (moving != list.end()) {
        return "a deployment is under way: " + describe_railway(*moving);
    }
    const auto now = std::find_if(list.begin(), list.end(), is_live);
    if (now == list.end() || now->id != live) {
        return "another deployment is live than the plan's";
    }
    const auto wanted =
        std::find_if(list.begin(), list.end(), [&](const auto& d) { return d.id == target; });
    if (wanted == list.end() || !is_good(*wanted)) {
        return "the deployment to go back to cannot be rolled back to any more";
    }
    return {};
}

RailwayNews railway_since(const RailwayList& list, const std::string& newest, WallTime newest_at,
                          const RailwayDeployment& target) {
    RailwayNews news;
    RailwayDeployment last;  // new, and neither up, nor broken, nor under way
    for (const auto& d : list) {
        if (d.id == newest || d.created < newest_at) {
            continue;
        }
        const bool ours = stack::same_build(d, target) != SameBuild::no;
        news.ours = news.ours || ours;
        // The list is newest first, so the first one that says anything decides.
        if (news.kind != RailwaySince::nothing) {
            continue;
        }
        if (stack::is_under_way(d.status)) {
            news.kind = RailwaySince::under_way;
        } else if (stack::is_up(d.status)) {
            news.kind = ours ? RailwaySince::up : RailwaySince::other;
        } else if (stack::is_broken(d.status)) {
            news.kind = ours ? RailwaySince::broken : RailwaySince::other;
        } else {
            last = last.id.empty() ? d : last;
            continue;
        }
        news.deployment = d;
    }
    if (news.kind == RailwaySince::nothing && !last.id.empty()) {
        news.kind = RailwaySince::other;
        news.deployment = last;
    }
    return news;
}

std::string describe_railway(const RailwayDeployment& d) {
    const std::string commit =
        d.commit.empty() ? std::string("no commit shown") : "commit " + d.commit.substr(0, 7);
    return fmt::format("{} of {} ({}, {})", d.id, d.created_text, commit, d.status);
}

}  // namespace leverd::levers
