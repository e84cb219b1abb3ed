// Why: see looks.hpp.
#include "policies/looks.hpp"

#include <algorithm>

namespace leverd {
namespace {

constexpr std::size_t shapes_kept = 256;  // beyond it those that nobody uses go

bool fits(const LookShape& shape, const Facts& facts) {
    return std::ranges::equal(shape.facts, facts, {}, {}, &Facts::value_type::first);
}

}  // namespace

std::shared_ptr<const LookShape> LookShapes::of(const Observation& look) {
    auto wanted = std::make_shared<LookShape>();
    wanted->probe = look.probe;
    wanted->facts.reserve(look.facts.size());
    for (const auto& [name, value] : look.facts) {
        wanted->facts.push_back(name);
    }
    if (known_.size() >= shapes_kept) {
        std::erase_if(known_, [](const auto& shape) { return shape.use_count() == 1; });
    }
    return *known_.insert(std::move(wanted)).first;
}

std::optional<double> LookState::fact(std::string_view name) const {
    const auto at = std::ranges::lower_bound(shape->facts, name);
    if (at == shape->facts.end() || *at != name) {
        return std::nullopt;
    }
    return values[static_cast<std::size_t>(at - shape->facts.begin())];
}

Observation as_observation(const Subject& subject, const LookState& look) {
    Observation out;
    out.subject = subject;
    out.probe = look.probe();
    out.health = look.health;
    out.reason = look.reason;
    out.origin = look.origin;
    out.evidence = look.evidence;
    out.version = look.version;
    for (std::size_t i = 0; i < look.values.size(); ++i) {
        out.facts.emplace(look.shape->facts[i], look.values[i]);
    }
    out.seen = look.seen;
    out.took = look.took;
    out.phases = look.phases;
    return out;
}

const LookState* Looks::find(std::string_view probe) const {
    const auto at = std::ranges::lower_bound(looks_, probe, {}, &LookState::probe);
    return at == looks_.end() || at->probe() != probe ? nullptr : &*at;
}

bool Looks::keep(LookShapes& shapes, const Observation& look) {
    auto at = std::ranges::lower_bound(looks_, look.probe, {}, &LookState::probe);
    const bool fresh = at == looks_.end() || at->probe() != look.probe;
    if (fresh) {
        looks_.reserve(looks_.size() + 1);
        at = looks_.insert(std::ranges::lower_bound(looks_, look.probe, {}, &LookState::probe),
                           LookState{});
        at->shape = shapes.of(look);
    } else if (!fits(*at->shape, look.facts)) {
        at->shape = shapes.of(look);
    }
    const bool same = !fresh && at->health == look.health && at->reason == look.reason;
    at->repeats = same ? at->repeats + 1 : 1;
    at->health = look.health;
    at->reason = look.reason;
    at->origin = look.origin;
    at->evidence = look.evidence;
    at->version = look.version;
    if (at->values.size() != look.facts.size()) {
        at->values = std::vector<double>(look.facts.size());
    }
    std::ranges::transform(look.facts, at->values.begin(), &Facts::value_type::second);
    at->seen = look.seen;
    at->took = look.took;
    at->phases = look.phases;
    return !same;
}

void Looks::restore(LookShapes& shapes, const Observation& look, std::int64_t repeats) {
    keep(shapes, look);
    std::ranges::lower_bound(looks_, look.probe, {}, &LookState::probe)->repeats = repeats;
}

void Looks::erase(std::string_view probe) {
    const auto at = std::ranges::lower_bound(looks_, probe, {}, &LookState::probe);
    if (at != looks_.end() && at->probe() == probe) {
        looks_.erase(at);
    }
}

}  // namespace leverd
