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

// Every one of `globs` matches only what one of `earlier` matches already.
bool covers(const std::vector<std::string>& earlier, const std::vector<std::string>& globs) {
    return !globs.empty() && std::all_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        const bool exact = glob.find_first_of("*?[") == std::string::npos;
        return std::any_of(earlier.begin(), earlier.end(), [&](const std::string& one) {
            return one == "*" || one == glob || (exact && glob_match(one, glob));
        });
    });
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
        limits();
        undo();
        if (policy_.auto_after && policy_.mode != Mode::automatic) {
            draft_.warn(
                places_.of("auto_after"),
                fmt::format("'auto_after' says nothing in mode '{}'", to_string(policy_.mode)),
                "write mode = \"auto\": it acts as 'approve' until the record suffices");
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
            for (const std::string& rung : choice.then) {
                if (!contains(levers, rung)) {
                    levers.push_back(rung);
                }
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

    void limits() {
        const Limits& l = policy_.limits;
        if (l.cool_down < l.verify_timeout) {
            const std::string text =
                fmt::format("'cool_down' (\"{}\") is shorter than 'verify_timeout' (\"{}\")",
                            format_duration(l.cool_down), format_duration(l.verify_timeout));
            if (policy_.mode == Mode::automatic) {
                draft_.error(places_.of("cool_down"), text,
                             "leverd would fire again before it knows the effect");
            } else {
                draft_.warn(places_.of("cool_down"), text,
                            "the lever could be proposed again before its effect is known");
            }
        }
        if (l.per_hour > l.per_day) {
            draft_.warn(
                places_.of("per_hour"),
                fmt::format("'per_hour' ({}) is above 'per_day' ({})", l.per_hour, l.per_day),
                "the day's budget is the one that counts");
        }
    }

    void undo() {
        const auto& undoable = draft_.vocabulary().undoable_levers;
        if (!policy_.undo_if_worse || policy_.lever.empty() || contains(undoable, policy_.lever)) {
            return;
        }
        draft_.error(places_.of("undo_if_worse"),
                     fmt::format("lever {} has no undo that leverd can run", quote(policy_.lever)),
                     undoable.empty()
                         ? "leave 'undo_if_worse' out: worse calls a person"
                         : fmt::format("levers that have one: {}", fmt::join(undoable, ", ")));
    }

    // A default was nobody's decision; what leverd may do alone somebody has to have decided.
    void caps_are_written() {
        std::vector<std::string_view> missing;
        for (const std::string_view key :
             {"cool_down", "attempts", "blast_percent", "blast_count"}) {
            if (!places_.keys.contains(key)) {
                missing.push_back(key);
            }
        }
        if (!missing.empty()) {
            draft_.error(places_.of("mode"),
                         fmt::format("mode 'auto' without {}", fmt::join(missing, ", ")),
                         "write each: cool_down = \"30m\", attempts = 1, blast_percent = 10, "
                         "blast_count = 1");
        }
    }

    void automatic() {
        caps_are_written();
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
        if (policy_.owner.empty()) {
            draft_.error(places_.of("mode"),
                         fmt::format("mode '{}' needs an 'owner'", to_string(policy_.mode)),
                         "name who answers for what it does: owner = \"ops\"");
        }
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
            if (earlier.id != policy_.id && earlier.symptom == policy_.symptom &&
                earlier.lever == policy_.lever && !policy_.lever.empty() &&
                covers(earlier.subjects, policy_.subjects)) {
                const bool all = contains(earlier.subjects, "*");
                draft_.warn(places_.self,
                            fmt::format("policy {} is never reached", quote(policy_.id)),
                            fmt::format("{} before it is for every subject{}", quote(earlier.id),
                                        all ? "" : " that it names"));
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
