// Why: the platform's own list says in which state each workspace is; the words are mapped here to
// health, once. Who vanishes from a complete list is said to be removed exactly once, because after
// that it is forgotten.
#include "core/base/text.hpp"
#include "probes/session.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace leverd::probes {
namespace {

struct StatusRow {
    std::string_view status;
    Health health;
    Reason reason;
};

// wire-contracts 2.4. Anything else is unknown_state: the enum grows without notice.
constexpr std::array<StatusRow, 9> status_rows{{
    {"online", Health::healthy, Reason::ok},
    {"degraded", Health::degraded, Reason::workspace_degraded},
    {"provisioning", Health::degraded, Reason::provisioning},
    {"failed", Health::failing, Reason::workspace_failed},
    {"offline", Health::failing, Reason::workspace_offline},
    {"paused", Health::unknown, Reason::paused},
    {"hibernated", Health::unknown, Reason::paused},
    {"hibernating", Health::unknown, Reason::paused},
    {"removed", Health::unknown, Reason::removed},
}};

Observation row_of(const std::string& slug, const WorkspaceRow& row, const Task& task,
                   std::string evidence) {
    const auto it =
        std::find_if(status_rows.begin(), status_rows.end(),
                     [&row](const StatusRow& known) { return known.status == row.status; });
    const Health health = it == status_rows.end() ? Health::unknown : it->health;
    const Reason reason = it == status_rows.end() ? Reason::unknown_state : it->reason;
    Observation seen = observation(Subject("workspace/" + slug + "/" + row.id), task, health,
                                   reason, std::move(evidence));
    seen.attributes["tenant"] = slug;
    seen.attributes["runtime"] = row.runtime;
    seen.attributes["name"] = row.name;
    return seen;
}

Observation observe_row(const stack::Workspace& workspace, const Task& task) {
    std::string evidence = "status \"" + workspace.row.status + "\"";
    if (!workspace.last_sample_error.empty()) {
        evidence += "; last error \"" + workspace.last_sample_error + "\"";
    }
    Observation seen = row_of(task.target, workspace.row, task, std::move(evidence));
    if (workspace.provision_timeout > Millis{0}) {
        seen.facts["provision_seconds"] =
            static_cast<double>(workspace.provision_timeout.count()) / 1000.0;
    }
    seen.facts["active_tasks"] = workspace.active_tasks;
    seen.facts["error_rate"] = workspace.error_rate;
    seen.facts["children"] = static_cast<double>(workspace.children);
    return seen;
}

bool was_known(const std::vector<WorkspaceRow>& known, const std::string& id) {
    return std::any_of(known.begin(), known.end(), [&id](const WorkspaceRow& row) {
        return row.id == id && row.status != "removed";
    });
}

Observations observe_list(const stack::WorkspaceList& list, const std::vector<WorkspaceRow>& known,
                          const Task& task, std::vector<WorkspaceRow>& next) {
    Observations all;
    std::set<std::string> listed;
    for (const auto& workspace : list.workspaces) {
        listed.insert(workspace.row.id);
        next.push_back(workspace.row);
        if (workspace.row.status != "removed" || was_known(known, workspace.row.id)) {
            all.push_back(observe_row(workspace, task));
        }
    }
    for (const WorkspaceRow& row : known) {
        if (listed.contains(row.id)) {
            continue;
        }
        if (!list.complete) {
            next.push_back(row);
        } else if (row.status != "removed") {
            WorkspaceRow gone = row;
            gone.status = "removed";
            all.push_back(row_of(task.target, gone, task, "no longer in the tenant's list"));
        }
    }
    return all;
}

}  // namespace

boost::asio::awaitable<Observations> look_workspace_status(Context& context, Task task,
                                                           net::Deadline deadline) {
    const Now started = context.clock->now();
    TenantSession session(context, task.target);
    auto list = co_await session.workspaces(deadline);
    Observations all;
    if (list.has_error()) {
        all.push_back(cannot_judge(list.error(), Subject("tenant/" + task.target), task));
        all.back().attributes["tenant"] = task.target;
        co_return finish(context, started, std::move(all));
    }
    std::vector<WorkspaceRow>& known = context.inventory->workspaces[task.target];
    std::vector<WorkspaceRow> next;
    all = observe_list(*list, known, task, next);
    known = std::move(next);
    // Takes back an earlier "list unreadable", which spoke about the tenant as a whole.
    all.push_back(observation(Subject("tenant/" + task.target), task, Health::healthy, Reason::ok,
                              std::to_string(known.size()) + " workspaces listed"));
    all.back().attributes["tenant"] = task.target;
    for (auto& seen : all) {
        seen.phases = list->response.phases;
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
