// Why: the newest look of each probe at one subject, kept small. Looks of one probe carry the same
// fact names at thousands of subjects, so the names are kept once and each subject keeps values.
#pragma once

#include "core/model/observation.hpp"

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace leverd {

// What all looks of one probe have in common that saw the same facts.
struct LookShape {
    std::string probe;
    std::vector<std::string> facts;  // sorted

    friend auto operator<=>(const LookShape&, const LookShape&) = default;
};

// The shapes in use. Shared and immutable, so that a copy of the state needs no care.
class LookShapes {
  public:
    std::shared_ptr<const LookShape> of(const Observation& look);

  private:
    struct ByValue {
        bool operator()(const auto& a, const auto& b) const { return *a < *b; }
    };
    std::set<std::shared_ptr<const LookShape>, ByValue> known_;
};

// An observation without what its subject keeps for all of its looks: name and attributes.
struct LookState {
    std::shared_ptr<const LookShape> shape;
    std::vector<double> values;  // one per name in `shape->facts`
    Health health = Health::unknown;
    Reason reason = Reason::ok;
    Origin origin = Origin::target;
    std::string evidence;
    std::string version;
    Now seen;
    Millis took{0};
    Phases phases;
    std::int64_t repeats = 0;  // looks in a row that said the same

    const std::string& probe() const { return shape->probe; }
    std::optional<double> fact(std::string_view name) const;
};

// The look as the probe made it, except for the attributes.
Observation as_observation(const Subject& subject, const LookState& look);

class Looks {
  public:
    auto begin() const { return looks_.begin(); }
    auto end() const { return looks_.end(); }
    bool empty() const { return looks_.empty(); }

    const LookState* find(std::string_view probe) const;
    // The look takes the place of the last one of its probe. True when it says something else.
    bool keep(LookShapes& shapes, const Observation& look);
    void erase(std::string_view probe);
    // A look as it was kept, with how often it was repeated.
    void restore(LookShapes& shapes, const Observation& look, std::int64_t repeats);

  private:
    std::vector<LookState> looks_;  // by probe
};

}  // namespace leverd
