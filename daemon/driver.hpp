// Why: the only caller of the engine. Takes events off one bounded queue, lets the engine turn,
// makes the turn durable, and only then performs its effects. Thread rule: one executor, that of
// `run()`.
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

class Driver {
  public:
    Driver(boost::asio::any_io_executor executor, const Clock& clock, Engine& engine,
           Ledger& ledger, DriverHooks hooks);

    // Never blocks. Above `queue_limit` a newer look replaces the waiting one of the same subject
    // and probe; when there is none it is dropped and counted. Other events are never dropped.
    void post(Event event);
    // Handled before it returns; false when the turn could not be made durable.
    boost::asio::awaitable<bool> submit(Event event);
    // A turn that the engine made outside on(): resume and reload.
    void adopt(Turn turn);

    // Until stop(). Turns at the engine's own wake times too.
    boost::asio::awaitable<void> run();
    void stop();

    Now last_turn() const { return last_turn_; }
    std::size_t queue_depth() const { return queue_.size(); }
    std::uint64_t dropped() const { return dropped_; }
    bool unwritten() const { return !unwritten_.empty(); }

    static constexpr std::size_t queue_limit = 20'000;
    static constexpr std::size_t batch_limit = 256;
    static constexpr std::size_t unwritten_limit = 20'000;

  private:
    struct Waiting {
        Event event;
        std::function<void(bool)> done;  // may be empty
    };

    boost::asio::awaitable<void> turn_batch();
    boost::asio::awaitable<bool> commit(std::vector<Entry> entries);
    void perform_all(const std::vector<Effect>& effects, bool durable);
    void keep_unwritten(std::vector<Entry> entries);
    void wake();

    boost::asio::any_io_executor executor_;
    const Clock& clock_;
    Engine& engine_;
    Ledger& ledger_;
    DriverHooks hooks_;
    boost::asio::steady_timer timer_;
    std::deque<Waiting> queue_;
    std::vector<Turn> adopted_;
    std::vector<Entry> unwritten_;  // made while the ledger could not be written, in order
    Now last_turn_{};
    std::uint64_t dropped_ = 0;
    bool witnessed_ = true;  // the newest commit is known outside the ledger's file, too
    bool stopping_ = false;
};

}  // namespace leverd
