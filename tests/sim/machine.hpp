// Why: the same world runs against the engine alone and against the real driver with a real
// ledger. A machine takes events, makes them durable, and may die at any of its steps.
#pragma once

#include "policies/engine.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace leverd::sim {

// When the process dies during this event: before its transaction, or after it and before its
// effects.
enum class Cut { no, before, after };

class Machine {
  public:
    virtual ~Machine() = default;
    virtual const State& view() const = 0;
    // The event's turn: what became durable goes to `recorded`, what must be done is returned. A
    // machine that died returns nothing and must be started again.
    virtual std::vector<Effect> on(const Event& event, Now now, Cut cut) = 0;
    virtual std::vector<Effect> reload(Rules rules, Now now) = 0;
    // A new process on what is durable.
    virtual std::vector<Effect> start(const Rules& rules, Now now) = 0;

    std::function<void(const Entry&)> recorded;
    std::function<void(const std::string&)> fault;  // what must not be, found by the machine itself
};

// `distrust`: an engine that makes its index anew and looks at everything in every turn.
std::unique_ptr<Machine> make_memory_machine(bool distrust = false);

}  // namespace leverd::sim
