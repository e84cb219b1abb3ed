// Why: a freeze is a promise of three parties: the workflows are off, no run that publishes is
// under way, and the receipts cover what could move. Each can be broken silently (wire-contracts
// 0.9 and 10), so each is looked at and the worst finding is reported first, with all others.
#include "core/stack/receipt.hpp"
#include "probes/forge_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace leverd::probes {
namespace {

const Subject freeze_subject{"freeze"};
constexpr int runs_per_page = 50;
constexpr std::size_t findings_shown = 8;

using WorkflowKey = std::pair<std::string, std::string>;  // owner/repo, file

struct Finding {
    Health health;
    Reason reason;
    std::string words;
};

// Everything that one look gathers, worst reason first when it is told.
struct Findings {
    std::vector<Finding> all;
    std::optional<stack::Problem> problem;  // the first call that gave no answer
    std::string asked;                      // the repository of that call, or of the last
    int disabled = 0;

    void add(Health health, Reason reason, std::string words) {
        all.push_back(Finding{health, reason, std::move(words)});
    }
};

int rank(const Finding& finding) {
    switch (finding.health) {
        case Health::failing:
            return 0;
        case Health::degraded:
            return 1;
        case Health::unknown:
            return 2;
        case Health::healthy:
            break;
    }
    return 3;
}

std::vector<WorkflowKey> forgotten_writers(const config::Forge& forge,
                                           const std::vector<WorkflowKey>& frozen) {
    std::vector<WorkflowKey> writers;
    for (const std::string& text : forge.writers) {
        const auto colon = text.find(": ");
        WorkflowKey key{text.substr(0, colon), text.substr(colon + 2)};
        if (std::find(frozen.begin(), frozen.end(), key) == frozen.end()) {
            writers.push_back(std::move(key));
        }
    }
    return writers;
}

void read_receipts(const config::Config& config, std::vector<WorkflowKey>& frozen,
                   Findings& findings) {
    const config::FreezeSettings& freeze = config.freeze;
    const auto hole = [&findings, &freeze](std::string words) {
        findings.add(freeze.active ? Health::degraded : Health::healthy, Reason::receipt_incomplete,
                     std::move(words));
    };
    if (freeze.workflows_receipt.empty()) {
        hole("no workflows receipt: which workflows the freeze switched off is not known");
    } else if (const auto receipt = stack::read_workflow_receipt(freeze.workflows_receipt)) {
        frozen = receipt->workflows;
        for (const auto& issue : receipt->issues) {
            hole(fmt::format("workflows receipt line {}: {}", issue.line, issue.text));
        }
        if (frozen.empty()) {
            hole("the workflows receipt names no workflow");
        }
    } else {
        hole(receipt.error().what);
    }
    if (freeze.receipt.empty()) {
        return;
    }
    const auto digests = stack::read_digest_receipt(freeze.receipt);
    if (digests.has_error()) {
        hole(digests.error().what);
        return;
    }
    for (const auto& issue : digests->issues) {
        hole(fmt::format("digest receipt line {}: {}", issue.line, issue.text));
    }
    for (const std::string& image : config.registry.images) {
        if (!stack::receipt_digest(*digests, image)) {
            hole("the digest receipt lacks " + image);
        }
    }
}

void judge_frozen(const WorkflowKey& key, const stack::Workflow& workflow, bool active,
                  Findings& findings) {
    const std::string name = key.first + ": " + key.second;
    const bool off = workflow.state == "disabled_manually";
    findings.disabled += off ? 1 : 0;
    if (off && !active) {
        findings.add(Health::degraded, Reason::thaw_pending, name + " is still off");
    } else if (!off && active && workflow.state == "disabled_inactivity") {
        findings.add(Health::failing, Reason::workflow_enabled,
                     name + " is disabled_inactivity: that is no freeze, a push wakes it");
    } else if (!off && active && workflow.state != "deleted") {
        findings.add(Health::failing, Reason::workflow_enabled,
                     name + " is \"" + workflow.state + "\"");
    }
}

void note_problem(const stack::Problem& problem, const WorkflowKey& key, Findings& findings) {
    findings.add(Health::unknown, problem.reason,
                 key.first + ": " + key.second + " not read: " + problem.detail);
    // One missing workflow must not hide that the forge refuses the rest.
    if (!findings.problem || findings.problem->reason == Reason::not_found) {
        findings.problem = problem;
        findings.asked = key.first;
    }
}

// One 404 is one workflow's trouble; anything else would meet the next call, too.
bool worth_going_on(const Findings& findings) {
    return !findings.problem || findings.problem->reason == Reason::not_found;
}

boost::asio::awaitable<void> check_workflows(stack::Forge& forge, std::vector<WorkflowKey> keys,
                                             bool frozen, bool active, Findings& findings,
                                             net::Deadline deadline) {
    for (const WorkflowKey& key : keys) {
        if (!worth_going_on(findings)) {
            co_return;
        }
        auto workflow = co_await forge.workflow(key.first, key.second, deadline);
        if (workflow.has_error()) {
            note_problem(workflow.error(), key, findings);
        } else if (frozen) {
            judge_frozen(key, *workflow, active, findings);
        } else if (active && workflow->state != "disabled_manually" &&
                   workflow->state != "deleted") {
            findings.add(
                Health::degraded, Reason::writer_forgotten,
                fmt::format("{}: {} is \"{}\" and can move an image; it is not in the receipt",
                            key.first, key.second, workflow->state));
        }
        findings.asked = findings.problem ? findings.asked : key.first;
    }
}

// Switching a workflow off does not stop the runs that have started.
boost::asio::awaitable<void> check_runs(stack::Forge& forge, std::vector<WorkflowKey> keys,
                                        Findings& findings, net::Deadline deadline) {
    std::set<std::string> repositories;
    for (const WorkflowKey& key : keys) {
        repositories.insert(key.first);
    }
    for (const std::string& repository : repositories) {
        for (const char* status : {"in_progress", "queued"}) {
            if (!worth_going_on(findings)) {
                co_return;
            }
            stack::RunQuery query;
            query.status = status;
            query.limit = runs_per_page;
            auto runs = co_await forge.runs(repository, query, deadline);
            if (runs.has_error()) {
                note_problem(runs.error(), WorkflowKey(repository, "runs"), findings);
                continue;
            }
            for (const stack::Run& run : *runs) {
                const WorkflowKey key(repository, run.file);
                // A run whose file the forge hides may be any of them.
                const bool ours =
                    run.file.empty() || std::find(keys.begin(), keys.end(), key) != keys.end();
                if (ours && run.status != "completed") {
                    findings.add(
                        Health::failing, Reason::publisher_running,
                        fmt::format("{}: run {} of {} is {} (event {}, commit {})", repository,
                                    run.id, run.file.empty() ? "an unnamed workflow" : run.file,
                                    run.status, run.event, run.sha.substr(0, 7)));
                }
            }
        }
    }
}

Observation tell(Findings& findings, std::size_t workflows, bool active, const Task& task) {
    const auto worst =
        std::min_element(findings.all.begin(), findings.all.end(),
                         [](const Finding& a, const Finding& b) { return rank(a) < rank(b); });
    Observation seen = observation(freeze_subject, task, Health::healthy, Reason::ok, {});
    if (worst != findings.all.end() && rank(*worst) < 3) {
        seen.health = worst->health;
        seen.reason = worst->reason;
        seen.evidence = worst->words;
    } else if (active) {
        seen.evidence =
            fmt::format("the freeze holds: {} workflows off, no publisher runs", findings.disabled);
    } else {
        seen.evidence = "no freeze is on";
    }
    std::size_t shown = 1;
    for (const Finding& finding : findings.all) {
        if (rank(finding) < 3 && shown < findings_shown && &finding != &*worst) {
            seen.evidence += "; " + finding.words;
            ++shown;
        }
    }
    const auto count = [&findings](Reason reason) {
        return static_cast<double>(
            std::count_if(findings.all.begin(), findings.all.end(),
                          [reason](const Finding& f) { return f.reason == reason; }));
    };
    seen.facts["freeze"] = active ? 1 : 0;
    seen.facts["workflows"] = static_cast<double>(workflows);
    seen.facts["disabled"] = findings.disabled;
    seen.facts["enabled"] = count(Reason::workflow_enabled);
    seen.facts["publishers"] = count(Reason::publisher_running);
    seen.facts["writers"] = count(Reason::writer_forgotten);
    seen.facts["receipt_holes"] = count(Reason::receipt_incomplete);
    return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_freeze_state(Context& context, Task task,
                                                       net::Deadline deadline) {
    const Now started = context.clock->now();
    const config::Config& config = *context.config;
    const bool active = config.freeze.active;
    Findings findings;
    std::vector<WorkflowKey> frozen;
    read_receipts(config, frozen, findings);
    std::vector<WorkflowKey> writers = forgotten_writers(config.forge, frozen);
    stack::Forge forge = forge_of(context);
    co_await check_workflows(forge, frozen, true, active, findings, deadline);
    co_await check_workflows(forge, writers, false, active, findings, deadline);
    if (active) {
        std::vector<WorkflowKey> publishers = frozen;
        publishers.insert(publishers.end(), writers.begin(), writers.end());
        co_await check_runs(forge, publishers, findings, deadline);
    }
    Observations all;
    all.push_back(tell(findings, frozen.size(), active, task));
    // Without any workflow to ask about, the forge was not asked and nothing is said of it.
    if (!findings.asked.empty()) {
        Observation seen =
            co_await judge_forge(forge, findings.asked, findings.problem, task, deadline);
        all.push_back(std::move(seen));
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
