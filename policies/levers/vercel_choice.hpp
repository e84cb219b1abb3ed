// Why: which production deployment serves and which one served before is the whole risk of lever F.
// It is decided here from two answers, without any call, so that every odd pair can be tried out.
#pragma once

#include "core/base/result.hpp"
#include "core/stack/vercel.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace leverd::levers {

using VercelList = std::vector<stack::VercelDeployment>;  // newest first

// The newest READY production deployment older than the one that serves. One that never had a
// domain was never live, and going there would be no rollback. An Error when there is none, or when
// it cannot be told what is older.
Result<stack::VercelDeployment> choose_vercel_target(const stack::VercelProject& project,
                                                     const VercelList& list);

// A rollback or promote that another hand began and that has not ended; empty when there is none.
// One that is older than `stale` will not end any more.
std::string alias_job_under_way(const stack::VercelProject& project, WallTime now);

enum class AliasJob {
    none,     // no request newer than the plan's ground
    ours,     // to the deployment that was asked for
    foreign,  // to another one: somebody moved the domains since
};
// `before`: requestedAt of the newest request that the plan saw. Entries that are not newer are
// somebody's past.
AliasJob alias_job(const stack::VercelProject& project, std::int64_t before,
                   const std::string& target);

// "dpl_1 of 2026-05-01T09:00:00Z (commit 1234567, READY)"
std::string describe_vercel(const stack::VercelDeployment& deployment);
// What a refusal of the move means: 402, 409, 422 and the others that Vercel documents.
std::string explain_vercel_status(int status);

}  // namespace leverd::levers
