// Why: the explicit table of lever kinds, the runbook's in its order, then the gentler ones; a new
// lever is one row here.
#include "policies/levers/canvas_rollback.hpp"
#include "policies/levers/control_plane_rollback.hpp"
#include "policies/levers/fleet_redeploy.hpp"
#include "policies/levers/general.hpp"
#include "policies/levers/lever.hpp"
#include "policies/levers/platform_rollback.hpp"
#include "policies/levers/template_rollback.hpp"
#include "policies/levers/tenant_redeploy.hpp"
#include "policies/levers/tenant_restart.hpp"
#include "policies/levers/workspace_reprovision.hpp"
#include "policies/levers/workspace_restart.hpp"

#include <algorithm>
#include <utility>

namespace leverd::levers {
namespace {

void apply(const config::LeverSettings& settings, LeverContract& contract) {
    contract.propagation = settings.propagation.value_or(contract.propagation);
    contract.prove_every = settings.prove_every.value_or(contract.prove_every);
    for (auto& step : contract.proof) {
        if (settings.proof_spread && step.spread > Millis{0}) {
            step.spread = *settings.proof_spread;
        }
    }
}

}  // namespace

LeverTable::LeverTable() {
    levers_.push_back(make_platform_rollback());
    levers_.push_back(make_template_rollback());
    levers_.push_back(make_tenant_redeploy());
    levers_.push_back(make_workspace_reprovision());
    levers_.push_back(make_control_plane_rollback());
    levers_.push_back(make_canvas_rollback());
    levers_.push_back(make_workspace_restart());
    levers_.push_back(make_tenant_restart());
    levers_.push_back(make_fleet_redeploy());
}

std::shared_ptr<Lever> LeverTable::find(std::string_view id) const {
    const auto found = std::ranges::find_if(
        levers_, [id](const auto& lever) { return lever->contract().id == id; });
    return found == levers_.end() ? nullptr : *found;
}

std::shared_ptr<Lever> LeverTable::find(const config::Config& config, std::string_view id) const {
    if (auto built_in = find(id)) {
        return built_in;
    }
    for (const auto& settings : config.levers) {
        if (settings.id == id && !settings.general.kind.empty()) {
            return make_general_lever(settings);
        }
    }
    return nullptr;
}

std::vector<LeverContract> effective_contracts(const config::Config& config) {
    std::vector<LeverContract> contracts;
    const LeverTable table;
    for (const auto& lever : table.all()) {
        LeverContract contract = lever->contract_for(config);
        for (const auto& settings : config.levers) {
            if (settings.id == contract.id) {
                apply(settings, contract);
            }
        }
        contracts.push_back(std::move(contract));
    }
    for (const auto& settings : config.levers) {
        if (!settings.general.kind.empty()) {
            contracts.push_back(general_contract(settings));
        }
    }
    return contracts;
}

}  // namespace leverd::levers
