// Why: what Grafana and the pager see. Counters are fed by ledger entries, restored ones included,
// so that the metric and the ledger cannot disagree (invariant 12). Labels are bounded by the
// configuration.
#pragma once

#include "core/model/delivery.hpp"
#include "core/model/entry.hpp"
#include "core/model/observation.hpp"
#include "policies/engine.hpp"
#include "policies/state/chronicle.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leverd::exporters {

// Events from outside since the start, by source (and reason).
struct EventFigures {
    std::map<std::string, std::uint64_t> taken;
    std::map<std::string, std::uint64_t> duplicates;
    std::map<std::pair<std::string, std::string>, std::uint64_t> rejected;
    std::map<std::string, std::uint64_t> dropped;  // hints that the full queue did not take
    std::uint64_t looks = 0;                       // pulled forward by events
    std::size_t streams_wanted = 0;                // one per watched tenant; 0: off
    std::size_t streams_open = 0;
    std::uint64_t stream_reconnects = 0;
    std::uint64_t stream_messages = 0;
};

// What the doors saw since the start.
struct DoorFigures {
    struct Door {
        std::uint64_t open = 0;  // connections now
        std::uint64_t refused = 0;
        std::uint64_t evicted_full = 0;
        std::uint64_t evicted_peer = 0;
        std::uint64_t reserved = 0;
    };
    std::map<std::string, Door> doors;
    std::map<std::string, std::uint64_t> auth_failures;  // by reason
    std::map<int, std::uint64_t> bad_requests;           // by status
    std::uint64_t reads_waiting = 0;
    std::uint64_t reads_refused = 0;
};

// What only the driver knows, handed over at scrape time.
struct DriverFigures {
    Millis loop_lateness{0};
    bool ready = false;
    bool config_reload_ok = true;
    std::size_t restart_needed = 0;  // keys
    WallTime config_reloaded{};
    WallTime last_turn{};
    std::size_t queue_depth = 0;
    std::uint64_t queue_dropped = 0;
    EventFigures events;
    std::vector<SinkReport> sinks;
    bool outbox_writable = true;
    std::uint64_t probes_skipped = 0;  // not started in time, or the box could not look
    DoorFigures doors;
    std::size_t series_limit = 50'000;  // of subjects, in one scrape
    std::set<std::string> probes;       // that run; what no longer does loses its series
};

// Thread rule: the engine's executor only.
class Metrics {
  public:
    Metrics(std::string version, const Rules& rules);
    ~Metrics();

    // What all entries before this process add up to; once, before any on_entry().
    void restore(const EntryCounts& told);
    void on_entry(const Entry& entry);
    void on_observation(const Observation& observation);
    void on_probe_lateness(Millis lateness);
    void on_ledger_commit(std::chrono::duration<double> took);
    void forget(const Subject& subject);  // drops its series

    // Takes what a scrape shows; what it returns writes the page, once, on any thread and also when
    // this is gone: Prometheus text format 0.0.4, ends in a newline.
    std::function<std::string()> page(const State& state, const Rules& rules,
                                      const DriverFigures& figures, const Now& now);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace leverd::exporters
