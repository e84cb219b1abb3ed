// Why: see workspace_look.hpp.
#include "policies/levers/workspace_look.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace leverd::levers {

const stack::Workspace* find_id(const stack::WorkspaceList& list, const std::string& id) {
    const auto found = std::find_if(list.workspaces.begin(), list.workspaces.end(),
                                    [&](const auto& row) { return row.row.id == id; });
    return found == list.workspaces.end() ? nullptr : &*found;
}

void say(Observation& look, Health health, Reason reason, const std::string& evidence) {
    look.health = health;
    look.reason = reason;
    look.evidence = sanitize(evidence, evidence_bytes_max);
}

void say(Observation& look, const stack::Problem& problem) {
    say(look, Health::unknown, problem.reason, problem.detail);
    look.origin = problem.origin;
}

bool judge_status(Observation& look, const stack::Workspace& row, const std::string& who) {
    struct Judged {
        std::string_view status;
        Health health;
        Reason reason;
    };
    static constexpr std::array judged{
        Judged{"provisioning", Health::unknown, Reason::provisioning},
        Judged{"degraded", Health::degraded, Reason::workspace_degraded},
        Judged{"failed", Health::failing, Reason::workspace_failed},
        Judged{"offline", Health::failing, Reason::workspace_offline},
    };
    const std::string& status = row.row.status;
    if (status == "online") {
        return false;
    }
    const std::string words =
        who + " is " + sanitize(status, 40) + " " + sanitize(row.last_sample_error, 300);
    for (const auto& one : judged) {
        if (one.status == status) {
            say(look, one.health, one.reason, words);
            return true;
        }
    }
    say(look, Health::unknown, Reason::unknown_state, words);
    return true;
}

void judge_answers(Observation& look, const std::vector<stack::ActivityRow>& rows,
                   std::optional<WallTime> since, const std::string& who,
                   const std::string& clean) {
    const auto newest = std::find_if(rows.rbegin(), rows.rend(), [&](const auto& row) {
        return row.request && row.answer != stack::AnswerKind::unanswered &&
               (!since || (row.at && *row.at >= *since));
    });
    if (newest == rows.rend()) {
        say(look, Health::unknown, Reason::proof_missing,
            who + " is online; nobody has asked it anything since");
        return;
    }
    switch (newest->answer) {
        case stack::AnswerKind::clean:
            say(look, Health::healthy, Reason::ok, clean);
            return;
        case stack::AnswerKind::provider_fault:
            say(look, Health::degraded, Reason::provider_fault,
                who + " meets a provider fault: " + newest->failure);
            return;
        case stack::AnswerKind::unanswered:  // not among those
            return;
        case stack::AnswerKind::agent_fault:
            say(look, Health::failing, Reason::agent_errors,
                who + " still fails: " + newest->failure);
            return;
    }
}

}  // namespace leverd::levers
