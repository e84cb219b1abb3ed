// Why: the only door between the HTTP faces and the daemon: reading the engine's view, and asking
// for the few changes a person may make. The driver implements it; everything runs on the engine's
// executor.
#pragma once

#include "config/config.hpp"
#include "core/base/result.hpp"
#include "core/ledger/ledger.hpp"
#include "core/model/delivery.hpp"
#include "core/model/results.hpp"
#include "core/stack/webhook.hpp"
#include "policies/engine.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace leverd::exporters {

struct Health {
    bool ok = false;
    std::string why;     // one line; what to do when not ok
    std::string next{};  // that step alone, where there is one
};

// A lever that a person wants fired, or only planned and judged.
struct FireWanted {
    std::string lever;
    Subject subject;
    std::string from;  // the intent whose loss is to be made good; empty: the lever as such
    std::string who;
    std::string why;
    bool dry_run = false;
};
struct FireAnswer {
    PlanMade plan;
    Decision decision;   // with every guard; without an id in a dry run
    std::string intent;  // empty: nothing was fired
};

// What became of a reload.
struct Reloaded {
    bool ok = false;
    std::vector<std::string> problems;        // diagnostics with place and caret, worst first
    std::vector<std::string> changed;         // keys that stand differently than before
    std::vector<std::string> restart_needed;  // keys that the running process cannot take up
    std::vector<std::string> notes;           // what a reload never sees
    std::vector<std::string> warnings;        // what is legal and looks wrong, of good files too
};

class Backend {
  public:
    virtual ~Backend() = default;

    virtual const State& state() const = 0;
    virtual const Rules& rules() const = 0;
    virtual Now now() const = 0;
    virtual std::string version() const = 0;
    // Takes what a scrape shows; what it returns writes the page, on any thread.
    virtual std::function<std::string()> metrics() = 0;
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
    // The ledger as it is becomes the history to go on with.
    virtual boost::asio::awaitable<Result<void>> accept_history(HistoryAccepted accepted) {
        (void)accepted;
        co_return Result<void>{};
    }
    // Number and hash of the newest entry.
    virtual LedgerReport ledger_end() const { return {}; }
    // The stop file that is there, or may be; empty: it is not.
    virtual std::string stop_file_set() const { return {}; }
    // What the config on disk says and the running process cannot take up.
    virtual std::vector<std::string> restart_needed() const { return {}; }
    // Takes up the files on disk, or keeps what runs and says why.
    virtual boost::asio::awaitable<Reloaded> reload() = 0;
    // Makes the plan, asks every guard and, unless it is a dry run, fires when all of them pass.
    // Answers once the intent is durable, not when the call has ended.
    virtual boost::asio::awaitable<Result<FireAnswer>> fire(FireWanted wanted) = 0;
    // A person saw to what this case lost; the case may end then.
    virtual boost::asio::awaitable<Result<void>> acknowledge(Acknowledge /*given*/) {
        co_return Error{"this cannot be acknowledged here", ""};
    }
    // A test page through one sink; what its receiver answered.
    virtual boost::asio::awaitable<Result<std::string>> test_page(std::string /*sink*/,
                                                                  std::string /*who*/) {
        co_return Error{"no sink is declared here", ""};
    }
    // Which pages have not reached their sinks.
    virtual std::vector<SinkReport> page_delivery() const { return {}; }
    // One look now, outside the schedule; does not feed the engine.
    virtual boost::asio::awaitable<Result<Looked>> look(std::string kind, std::string target) = 0;

    // Somebody called for a heartbeat; false: none has that name.
    virtual bool heartbeat(const std::string& /*name*/) { return false; }
    // The probes that run, and their last looks, newest first; an empty subject means all.
    virtual std::vector<config::ProbeSettings> probe_settings() const { return {}; }
    virtual std::vector<Results::Result> results(const std::string&, const Subject&,
                                                 std::size_t /*limit*/) const {
        return {};
    }

    // Webhooks. The secret of an inlet, nullptr while it is off; a genuine event, false when it was
    // seen before; and one that was turned away, for a reason from a closed list.
    virtual const Secret* event_secret(stack::EventSource) { return nullptr; }
    virtual bool take_event(stack::EventSource, const stack::Event&) { return false; }
    virtual void refuse_event(stack::EventSource, std::string_view /*reason*/) {}

    // Somebody at `peer` was not let in, for a reason from a closed list.
    virtual void access_denied(const std::string& /*peer*/, std::string_view /*reason*/) {}

    // Calls `wake` after each turn that changed something, until the returned handle dies.
    virtual std::shared_ptr<void> subscribe(std::function<void()> wake) = 0;
};

}  // namespace leverd::exporters
