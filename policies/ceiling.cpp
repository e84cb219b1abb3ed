// Why: how far leverd may go for one decision is the lowest of several words (policy, box, lever,
// record, effect), and each of them can say that it was the one.
#include "policies/autonomy.hpp"
#include "policies/guards.hpp"

#include "core/model/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace leverd {

Ceiling mode_ceiling(const Rules& rules, const State& state, const Policy* policy,
                     const LeverContract* lever, Instant now) {
    if (policy == nullptr || lever == nullptr) {
        return {Mode::observe, {}};
    }
    Ceiling ceiling{policy->mode, {}};
    const auto lower = [&](Mode limit, std::string why) {
        if (limit < ceiling.mode) {
            ceiling = Ceiling{limit, std::move(why)};
        }
    };
    lower(rules.policies.ceiling,
          fmt::format("this box allows {} at most", to_string(rules.policies.ceiling)));
    if (lever->manual) {
        lower(Mode::recommend, "a person does this one");
    }
    const bool everything =
        std::ranges::any_of(policy->subjects, [](const auto& s) { return s == "*" || s == "**"; });
    if (lever->reversibility == Reversibility::irreversible &&
        (!policy->irreversible_accepted || everything)) {
        lower(Mode::approve,
              "it cannot be undone, and the policy does not accept that for these "
              "exact subjects");
    }
    if (const auto standing = standing_of(rules, state, *policy, now); !standing.earned) {
        lower(Mode::approve, standing.why);
    }
    if (const auto helps = effect_of(rules, state, *policy, now); !helps.enough) {
        lower(Mode::recommend, helps.why);
    }
    return ceiling;
}

std::string not_ready(const State& state, bool automatic) {
    if (!state.ledger_writable) {
        return "the ledger cannot be written, so no intent could be recorded before the call";
    }
    if (automatic && state.self_reports.contains({std::string(config_refused), {}})) {
        return "the config on disk was refused and is not the one that runs; automatic levers wait "
               "for a good reload, approvals and firing by hand go on";
    }
    return {};
}

}  // namespace leverd
