// Why: the engine with a ledger that is a vector: hours of policy in seconds.
#include "tests/sim/machine.hpp"

#include "policies/state/codec.hpp"

#include <fmt/format.h>

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
        if (++starts_ % 4 == 0) {
            const auto size = ledger_.size();
            for (const auto through : {size / 4, size - size / 8, size}) {
                check_snapshot(rules, through);
            }
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

    // A start from a snapshot must know exactly what one from the first entry knows.
    void check_snapshot(const Rules& rules, std::size_t through) {
        Engine before(rules);
        Chronicle told;
        for (std::size_t i = 0; i < through; ++i) {
            before.restore(ledger_[i]);
            told.add(ledger_[i]);
        }
        const auto text = encode_snapshot(before.view(), told);
        State state;
        Chronicle again;
        if (auto read = decode_snapshot(text, state, again); !read) {
            fault("a snapshot cannot be read: " + read.error().what);
            return;
        }
        if (encode_snapshot(state, again) != text) {
            fault("a snapshot does not come back as it was");
        }
        Engine after(rules);
        after.adopt(std::move(state));
        for (std::size_t i = through; i < ledger_.size(); ++i) {
            after.restore(ledger_[i]);
        }
        if (encode_state(after.view()) != encode_state(engine_->view())) {
            fault(fmt::format("the fold from a snapshot through entry {} of {} is another one",
                              through, ledger_.size()));
        }
    }

    std::unique_ptr<Engine> engine_;
    std::vector<Entry> ledger_;
    int starts_ = 0;
};

}  // namespace

std::unique_ptr<Machine> make_memory_machine(bool distrust) {
    return std::make_unique<MemoryMachine>(distrust);
}

}  // namespace leverd::sim
