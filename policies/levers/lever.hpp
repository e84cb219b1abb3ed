// Why: what every lever kind implements. The engine decides; a lever only plans, fires once, and
// looks.
#pragma once

#include "config/config.hpp"
#include "core/base/result.hpp"
#include "core/model/entry.hpp"
#include "core/model/inventory.hpp"
#include "core/net/http.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace leverd::levers {

struct Context {
    const config::Config* config = nullptr;
    net::HttpTransport* http = nullptr;
    const Clock* clock = nullptr;
    Inventory* inventory = nullptr;
    const std::map<std::string, Secret>* secrets = nullptr;
    const bool* leaving = nullptr;  // true from the moment at which leverd is told to stop
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

    // How long one fire() may take where the configuration does not say.
    virtual Millis patience() const { return config::LeverSettings{}.timeout; }
};

// The time that fire() of this lever gets; its looks get the configured timeout.
Millis call_time(const config::Config& config, const Lever& lever);

// The explicit table: one row per kind (policies/levers/table.cpp).
const std::vector<std::unique_ptr<Lever>>& lever_table();
Lever* find_lever(std::string_view id);
// A built-in lever, or one that this config declares; it lives as long as the handle. nullptr:
// none.
std::shared_ptr<Lever> lever_for(const config::Config& config, std::string_view id);
// Contracts with the config's propagation overrides applied.
std::vector<LeverContract> effective_contracts(const config::Config& config);

}  // namespace leverd::levers
