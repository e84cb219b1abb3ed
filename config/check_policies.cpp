// Why: a policy is the one place where a person gives leverd power, so what it says is held against
// the rest: it must be able to apply, and it must not give more than the box can carry safely.
#include "config/sections.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::config {
namespace {

constexpr std::size_t references_least = 2;

// The part after the kind names what is acted on; for a workspace its first piece is the tenant.
bool names_its_target(std::string_view glob) {
    const auto parts = split(glob, '/');
    const bool one_of_a_kind = parts.size() == 1 && glob.find('*') == std::string_view::npos;
    return one_of_a_kind || (parts.size() > 1 && parts[1].find('*') == std::string::npos);
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

class PolicyCheck {
  public:
    PolicyCheck(Draft& draft, std::size_t index)
        : draft_(draft),
          policy_(draft.config.policies.policies[index]),
          places_(draft.policy_places[index]),
          index_(index) {}

    void run() {
        fits_symptom();
        if (policy_.mode == Mode::automatic) {
            automatic();
        }
        if (policy_.mode >= Mode::approve) {
            acting();
        }
        if (policy_.limits.cool_down < policy_.limits.verify_timeout) {
            draft_.warn(
                places_.of("cool_down"),
                fmt::format("'cool_down' (\"{}\") is shorter than 'verify_timeout' (\"{}\")",
                            format_duration(policy_.limits.cool_down),
                            format_duration(policy_.limits.verify_timeout)),
                "the lever could be proposed again before its effect is known");
        }
        shadowed();
    }

  private:
    void fits_symptom() {
        const auto& symptoms = draft_.config.runbook.symptoms;
        const auto symptom = std::find_if(symptoms.begin(), symptoms.end(), [&](const Symptom& s) {
            return s.id == policy_.symptom;
        });
        if (symptom == symptoms.end() || policy_.symptom.empty()) {
            return;
        }
        std::vector<std::string> levers;
        for (const LeverChoice& choice : symptom->levers) {
            if (choice.lever != "none" && !contains(levers, choice.lever)) {
                levers.push_back(choice.lever);
            }
        }
        if (!policy_.lever.empty() && !contains(levers, policy_.lever)) {
            draft_.error(places_.of("lever"),
                         fmt::format("symptom {} has no lever {}", quote(policy_.symptom),
                                     quote(policy_.lever)),
                         levers.empty() ? "" : fmt::format("it has: {}", fmt::join(levers, ", ")));
        }
        for (const std::string& glob : policy_.subjects) {
            const std::string kind = glob.substr(0, glob.find('/'));
            if (glob == "**") {
                draft_.error(places_.of("subjects"), "'**' is no subject", "write \"*\" for all");
            } else if (glob != "*" && kind != symptom->subject_kind) {
                draft_.error(places_.of("subjects"),
                             fmt::format("{} matches no subject of kind {}", quote(glob),
                                         quote(symptom->subject_kind)),
                             fmt::format("symptom {} is about {}", quote(policy_.symptom),
                                         quote(symptom->subject_kind)));
            }
        }
    }

    void automatic() {
        if (policy_.owner.empty()) {
            draft_.warn(places_.of("mode"), "an automatic policy has no 'owner'",
                        "name who answers for it");
        }
        if (!contains(draft_.vocabulary().irreversible_levers, policy_.lever)) {
            return;
        }
        if (!policy_.irreversible_accepted) {
            draft_.error(places_.of("mode"),
                         fmt::format("lever {} cannot be undone: auto needs acceptance",
                                     quote(policy_.lever)),
                         "use approve, or name the subjects and add irreversible = \"accepted\"");
        }
        for (const std::string& glob : policy_.subjects) {
            if (!names_its_target(glob)) {
                draft_.error(
                    places_.of("subjects"),
                    fmt::format("lever {} cannot be undone: auto needs exact subjects",
                                quote(policy_.lever)),
                    fmt::format("not {}; spell the tenant: \"workspace/demo/*\"", quote(glob)));
            }
        }
    }

    void acting() {
        const Observer& o = draft_.config.observer;
        if (o.references.size() < references_least || o.rules.quorum < 1) {
            draft_.error(places_.of("mode"),
                         fmt::format("mode '{}' needs {} [observer] references and a quorum",
                                     to_string(policy_.mode), references_least),
                         "else leverd cannot tell a broken stack from its own broken network");
        }
        const Mode ceiling = draft_.config.daemon.mode_ceiling;
        if (policy_.mode > ceiling) {
            draft_.warn(places_.of("mode"),
                        fmt::format("mode '{}' is above this box's mode_ceiling '{}'",
                                    to_string(policy_.mode), to_string(ceiling)),
                        fmt::format("it acts as '{}'", to_string(ceiling)));
        }
    }

    // The first policy that matches is the one that counts.
    void shadowed() {
        const auto& policies = draft_.config.policies.policies;
        for (std::size_t i = 0; i < index_; ++i) {
            const Policy& earlier = policies[i];
            if (earlier.symptom == policy_.symptom && earlier.lever == policy_.lever &&
                !policy_.lever.empty() && contains(earlier.subjects, "*")) {
                draft_.warn(places_.self,
                            fmt::format("policy {} is never reached", quote(policy_.id)),
                            fmt::format("{} before it is for every subject", quote(earlier.id)));
                return;
            }
        }
    }

    Draft& draft_;
    const Policy& policy_;
    const ItemPlaces& places_;
    std::size_t index_;
};

}  // namespace

void check_policies(Draft& draft) {
    for (std::size_t i = 0; i < draft.config.policies.policies.size(); ++i) {
        PolicyCheck(draft, i).run();
    }
}

}  // namespace leverd::config
