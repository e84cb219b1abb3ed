// Why: decides when each probe looks at each target, and nothing else. One coroutine owns the
// order; looks are tasks of a group. A slow target delays nobody, a target is never looked at twice
// at once, and a burst of wishes for a look becomes one look.
#pragma once

#include "core/base/result.hpp"
#include "core/net/task_group.hpp"
#include "core/net/trace.hpp"
#include "core/stack/tenant.hpp"
#include "probes/flight.hpp"
#include "probes/probe.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leverd::probes {

struct SchedulerHooks {
    std::function<void(Observation)> on_observation;
    // How long after its due time a look began: our own lateness, not the target's answer.
    std::function<void(Millis)> on_lateness;
    // Just before on_observation: the same for people, with the look's last request (null: it made
    // none).
    std::function<void(const Observation&, std::shared_ptr<const Exchange>)> on_result{};
};

struct SchedulerCounters {
    std::uint64_t looks = 0;            // begun
    std::uint64_t skipped_overlap = 0;  // intervals that passed while the look before still ran
    std::uint64_t skipped_budget = 0;   // a tenant's request share was used up
    std::uint64_t abandoned = 0;        // looks that did not end by their deadline
    std::uint64_t hinted = 0;           // looks that an event pulled forward
    std::size_t in_flight = 0;
    std::size_t tasks = 0;
};

class Scheduler {
  public:
    // All on one executor. `context` and `group` outlive the scheduler; the scheduler outlives the
    // group's tasks: cancel and join the group first. `kinds` is probe_kinds() but for tests.
    Scheduler(boost::asio::any_io_executor executor, Context& context, net::TaskGroup& group,
              SchedulerHooks hooks, const std::vector<ProbeKind>& kinds = probe_kinds());
    ~Scheduler();

    // Ends when it is cancelled. Spawn it in the group.
    boost::asio::awaitable<void> run();

    // Takes up changed settings and targets: after a reload, or when the inventory changed from
    // outside. Looks of kinds that discover do this by themselves.
    void refresh();

    // Pulls the next look to at most `retry` from now; several wishes are one look. False: no such
    // task. The second form finds the task that speaks about the subject.
    bool look_soon(const std::string& kind, const std::string& target);
    bool look_soon(const Subject& subject, const std::string& probe);

    // An event says that there may be news: looks now, though at most once per `retry` because of
    // events, never twice at a time, and within the tenant's share. "*": every target of the kind.
    // How many tasks that meant; 0: none is watched.
    std::size_t hint(const std::string& kind, const std::string& target);

    // One look on demand, outside the schedule; what it saw and did goes to the caller only.
    boost::asio::awaitable<Result<Looked>> look_now(std::string kind, std::string target);

    SchedulerCounters counters() const;
    // How long nothing has begun or ended although something was due; zero while all is well.
    Millis stalled_for() const;

  private:
    using Key = std::pair<std::string, std::string>;  // kind, target
    struct Entry {
        Task task;
        const ProbeKind* kind = nullptr;
        net::Deadline due{};
        bool running = false;
        bool soon = false;         // somebody wished for a look while one was running
        bool hinted = false;       // the same, because of an event
        net::Deadline woken_at{};  // when an event last began a look
        bool gone = false;         // the target went away while a look was running
        bool slow = false;         // the last look took more than half of its timeout
        net::Deadline began{};
        // Something may have been said about the target itself that its looks, which speak of what
        // it holds, never take back; at first by an earlier process.
        bool owes = true;
        Instant paced{};  // until when the tenant's rate limit was last said to hold the looks
    };

    const ProbeKind* kind_of(const config::ProbeSettings& settings) const;
    void add(const ProbeKind& kind, const Task& task);
    void update(Entry& entry, const config::ProbeSettings& settings);
    void drop_all_but(const std::set<Key>& wanted);
    void queue(Entry& entry, net::Deadline due);
    void take_hint(Entry& entry);
    void start_due();
    bool lane_is_full() const;
    // Begins the look, or puts it off when the tenant's share of requests is used up.
    void start(Entry& entry, net::Deadline now);
    bool within_budget(const Entry& entry);
    // A tenant whose rate limit is nearly used up, or who said 429, is left alone for so long;
    // zero: it is not. Says so once, as an unknown look.
    Millis pause(Entry& entry);
    void rebuild_budget();
    boost::asio::awaitable<void> look(Key key, Task task, const ProbeKind* kind);
    boost::asio::awaitable<void> follow(Key key, Task task, const ProbeKind* kind,
                                        std::shared_ptr<Flight> flight, net::Deadline latest);
    void take_back(Entry& entry, std::vector<Observation>& observations);
    void publish(const Key& key, std::vector<Observation> observations, const net::Trace& trace);
    void finish(const Key& key);
    void wake();

    boost::asio::any_io_executor executor_;
    Context& context_;
    net::TaskGroup& group_;
    SchedulerHooks hooks_;
    const std::vector<ProbeKind>& kinds_;
    boost::asio::steady_timer timer_;
    bool woken_ = false;
    std::map<Key, Entry> entries_;
    std::set<std::pair<net::Deadline, Key>> queue_;  // by due time: the first is next
    // Due looks at slow targets that wait for their lane: targets that hang may hold half of all
    // looks at once, the other half is for those that answer.
    std::set<std::pair<net::Deadline, Key>> waiting_slow_;
    std::size_t slow_in_flight_ = 0;
    std::unique_ptr<stack::RequestBudget> budget_;  // one bucket per tenant and kind
    int budget_share_ = 0;
    net::Deadline newest_sign_{};  // when a look last began, was put off or ended
    int spenders_ = 1;             // kinds among which a tenant's share is divided
    SchedulerCounters counters_;
};

}  // namespace leverd::probes
