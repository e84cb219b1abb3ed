// Why: the engine believes a lever's contract; these are its promises, written a second time.
#include "tests/unit/levers/world.hpp"

#include <set>

namespace leverd::test {
namespace {

using levers::effective_contracts;

const std::vector<std::shared_ptr<levers::Lever>>& lever_table() {
    static const levers::LeverTable table;
    return table.all();
}

levers::Lever* find_lever(std::string_view id) {
    for (const auto& lever : lever_table()) {
        if (lever->contract().id == id) {
            return lever.get();
        }
    }
    return nullptr;
}

struct Row {
    const char* id;
    const char* letter;
    Reversibility reversibility;
    bool moves_image;
    bool restores_receipt;
    bool manual;
    int propagation_seconds;
    std::size_t proofs;
    bool can_undo;
};

TEST_CASE("the table holds the runbook's six levers in its order, then the gentler ones") {
    const Row rows[] = {
        {"platform-rollback", "A", Reversibility::restores_old_state, true, false, false, 300, 2,
         true},
        {"template-rollback", "B", Reversibility::reversible, true, true, false, 30, 3, true},
        {"tenant-redeploy", "C", Reversibility::restores_old_state, false, false, false, 60, 1,
         false},
        {"workspace-reprovision", "D", Reversibility::irreversible, false, false, false, 30, 1,
         false},
        {"control-plane-rollback", "E", Reversibility::restores_old_state, false, false, false, 30,
         2, true},
        {"canvas-rollback", "F", Reversibility::restores_old_state, false, false, false, 30, 2,
         true},
        {"workspace-restart", "", Reversibility::restores_old_state, false, false, false, 30, 1,
         false},
        {"tenant-restart", "", Reversibility::restores_old_state, false, false, false, 60, 1,
         false},
        {"fleet-redeploy", "", Reversibility::restores_old_state, false, false, false, 60, 2,
         false},
    };
    REQUIRE(lever_table().size() == std::size(rows));
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        const auto& contract = lever_table()[i]->contract();
        const auto& row = rows[i];
        INFO(row.id);
        CHECK(contract.id == row.id);
        CHECK(contract.letter == row.letter);
        CHECK(contract.reversibility == row.reversibility);
        CHECK(contract.moves_image == row.moves_image);
        CHECK(contract.restores_receipt == row.restores_receipt);
        CHECK(contract.manual == row.manual);
        CHECK(contract.propagation == std::chrono::seconds(row.propagation_seconds));
        CHECK(contract.proof.size() == row.proofs);
        CHECK(contract.can_undo == row.can_undo);
        CHECK_FALSE(contract.title.empty());
        CHECK_FALSE(contract.inverse.empty());
        CHECK_FALSE(contract.known_false_success.empty());
        CHECK(find_lever(row.id) == lever_table()[i].get());
    }
    CHECK(find_lever("tenant-delete") == nullptr);
}

TEST_CASE(
    "false success C: the old container still serves, so only a process begun anew proves it") {
    const auto* id = GENERATE("tenant-redeploy", "tenant-restart");
    const auto& step = find_lever(id)->contract().proof[0];
    CHECK(step.who == ProofStep::Who::target);
    CHECK(step.probe == "tenant_health");
    CHECK(step.looks == 2);
    CHECK(step.needs_fact == "auth_read");
    CHECK(step.reset_fact == "requests_total");
}

TEST_CASE(
    "false success B: a pin overrides the tag, so only something fresh that answers proves it") {
    const auto& proof = find_lever("template-rollback")->contract().proof;
    CHECK(proof[0].who == ProofStep::Who::lever);
    CHECK(proof[0].looks == 3);
    CHECK(proof[0].spread == std::chrono::seconds(30));
    CHECK(proof[1].who == ProofStep::Who::fresh_child);
    CHECK(proof[1].probe == "workspace_status");
    CHECK(proof[2].who == ProofStep::Who::fresh_child);
    CHECK(proof[2].probe == "workspace_activity");
}

TEST_CASE(
    "false success A: tags moved for tenants that never pull prove nothing, the symptom must "
    "clear") {
    const auto& proof = find_lever("platform-rollback")->contract().proof;
    CHECK(proof[0].who == ProofStep::Who::lever);
    CHECK(proof[0].spread == std::chrono::seconds(30));
    CHECK(proof[1].who == ProofStep::Who::cleared);
}

TEST_CASE("without their credential the hosting levers are a person's") {
    config::Config config;
    const auto bare = effective_contracts(config);
    for (const std::size_t i : {4U, 5U}) {
        INFO(bare[i].id);
        CHECK(bare[i].manual);
        CHECK_FALSE(bare[i].can_undo);
        CHECK(bare[i].proof.size() == 1);
    }
    config.railway.account_token = "railway";
    config.vercel.token = "vercel";
    const auto armed = effective_contracts(config);
    for (const std::size_t i : {4U, 5U}) {
        INFO(armed[i].id);
        CHECK_FALSE(armed[i].manual);
        CHECK(armed[i].can_undo);
        REQUIRE(armed[i].proof.size() == 2);
        CHECK(armed[i].proof[0].who == ProofStep::Who::lever);
        CHECK(armed[i].proof[1].who == ProofStep::Who::target);
        CHECK(armed[i].proof[1].looks == 3);
    }
}

TEST_CASE("the configuration overrides delays and spreads, and only those it names") {
    config::Config config;
    config::LeverSettings platform;
    platform.id = "platform-rollback";
    platform.propagation = Millis{1000};
    platform.prove_every = Millis{300};
    platform.proof_spread = Millis{700};
    config::LeverSettings redeploy;
    redeploy.id = "tenant-redeploy";
    redeploy.proof_spread = Millis{500};
    config.levers = {platform, redeploy};
    const auto contracts = effective_contracts(config);
    REQUIRE(contracts.size() == 9);
    CHECK(contracts[0].propagation == Millis{1000});
    CHECK(contracts[0].prove_every == Millis{300});
    CHECK(contracts[0].proof[0].spread == Millis{700});
    CHECK(contracts[0].proof[1].spread == Millis{0});
    CHECK(contracts[1].propagation == std::chrono::seconds(30));
    CHECK(contracts[1].proof[0].spread == std::chrono::seconds(30));
    CHECK(contracts[2].propagation == std::chrono::seconds(60));
    CHECK(contracts[2].proof[0].spread == Millis{0});
    // The table itself keeps the defaults.
    CHECK(find_lever("platform-rollback")->contract().propagation == std::chrono::minutes(5));
}

TEST_CASE("a lever that waits between its calls has time for it unless the configuration says") {
    const auto* restart = find_lever("tenant-restart");
    const auto* redeploy = find_lever("tenant-redeploy");
    config::Config config;
    CHECK(levers::call_time(config, *restart) == std::chrono::minutes(5));
    CHECK(levers::call_time(config, *redeploy) == std::chrono::seconds(30));
    config::LeverSettings pace;
    pace.id = "tenant-restart";
    pace.prove_every = Millis{100};
    config.levers = {pace};
    CHECK(levers::call_time(config, *restart) == std::chrono::minutes(5));
    config.levers[0].timeout = Millis{4'000};
    CHECK(levers::call_time(config, *restart) == Millis{4'000});
}

}  // namespace
}  // namespace leverd::test
