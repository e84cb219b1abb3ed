// Why: an observation is the only thing a probe can say: what one look saw. A probe cannot fail;
// not being able to look is an observation too.
#pragma once

#include "core/base/time.hpp"
#include "core/model/reason.hpp"
#include "core/model/subject.hpp"

#include <map>
#include <string>

namespace leverd {

// failing = the target does not do its job. unknown = we cannot judge: it is neither failing nor
// recovered, and never consent to act (invariant 4).
enum class Health { healthy, degraded, failing, unknown };

// local: the fault is on our side (late loop, no descriptors, resolver down), so it says nothing
// about the target.
enum class Origin { target, local };

// Time spent in each phase of one look, zero where the phase did not happen (a kept-alive
// connection has no dns).
struct Phases {
    Millis dns{0};
    Millis connect{0};
    Millis tls{0};
    Millis header{0};
    Millis body{0};

    friend bool operator==(const Phases&, const Phases&) = default;
};

using Attributes =
    std::map<std::string, std::string>;       // what the subject is: runtime, tenant, name
using Facts = std::map<std::string, double>;  // what was measured: requests, failed, spread_seconds

struct Observation {
    Subject subject;
    std::string probe;  // the probe kind, e.g. "tenant_health"
    Health health = Health::unknown;
    Reason reason = Reason::ok;
    Origin origin = Origin::target;
    std::string evidence;  // at most 1 KiB, sanitized, no secrets
    std::string version;   // the target's version where it has one (an image digest), else empty
    Attributes attributes;
    Facts facts;
    Now seen;  // when the look ended
    Millis took{0};
    Phases phases;

    friend bool operator==(const Observation&, const Observation&) = default;
};

constexpr std::size_t evidence_bytes_max = 1024;

}  // namespace leverd
