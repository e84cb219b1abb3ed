// Why: the engine with a ledger that is a vector: hours of policy in seconds.
#include "tests/sim/machine.hpp"

namespace leverd::sim {
namespace {

class MemoryMachine final : public Machine {
  public:
    explicit MemoryMachine(bool distrust) : distrust_(distrust) {}

    const State& view() const override { return engine_->view(); }

    std::vector<Effect> on(const Event& event, Now now, Cut cut) override {
        auto turn = engine_->on(event, now);
        if (cut == Cut::before) {
            return {};
        }
        auto effects = commit(std::move(turn));
        return cut == Cut::after ? std::vector<Effect>{} : effects;
    }

    std::vector<Effect> reload(Rules rules, Now now) override {
        return commit(engine_->reload(std::move(rules), now));
    }

    std::vector<Effect> start(const Rules& rules, Now now) override {
        engine_ = std::make_unique<Engine>(rules);
        if (distrust_) {
            engine_->distrust();
        }
        for (const auto& entry : ledger_) {
            engine_->restore(entry);
        }
        return commit(engine_->resume(Started{"sim", "sim", "boot", 0}, now));
    }

  private:
    bool distrust_;
    std::vector<Effect> commit(Turn turn) {
        for (auto& entry : turn.entries) {
            recorded(entry);
            ledger_.push_back(std::move(entry));
        }
        return std::move(turn.effects);
    }

    std::unique_ptr<Engine> engine_;
    std::vector<Entry> ledger_;
};

}  // namespace

std::unique_ptr<Machine> make_memory_machine(bool distrust) {
    return std::make_unique<MemoryMachine>(distrust);
}

}  // namespace leverd::sim
