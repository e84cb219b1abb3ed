// Why: a receipt that leverd captures must be read by the freeze scripts as well, must be complete,
// and must never replace an older one.
#pragma once

#include "core/base/result.hpp"
#include "core/base/time.hpp"

#include <string>
#include <utility>
#include <vector>

namespace leverd::stack {

// "<key>: sha256:<64 hex>" line by line in this order (wire-contracts 10), without header or
// comments, as the scripts write it.
std::string render_digest_receipt(const std::vector<std::pair<std::string, std::string>>& digests);

// "<Owner/repo>: <workflow file>", likewise.
std::string render_workflow_receipt(
    const std::vector<std::pair<std::string, std::string>>& workflows);

// "20260506-180000", UTC.
std::string receipt_stamp(WallTime at);

// Writes a new file all at once and durably; an Error when one of this name exists or anything went
// wrong, and then there is no file of this name that was not there before. Gives the path.
Result<std::string> write_new_file(const std::string& directory, const std::string& name,
                                   const std::string& text);

}  // namespace leverd::stack
