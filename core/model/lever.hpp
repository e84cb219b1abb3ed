// Why: what a lever promises (its contract, enforced by the engine) and the plain values that
// travel through its life: plan -> intent -> outcome -> verdict.
#pragma once

#include "core/base/time.hpp"
#include "core/model/subject.hpp"

#include <map>
#include <string>
#include <vector>

namespace leverd {

enum class Reversibility { reversible, restores_old_state, irreversible };

// A key of Outcome::results: what the lever destroyed and nothing replaced.
inline constexpr const char* lost_result = "lost";

// accepted - the target said yes; not success (invariant 10)
// refused  - nothing was sent: a precondition did not hold at fire time
// failed   - the target said no, for certain without effect, except for what `lost_result` names
// unknown  - sent, and nobody knows: never repeated, settled by looking
enum class OutcomeKind { accepted, refused, failed, unknown };

enum class Took { yes, no, unclear };  // what looking at the target after an ambiguous end told

enum class VerdictKind { recovered, not_recovered, worse, inconclusive };

// One requirement for the verdict "recovered"; every look must have ended after the propagation
// delay.
struct ProofStep {
    enum class Who {
        target,       // the incident's subject, or what replaced it
        fresh_child,  // any subject below the target that was first seen after the lever fired
        lever,        // the lever's own look (Lever::prove)
        cleared,      // no look: the incident's own symptom has been cleared since
    };
    Who who = Who::target;
    std::string probe;       // empty for Who::lever
    int looks = 2;           // fresh healthy looks in a row
    std::string needs_fact;  // counts only looks whose fact of this name is at least 1; empty: none
    Millis spread{0};        // between the first and the last of them
    std::string reset_fact;  // a counter that must have started anew since the lever fired; empty:
                             // none. When no value from before is known the step passes without it
                             // and the verdict says so.
};

struct LeverContract {
    std::string id;      // "tenant-redeploy"
    std::string letter;  // "C"
    std::string title;
    Reversibility reversibility = Reversibility::restores_old_state;
    std::string inverse;       // in words
    std::string resource;      // what it moves, in words; the plan names the very one
    std::string precondition;  // what must hold, read at plan time and again at fire time
    bool moves_image = false;  // held by a freeze unless `restores_receipt`
    bool restores_receipt = false;
    bool manual = false;         // leverd prints the steps, a person does them
    bool can_undo = false;       // Lever::plan_undo makes a plan that puts the old state back
    bool disruptive = true;      // held while the subject is flapping
    Millis propagation{0};       // before the first look counts
    Millis prove_every{10'000};  // pace of the lever's own looks while verifying
    std::vector<ProofStep> proof;
    std::string known_false_success;  // wire-contracts 11
};

// One exact remote call of a plan, secrets masked.
struct Call {
    std::string method;
    std::string url;
    std::string body;
    std::string why;

    friend bool operator==(const Call&, const Call&) = default;
};

// What would be done now: the dry run, what an approver sees, and what fire() follows to the
// letter.
struct Plan {
    std::string lever;
    Subject subject;
    std::string
        resource;  // what it moves; two plans with one resource are never in flight together
    std::string target_version;  // the state this plan was made for; fire() refuses when it changed
    std::map<std::string, std::string> params;  // slug, org id, digest ...; no secrets
    std::map<std::string, std::string>
        moves;  // subject text -> version that leverd makes it have (drift we caused)
    std::vector<Call> calls;
    std::vector<std::string> steps;  // manual steps for a person
    std::vector<std::string> warnings;

    friend bool operator==(const Plan&, const Plan&) = default;
};

}  // namespace leverd
