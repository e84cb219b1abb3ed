// Why: the parts of a running leverd in the order in which they depend on each other; destroyed
// from the bottom up.
#pragma once

#include "core/ledger/deliveries.hpp"
#include "core/ledger/outbox_store.hpp"
#include "core/ledger/sqlite_ledger.hpp"
#include "core/model/results.hpp"
#include "core/net/clock.hpp"
#include "core/net/http.hpp"
#include "core/net/task_group.hpp"
#include "daemon/app.hpp"
#include "daemon/driver.hpp"
#include "daemon/effect_runner.hpp"
#include "daemon/history.hpp"
#include "daemon/muffle.hpp"
#include "daemon/snapshot.hpp"
#include "exporters/prometheus/metrics.hpp"
#include "exporters/web/server.hpp"
#include "policies/engine.hpp"
#include "probes/heartbeat.hpp"
#include "probes/hint_desk.hpp"
#include "probes/scheduler.hpp"
#include "probes/tenant_streams.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <list>
#include <map>
#include <optional>

namespace leverd {

std::vector<exporters::PageSink> page_sinks(const Snapshot& now);
// Says everything that preflight finds; the first thing that forbids to go on, if any does. The
// warnings are added to `warnings`, if that is given.
std::optional<Error> look_before_start(const config::Config& config,
                                       std::vector<std::string>* warnings = nullptr);

struct App::Impl final : exporters::Backend {
    std::filesystem::path config_path;
    boost::asio::io_context io{1};
    Outside outside;
    SnapshotPtr current;     // the config that runs, with all that was made from it
    SnapshotPtr begun_with;  // the one of the start: what needs a restart still stands as it says
    std::unique_ptr<SqliteLedger> store;
    std::unique_ptr<Ledger> between;  // see Outside; empty: the driver writes to the store itself
    std::unique_ptr<Clock> machine_clock;  // empty unless `clock` stands before it
    std::unique_ptr<Clock> clock;
    probes::Heartbeats heartbeats;
    Inventory inventory;
    levers::LeverTable levers;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<exporters::Metrics> figures;
    std::unique_ptr<Historian> historian;
    std::unique_ptr<Driver> driver;
    std::unique_ptr<net::TaskGroup> lever_tasks;
    std::unique_ptr<net::TaskGroup> tasks;
    probes::Context probe_context;
    std::unique_ptr<probes::Scheduler> scheduler;
    std::unique_ptr<probes::HintDesk> desk;
    std::unique_ptr<probes::TenantStreams> streams;
    Deliveries deliveries;
    Results last_looks;
    exporters::EventFigures event_counts;
    std::unique_ptr<OutboxStore> outbox_store;
    std::unique_ptr<exporters::Pager> pager;
    std::unique_ptr<EffectRunner> effects;
    std::unique_ptr<exporters::WebServer> web;
    Muffle denials;
    boost::asio::signal_set signals{io};

    Millis lateness{0};
    std::optional<Now> reported;  // when the process last reported about itself
    struct {
        bool ok = true;
        WallTime loaded{};
        std::vector<std::string> restart_needed;
    } reloading;
    bool stopping = false;
    bool leaving = false;
    bool failed = false;                     // the process gives up
    std::map<std::string, Instant> defects;  // errands that threw lately, by name
    Instant sealed_looked{};                 // when sealed values were last gone through
    bool stop_unreadable = false;            // as the engine was told
    std::list<std::function<void()>> listeners;

    // Set-up, in this order.
    Result<SnapshotPtr> make_snapshot(config::Loaded loaded);
    std::optional<StartFailure> open_ledger();
    Result<History> fold_ledger();
    void take_up(const Started& started);
    void wire_historian(const LedgerFold& begun);
    void wire();
    probes::SchedulerHooks look_hooks();
    void wire_pager();
    void use_sinks();
    void wire_effects();
    void open_deliveries();
    void wire_streams();
    void wake_tenant(const std::string& slug, std::string_view event);
    Result<void> bind_web();
    exporters::ApiTokens api_tokens() const;
    exporters::DoorFigures door_figures() const;
    const config::Config& config() const { return current->config; }

    // Tasks.
    boost::asio::awaitable<void> watch_self();
    Observation report_self();
    std::optional<Observation> overdue_report();
    boost::asio::awaitable<void> watch_signals();
    boost::asio::awaitable<void> shut_down();
    void check_stop_file();
    void forget_old_defects();
    void forget_sealed();
    std::string stop_file() const;
    void turned();

    // How it ends.
    void meet_defect(const net::TaskDefect& defect);
    void give_up(const std::string& why);
    void leave();
    boost::asio::awaitable<void> drain();
    void run_loop();

    // Reload.
    exporters::Reloaded reload_now();
    SnapshotPtr read_files(exporters::Reloaded& done);
    void take_up(SnapshotPtr next, exporters::Reloaded& done);
    void use(SnapshotPtr next);
    void log_reload(const exporters::Reloaded& done) const;

    // exporters::Backend
    const State& state() const override { return engine->view(); }
    const Rules& rules() const override { return engine->rules(); }
    Now now() const override { return clock->now(); }
    std::string version() const override;
    std::function<std::string()> metrics() override;
    exporters::Health healthy() const override;
    exporters::Health ready() const override;
    boost::asio::awaitable<Result<std::vector<StoredEntry>>> ledger(std::int64_t after,
                                                                    std::size_t limit) override;
    boost::asio::awaitable<Result<void>> approve(std::string decision, bool approved,
                                                 std::string who, std::string why) override;
    boost::asio::awaitable<Result<void>> stop(StopCommand command) override;
    boost::asio::awaitable<Result<Veto>> veto(VetoCommand command) override;
    boost::asio::awaitable<Result<void>> lift_veto(LiftVeto command) override;
    boost::asio::awaitable<Result<void>> accept_history(HistoryAccepted accepted) override;
    LedgerReport ledger_end() const override { return historian->end(); }
    std::string stop_file_set() const override;
    std::vector<std::string> restart_needed() const override { return reloading.restart_needed; }
    boost::asio::awaitable<exporters::Reloaded> reload() override;
    boost::asio::awaitable<Result<exporters::FireAnswer>> fire(
        exporters::FireWanted wanted) override;
    boost::asio::awaitable<Result<void>> acknowledge(Acknowledge given) override;
    boost::asio::awaitable<Result<std::string>> test_page(std::string sink,
                                                          std::string who) override;
    std::vector<SinkReport> page_delivery() const override { return pager->report(); }
    boost::asio::awaitable<Result<Looked>> look(std::string kind, std::string target) override;
    bool heartbeat(const std::string& name) override;
    std::vector<config::ProbeSettings> probe_settings() const override { return config().probes; }
    std::vector<Results::Result> results(const std::string& probe, const Subject& subject,
                                         std::size_t limit) const override {
        return last_looks.of(probe, subject, limit);
    }
    const Secret* event_secret(stack::EventSource source) override;
    bool take_event(stack::EventSource source, const stack::Event& event) override;
    void refuse_event(stack::EventSource source, std::string_view reason) override;
    void access_denied(const std::string& peer, std::string_view reason) override;
    std::shared_ptr<void> subscribe(std::function<void()> wake) override;
};

}  // namespace leverd
