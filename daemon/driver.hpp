// Why: the only caller of the engine. Takes events off one bounded queue, lets the engine turn,
// makes the turn durable, and only then performs its effects. What must hold levers at once goes
// before all looks that wait. Thread rule: one executor, that of `run()`.
#pragma once

#include "core/ledger/ledger.hpp"
#include "policies/engine.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace leverd {

struct DriverHooks {
    // What to tell the engine before its clock moves: when the process was held up, that it was.
    // Asked before every turn; may be empty.
    std::function<std::optional<Observation>()> overdue;
    std::function<void(const Effect&)> perform;      // after the turn is durable
    std::function<void(const Entry&)> recorded;      // each durable entry
    std::function<void(const LedgerReport&)> wrote;  // where the ledger stands then; may be empty
    std::function<void(std::chrono::duration<double>)> committed;
    std::function<void()> turned;  // after every batch
};

// What became of an event that somebody waits for.
struct Submitted {
    bool durable = false;
    std::vector<Entry> entries;  // of this event's own turn, in order
};

class Driver {
  public:
    Driver(boost::asio::any_io_executor executor, const Clock& clock, Engine& engine,
           Ledger& ledger, DriverHooks hooks);

    // Never blocks. Above `queue_limit` one look is lost and counted for each that comes: the one
    // that waits for the same subject and probe gives way to the newer, or, when none waits, the
    // newer itself is dropped. Other events are never dropped.
    void post(Event event);
    // Handled before it returns.
    boost::asio::awaitable<Submitted> submit(Event event);
    // A turn that the engine made outside on(): resume and reload.
    void adopt(Turn turn);

    // Until stop(). Turns at the engine's own wake times too. Throws what the engine threw: what it
    // holds is then not to be trusted any more.
    boost::asio::awaitable<void> run();
    // What was done is still told to the engine; looks that wait are not.
    void stop();

    // Before the first one: when this was made, so that one that never comes is missed, too.
    Now last_turn() const { return last_turn_; }
    std::size_t queue_depth() const { return urgent_.size() + queue_.size(); }
    std::uint64_t dropped() const { return dropped_; }
    bool unwritten() const { return !unwritten_.empty(); }
    // The newest commit failed, whether or not the engine has heard of it yet.
    bool ledger_failing() const { return ledger_failing_; }

    static constexpr std::size_t queue_limit = 20'000;
    static constexpr std::size_t batch_limit = 256;
    // After this long the rest of a batch waits, so that signals and doors get their turn.
    static constexpr Millis batch_time{50};
    static constexpr std::size_t unwritten_limit = 20'000;

  private:
    struct Waiting {
        Event event;
        std::shared_ptr<Submitted> told;  // null: nobody waits
        std::function<void()> done;
    };

    boost::asio::awaitable<void> turn_batch();
    boost::asio::awaitable<bool> commit(std::vector<Entry> entries);
    void perform_all(const std::vector<Effect>& effects, bool durable);
    void keep_unwritten(std::vector<Entry> entries);
    void enqueue(Waiting waiting);
    Waiting next_waiting();
    bool idle() const { return urgent_.empty() && queue_.empty() && adopted_.empty(); }
    void wake();

    boost::asio::any_io_executor executor_;
    const Clock& clock_;
    Engine& engine_;
    Ledger& ledger_;
    DriverHooks hooks_;
    boost::asio::steady_timer timer_;
    std::deque<Waiting> urgent_;
    std::deque<Waiting> queue_;
    std::vector<Turn> adopted_;
    std::vector<Entry> unwritten_;  // made while the ledger could not be written, in order
    Now last_turn_;
    std::uint64_t dropped_ = 0;
    bool witnessed_ = true;  // the newest commit is known outside the ledger's file, too
    bool stopping_ = false;
    bool ledger_failing_ = false;
};

}  // namespace leverd
