// Why: the create is what makes good a delete. It is rehearsed before anything is deleted and sent
// once afterwards, by lever D itself or when a person has it made up for.
#pragma once

#include "policies/levers/workspace_spec.hpp"

#include <string>

namespace leverd::levers {

net::HttpRequest create_request(const stack::TenantAccess& access, std::string body);
net::HttpRequest rehearsal_request(const stack::TenantAccess& access, const WorkspaceSpec& spec,
                                   const SecretValues& values);

// "***" for each secret: what a plan shows.
SecretValues masked_values(const WorkspaceSpec& spec);
// The rehearsal and the create as a plan shows them.
std::vector<Call> create_calls(const stack::TenantAccess& access, const WorkspaceSpec& spec);

// How a rehearsal ended: the platform looked at everything and refused for the one reason that was
// given to it on purpose.
struct Rehearsal {
    bool good = false;
    bool made = false;   // it created something, against everything that is known
    std::string detail;  // for a person; empty when it was good
};
boost::asio::awaitable<Rehearsal> rehearse_create(stack::TenantAccess access, WorkspaceSpec spec,
                                                  SecretValues values, net::Deadline deadline);

// One create, never a second one: where its answer leaves a doubt the list is asked.
struct Created {
    std::string new_id;  // empty: nothing was seen created
    OutcomeKind kind = OutcomeKind::unknown;
    std::string words;
};
boost::asio::awaitable<Created> create_once(Context& context, stack::TenantAccess* access,
                                            WorkspaceSpec spec, SecretValues values,
                                            net::Deadline deadline, Millis for_looking);

Outcome replaced(const std::string& intent, const WorkspaceSpec& spec, const std::string& slug,
                 const Created& created, const std::string& words);

}  // namespace leverd::levers
