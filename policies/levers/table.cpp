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

std::vector<std::unique_ptr<Lever>> make_table() {
    std::vector<std::unique_ptr<Lever>> table;
    table.push_back(make_platform_rollback());
    table.push_back(make_template_rollback());
    table.push_back(make_tenant_redeploy());
    table.push_back(make_workspace_reprovision());
    table.push_back(make_control_plane_rollback());
    table.push_back(make_canvas_rollback());
    table.push_back(make_workspace_restart());
    table.push_back(make_tenant_restart());
    table.push_back(make_fleet_redeploy());
    return table;
}

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

const std::vector<std::unique_ptr<Lever>>& lever_table() {
    static const auto table = make_table();
    return table;
}

Lever* find_lever(std::string_view id) {
    for (const auto& lever : lever_table()) {
        if (lever->contract().id == id) {
            return lever.get();
        }
    }
    return nullptr;
}

std::shared_ptr<Lever> lever_for(const config::Config& config, std::string_view id) {
    if (auto* built_in = find_lever(id)) {
        return std::shared_ptr<Lever>(std::shared_ptr<Lever>{}, built_in);
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
    for (const auto& lever : lever_table()) {
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
