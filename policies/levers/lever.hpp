// Why: what every lever kind implements. The engine decides; a lever only plans, fires once, and
// looks.
#pragma once

#include "config/config.hpp"
#include "core/base/result.hpp"
#include "core/base/secret_safe.hpp"
#include "core/model/entry.hpp"
#include "core/model/inventory.hpp"
#include "core/net/http.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace leverd::levers {

// What a lever reads. A copy owns the snapshot that it was made from: a reload in the middle of a
// call takes nothing away. `http` belongs to that same snapshot; clock and inventory outlive all
// calls.
struct Context {
    std::shared_ptr<const config::Config> config;
    net::HttpTransport* http = nullptr;
    const Clock* clock = nullptr;
    Inventory* inventory = nullptr;
    std::shared_ptr<const std::map<std::string, Secret>> secrets;
    const bool* leaving = nullptr;     // true from the moment at which leverd is told to stop
    std::shared_ptr<SecretSafe> safe;  // null: no sealing key, so nothing secret is ever stored
};

class Lever {
  public:
    virtual ~Lever() = default;
    virtual const LeverContract& contract() const = 0;
    // The contract that holds under this configuration: without its credential a lever may be a
    // person's.
    virtual const LeverContract& contract_for(const config::Config& config) const;

    // Read-only. Everything that has to be known before firing: exact target confirmed, digests,
    // captured spec. An Error means the precondition does not hold or cannot be read; the lever
    // then does not fire.
    virtual boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                                      net::Deadline deadline) = 0;

    // At most one effect per call of fire; called at most once per intent, after the intent is
    // durable. Re-reads the precondition first and answers `refused` when plan.target_version no
    // longer holds. Never retries a mutating request.
    virtual boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                                 net::Deadline deadline) = 0;

    // Read-only. Did an ambiguous call take effect? `fired` is when the intent was committed.
    virtual boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                                    Now fired, net::Deadline deadline) = 0;

    // Read-only look for the verdict (ProofStep::Who::lever), probe name "lever:<id>". nullopt:
    // this lever has none.
    virtual boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                                     Outcome outcome,
                                                                     net::Deadline deadline) = 0;

    // Read-only. The plan that takes back what `done` did, for contract().can_undo; it is fired,
    // observed and proven by this same lever. An Error when the target is no longer what `done`
    // made of it, and by default: there is no inverse.
    virtual boost::asio::awaitable<Result<Plan>> plan_undo(Context& context, Intent done,
                                                           net::Deadline deadline);

    // Read-only. The plan that makes anew what `done` destroyed and nothing replaced; it is fired,
    // observed and proven by this same lever, when a person asks for it. No inverse: what `done`
    // lost stays lost. An Error where nothing is gone, and by default: this lever destroys nothing.
    virtual boost::asio::awaitable<Result<Plan>> plan_recreation(Context& context, Intent done,
                                                                 net::Deadline deadline);

    // How long one fire() may take where the configuration does not say.
    virtual Millis patience() const { return config::LeverSettings{}.timeout; }
};

// The time that fire() of this lever gets; its looks get the configured timeout.
Millis call_time(const config::Config& config, const Lever& lever);

// The levers of one process with what each of them remembers per intent. The App owns one; a second
// one knows nothing of the first, which is how it is after a restart. One row per kind, in
// policies/levers/table.cpp.
class LeverTable {
  public:
    LeverTable();

    // The built-in ones: the runbook's in its order, then the gentler ones.
    const std::vector<std::shared_ptr<Lever>>& all() const { return levers_; }
    // A built-in lever; nullptr: none.
    std::shared_ptr<Lever> find(std::string_view id) const;
    // A built-in lever, or one that this config declares; nullptr: none.
    std::shared_ptr<Lever> find(const config::Config& config, std::string_view id) const;

  private:
    std::vector<std::shared_ptr<Lever>> levers_;
};

// Contracts with the config's propagation overrides applied.
std::vector<LeverContract> effective_contracts(const config::Config& config);

}  // namespace leverd::levers
