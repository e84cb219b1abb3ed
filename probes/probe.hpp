// Why: what every probe kind is made of. A probe looks and says what it saw; it keeps no counters,
// knows no thresholds and decides nothing.
#pragma once

#include "config/config.hpp"
#include "core/model/inventory.hpp"
#include "core/model/observation.hpp"
#include "core/net/dialer.hpp"
#include "core/net/http.hpp"
#include "core/stack/forge.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace leverd::probes {

class Heartbeats;

// What all looks share, on the scheduler's executor only. A copy owns the snapshot that it was made
// from: a reload in the middle of a look takes nothing away. `http` and `dialer` belong to that
// same snapshot; the rest outlives the scheduler.
struct Context {
    std::shared_ptr<const config::Config> config;
    net::HttpTransport* http = nullptr;
    const Clock* clock = nullptr;
    Inventory* inventory = nullptr;
    std::shared_ptr<const std::map<std::string, Secret>> secrets;
    net::Dialer* dialer = nullptr;
    Heartbeats* heartbeats = nullptr;
    // Copies share it: what the forge said stays known over a reload.
    std::shared_ptr<stack::ForgeMemory> forge_memory = std::make_shared<stack::ForgeMemory>();
    // Repository -> the registry refused the last look at it (401, 403, 404).
    std::shared_ptr<std::map<std::string, bool>> registry_refusals =
        std::make_shared<std::map<std::string, bool>>();
};

// One thing that one probe looks at: "tenant_health" at target "acme"; target "" where there is
// only one.
struct Task {
    std::string kind;  // what the probe is called: the kind, or the name of a general probe
    std::string target;
    config::ProbeSettings settings;

    friend bool operator<(const Task& a, const Task& b) {
        return std::tie(a.kind, a.target) < std::tie(b.kind, b.target);
    }
};

// Never throws, always ends by the deadline, always returns at least one observation unless there
// is nothing to look at.
using LookFunction = boost::asio::awaitable<std::vector<Observation>> (*)(Context& context,
                                                                          Task task,
                                                                          net::Deadline deadline);
// The targets that exist now, from config and inventory.
using TargetsFunction = std::vector<std::string> (*)(const Context& context);

// How many requests of a tenant's share one look will spend (tenants.requests_per_minute).
using CostFunction = int (*)(const Context& context, const std::string& target);

struct ProbeKind {
    std::string_view name;
    LookFunction look;
    TargetsFunction targets;
    std::string_view subject_kind;  // of the look as a whole: "tenant" + "/" + target
    CostFunction cost = nullptr;    // null: spends nothing of a tenant's share
    bool discovers = false;         // a look may change what targets() answers
};

// The explicit table: one row per kind (probes/table.cpp).
const std::vector<ProbeKind>& probe_kinds();
const ProbeKind* find_probe_kind(std::string_view name);
// What a look of this kind at this target speaks about when it cannot say more.
Subject subject_of(const ProbeKind& kind, const std::string& target);

// Turns a failed fetch into an observation: phase reasons as they are, local origin as unknown.
Observation from_failure(const net::HttpFailure& failure, Subject subject, std::string probe);
// Judges a status that is not the expected one: 401, 403, 429 unknown; 5xx failing; guard 404
// unknown (wire-contracts 2.1).
Observation from_status(const net::HttpResponse& response, Subject subject, std::string probe);

}  // namespace leverd::probes
