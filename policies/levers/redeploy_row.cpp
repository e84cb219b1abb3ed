// Why: see redeploy_row.hpp.
#include "policies/levers/redeploy_row.hpp"

#include "core/stack/call.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace leverd::levers {

bool redeploy_row_failed(const nlohmann::json& row) {
    static constexpr std::array<const char*, 5> fine{"", "Success", "Pending", "InProgress",
                                                     "Delayed"};
    const std::string ssm = stack::text_at(row, "ssm_status");
    const auto healthz = row.find("healthz_ok");
    const bool unhealthy = healthz != row.end() && healthz->is_boolean() && !healthz->get<bool>();
    return !stack::text_at(row, "error").empty() ||
           stack::number_at(row, "ssm_exit_code", 0) != 0 || unhealthy ||
           std::find(fine.begin(), fine.end(), ssm) == fine.end();
}

}  // namespace leverd::levers
