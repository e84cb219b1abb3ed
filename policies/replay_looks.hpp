// Why: a look that the engine asked for and that saw nothing new is in no ledger, so a replay makes
// it up; only where it changes no count, so that nothing is counted twice.
#pragma once

#include "policies/engine.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leverd {

class AskedLooks {
  public:
    // The engine that lived raised a row or fired at this moment, so what it asked for before it
    // had been answered by then. In the order of time.
    void note_acted(Instant at) { acted_.push_back(at); }

    void ask(const State& state, const LookAgain& wanted, Instant now);
    // Each sees what its subject's newest look says by now.
    std::vector<Observation> take_due(const State& state, Now now);

    // When the next one is due; max: none is awaited.
    Instant next() const;
    // The process that asked is gone.
    void forget();

  private:
    struct Asked {
        Instant at;
        LookAgain look;
    };

    std::vector<Asked> waiting_;
    std::set<std::pair<Subject, std::string>> asked_;
    std::map<std::pair<Subject, std::string>, Instant> answered_;
    std::vector<Instant> acted_;
};

}  // namespace leverd
