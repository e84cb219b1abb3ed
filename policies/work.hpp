// Why: one turn of the engine in the making. Stages record entries (which changes the state at
// once) and ask for effects; nothing else can leave the engine.
#pragma once

#include "policies/apply.hpp"
#include "policies/engine.hpp"

#include <utility>

namespace leverd {

struct Work {
    const Rules& rules;
    State& state;
    Transient& transient;
    Now now;
    Turn turn;

    void record(EntryBody body) {
        Entry entry{now, std::move(body)};
        apply(rules, state, entry);
        turn.entries.push_back(std::move(entry));
    }
    void ask(Effect effect) { turn.effects.push_back(std::move(effect)); }
};

}  // namespace leverd
