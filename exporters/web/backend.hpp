// Why: the only door between the HTTP faces and the daemon: reading the engine's view, and asking
// for the few changes a person may make. The driver implements it; everything runs on the engine's
// executor.
#pragma once

#include "core/base/result.hpp"
#include "core/ledger/ledger.hpp"
#include "policies/engine.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace leverd::exporters {

struct Health {
    bool ok = false;
    std::string why;  // one line; what to do when not ok
};

class Backend {
  public:
    virtual ~Backend() = default;

    virtual const State& state() const = 0;
    virtual const Rules& rules() const = 0;
    virtual Now now() const = 0;
    virtual std::string version() const = 0;
    virtual std::string metrics() = 0;
    virtual Health healthy() const = 0;  // the loop turns
    virtual Health ready()
        const = 0;  // levers could fire: ledger writable, config fresh, first looks done
    virtual boost::asio::awaitable<Result<std::vector<StoredEntry>>> ledger(std::int64_t after,
                                                                            std::size_t limit) = 0;

    // Each completes once the change is durable, or refuses with the reason. `who` is an
    // authenticated identity.
    virtual boost::asio::awaitable<Result<void>> approve(std::string decision, bool approved,
                                                         std::string who, std::string why) = 0;
    virtual boost::asio::awaitable<Result<void>> stop(StopCommand command) = 0;
    // The veto as it is in force now.
    virtual boost::asio::awaitable<Result<Veto>> veto(VetoCommand command) = 0;
    virtual boost::asio::awaitable<Result<void>> lift_veto(LiftVeto command) = 0;
    virtual boost::asio::awaitable<Result<void>> reload() = 0;
    // One look now, outside the schedule; does not feed the engine.
    virtual boost::asio::awaitable<Result<std::vector<Observation>>> look(std::string kind,
                                                                          std::string target) = 0;

    // Somebody called for a heartbeat; false: none has that name.
    virtual bool heartbeat(const std::string& /*name*/) { return false; }

    // Calls `wake` after each turn that changed something, until the returned handle dies.
    virtual std::shared_ptr<void> subscribe(std::function<void()> wake) = 0;
};

}  // namespace leverd::exporters
