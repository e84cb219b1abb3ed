// Why: one tenant and a list of tenants are answered with the same result rows, and a row that
// looks good to one lever must not look bad to the other.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace leverd::levers {

// One row of a redeploy's results that says that it did not work (wire-contracts 1.5).
bool redeploy_row_failed(const nlohmann::json& row);

}  // namespace leverd::levers
