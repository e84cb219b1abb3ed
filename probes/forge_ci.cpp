// Why: before a demo the control plane must be built from the commit that was meant, by a run that
// succeeded; and whoever thaws wants to know which merges were held back meanwhile (runbook step
// 2).
#include "probes/forge_look.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::probes {
namespace {

constexpr int runs_per_page = 20;
constexpr std::size_t merges_shown = 5;

// The forge's order is newest first; nothing but the time is trusted for that.
const stack::Run* newest_run(const std::vector<stack::Run>& runs,
                             const config::ForgeBranch& branch) {
    const stack::Run* newest = nullptr;
    for (const stack::Run& run : runs) {
        const bool fits = (branch.workflow.empty() || run.file == branch.workflow) &&
                          (run.branch.empty() || run.branch == branch.branch);
        if (fits && (newest == nullptr || run.created > newest->created)) {
            newest = &run;
        }
    }
    return newest;
}

Observation judge_runs(const std::vector<stack::Run>& runs, const config::ForgeBranch& branch,
                       const Subject& subject, const Task& task) {
    const stack::Run* run = newest_run(runs, branch);
    if (run == nullptr) {
        return observation(
            subject, task, Health::unknown, Reason::proof_missing,
            fmt::format("no run of {} on {} to judge by",
                        branch.workflow.empty() ? "any workflow" : branch.workflow, branch.branch));
    }
    Observation seen = observation(subject, task, Health::healthy, Reason::ok, {});
    seen.version = run->sha;
    seen.evidence =
        fmt::format("{} on {}: run {} {} {} at commit {}", run->file, branch.branch, run->id,
                    run->status, run->conclusion, run->sha.empty() ? "?" : run->sha.substr(0, 12));
    if (run->status != "completed") {
        seen.health = Health::unknown;
        seen.reason = Reason::ci_running;
    } else if (run->conclusion != "success") {
        seen.health = Health::failing;
        seen.reason = Reason::ci_failed;
    }
    if (!branch.commit.empty() && !run->sha.starts_with(branch.commit)) {
        seen.health = Health::failing;
        seen.reason = Reason::wrong_commit;
        seen.evidence += "; expected " + branch.commit;
    }
    return seen;
}

void add_merges(const std::vector<stack::Merge>& merges, const config::ForgeBranch& branch,
                Observation& seen) {
    seen.facts["held_back"] = static_cast<double>(merges.size());
    if (merges.empty()) {
        return;
    }
    seen.evidence += fmt::format("; {} merges in {}:", merges.size(), branch.held_base);
    for (std::size_t i = 0; i < std::min(merges.size(), merges_shown); ++i) {
        seen.evidence += fmt::format(" #{} \"{}\"", merges[i].number, merges[i].title);
    }
}

}  // namespace

boost::asio::awaitable<Observations> look_forge_ci(Context& context, Task task,
                                                   net::Deadline deadline) {
    const Now started = context.clock->now();
    const Subject subject("branch/" + task.target);
    stack::Forge forge = forge_of(context);
    std::optional<stack::Problem> problem;
    std::vector<Observation> seen_branches;
    for (const config::ForgeBranch& branch : context.config->forge.branches) {
        if (branch.repository != task.target) {
            continue;
        }
        stack::RunQuery query;
        query.branch = branch.branch;
        query.limit = runs_per_page;
        auto runs = co_await forge.runs(branch.repository, query, deadline);
        if (runs.has_error()) {
            problem = problem ? problem : runs.error();
            seen_branches.push_back(cannot_judge(runs.error(), subject, task));
            break;
        }
        Observation seen = judge_runs(*runs, branch, subject, task);
        if (!branch.held_base.empty()) {
            auto merges = co_await forge.merged(branch.repository, branch.held_base, deadline);
            if (merges.has_value()) {
                add_merges(*merges, branch, seen);
            } else {
                problem = problem ? problem : merges.error();
                seen.evidence += "; merges not read: " + merges.error().detail;
            }
        }
        seen_branches.push_back(std::move(seen));
    }
    Observations all;
    const auto badness = [](const Observation& a, const Observation& b) {
        const auto rank = [](Health h) {
            return h == Health::failing ? 2 : h == Health::healthy ? 0 : 1;
        };
        return rank(a.health) < rank(b.health);
    };
    if (!seen_branches.empty()) {
        // Several branches of one repository are one subject: the worst one speaks.
        all.push_back(*std::max_element(seen_branches.begin(), seen_branches.end(), badness));
        Observation about =
            co_await judge_forge(forge, task.target, std::move(problem), task, deadline);
        all.push_back(std::move(about));
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
