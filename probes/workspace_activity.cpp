// Why: a workspace that is online may still answer every user with an error. The tenant's activity
// rows are the only witness; this look counts the real requests of the last window and says how
// they ended.
#include "probes/session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::probes {
namespace {

constexpr int rows_per_read = 100;
constexpr int rows_when_large = 10;
// A tenant's clock may run ahead of ours; its newest rows still count.
constexpr Millis clock_skew{300'000};

std::vector<WorkspaceRow> talking_workspaces(const Context& context, const std::string& slug) {
    std::vector<WorkspaceRow> rows;
    const auto it = context.inventory->workspaces.find(slug);
    if (it == context.inventory->workspaces.end()) {
        return rows;
    }
    for (const auto& row : it->second) {
        if (row.status == "online" || row.status == "degraded") {
            rows.push_back(row);
        }
    }
    return rows;
}

// Where to begin, so that a deadline which cuts the round short cuts another one next time.
void rotate_start(std::vector<WorkspaceRow>& rows, const Context& context, const Task& task) {
    if (rows.empty()) {
        return;
    }
    const auto interval = std::max<std::int64_t>(task.settings.interval.count(), 1);
    const auto round = to_millis(context.clock->now().at) / interval;
    const auto start = round % static_cast<std::int64_t>(rows.size());
    std::rotate(rows.begin(), rows.begin() + start, rows.end());
}

void name_workspace(Observation& seen, const WorkspaceRow& row, const std::string& slug) {
    seen.attributes["tenant"] = slug;
    seen.attributes["runtime"] = row.runtime;
    seen.attributes["name"] = row.name;
}

void judge(const stack::ActivitySummary& sum, Observation& seen) {
    if (sum.requests == 0 && sum.unanswered > 0) {
        // It answered nobody badly, so this is not the row about answers.
        seen.health = Health::degraded;
        seen.reason = Reason::agent_busy;
    } else if (sum.requests == 0) {
        seen.health = Health::unknown;
        seen.reason = Reason::no_traffic;
    } else if (sum.failed == 0) {
        seen.health = Health::healthy;
        seen.reason = Reason::ok;
    } else if (sum.failed < sum.requests) {
        seen.health = Health::degraded;
        seen.reason = Reason::agent_sometimes_errors;
    } else if (sum.provider_faults > 0) {
        seen.health = Health::degraded;
        seen.reason = Reason::provider_fault;
    } else {
        seen.health = Health::failing;
        seen.reason = Reason::agent_errors;
    }
}

void add_facts(const stack::ActivitySummary& sum, Observation& seen) {
    seen.facts["requests"] = sum.requests;
    seen.facts["failed"] = sum.failed;
    seen.facts["unanswered"] = sum.unanswered;
    seen.facts["clean"] = sum.requests - sum.failed;
    seen.facts["provider_faults"] = sum.provider_faults;
    seen.facts["failed_percent"] =
        sum.requests == 0 ? 0.0 : 100.0 * sum.failed / static_cast<double>(sum.requests);
    seen.facts["clean_last"] = sum.clean_last ? 1 : 0;
    const Millis spread =
        sum.first_failed && sum.last_failed ? *sum.last_failed - *sum.first_failed : Millis{0};
    seen.facts["spread_seconds"] = static_cast<double>(spread.count()) / 1000.0;
}

Observation observe_rows(const std::vector<stack::ActivityRow>& rows, const WorkspaceRow& workspace,
                         const Task& task, WallTime now) {
    const stack::ActivitySummary sum =
        stack::summarize_activity(rows, now - task.settings.window, now + clock_skew);
    Observation seen = observation(Subject("workspace/" + task.target + "/" + workspace.id), task,
                                   Health::unknown, Reason::no_traffic, {});
    judge(sum, seen);
    add_facts(sum, seen);
    seen.evidence =
        fmt::format("{} requests in the last {}, {} failed, {} by the provider", sum.requests,
                    format_duration(task.settings.window), sum.failed, sum.provider_faults);
    if (sum.unanswered > 0) {
        seen.evidence +=
            fmt::format("; {} more without an answer, as from a busy agent", sum.unanswered);
    }
    if (!sum.last_failure.empty()) {
        seen.evidence += "; last failure \"" + sum.last_failure + "\"";
    }
    name_workspace(seen, workspace, task.target);
    return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_workspace_activity(Context& context, Task task,
                                                             net::Deadline deadline) {
    const Now started = context.clock->now();
    std::vector<WorkspaceRow> workspaces = talking_workspaces(context, task.target);
    rotate_start(workspaces, context, task);
    TenantSession session(context, task.target);
    Observations all;
    for (const WorkspaceRow& workspace : workspaces) {
        auto rows = co_await session.activity(workspace.id, rows_per_read, deadline);
        if (rows.has_error() && rows.error().reason == Reason::body_too_large) {
            rows = co_await session.activity(workspace.id, rows_when_large, deadline);
        }
        if (rows.has_value()) {
            all.push_back(observe_rows(*rows, workspace, task, context.clock->now().wall));
            continue;
        }
        const Subject subject("workspace/" + task.target + "/" + workspace.id);
        all.push_back(cannot_judge(rows.error(), subject, task));
        name_workspace(all.back(), workspace, task.target);
        // The tenant does not answer or does not let us in: the others would hear the same.
        const int status = rows.error().status;
        if (status == 0 || status == 401 || status == 403 || status == 429 || status >= 500) {
            break;
        }
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
