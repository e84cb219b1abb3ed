// Why: the parts of a running leverd in the order in which they depend on each other; destroyed
// from the bottom up.
#pragma once

#include "core/ledger/deliveries.hpp"
#include "core/ledger/sqlite_ledger.hpp"
#include "core/model/results.hpp"
#include "core/net/clock.hpp"
#include "core/net/http.hpp"
#include "core/net/task_group.hpp"
#include "daemon/app.hpp"
#include "daemon/driver.hpp"
#include "daemon/hands.hpp"
#include "daemon/muffle.hpp"
#include "exporters/prometheus/metrics.hpp"
#include "exporters/web/server.hpp"
#include "policies/engine.hpp"
#include "probes/heartbeat.hpp"
#include "probes/hint_desk.hpp"
#include "probes/scheduler.hpp"
#include "probes/tenant_streams.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <deque>
#include <list>
#include <optional>

namespace leverd {

// What looks and levers read. A reload makes a new one; those under way keep theirs.
struct Snapshot {
    config::Config config;
    std::map<std::string, Secret> secrets;
};

struct App::Impl final : exporters::Backend {
    std::filesystem::path config_path;
    config::Config config;
    std::map<std::string, Secret> secrets;
    std::deque<std::unique_ptr<Snapshot>> snapshots;
    boost::asio::io_context io{1};
    Outside outside;
    std::unique_ptr<SqliteLedger> store;
    std::unique_ptr<Ledger> between;  // see Outside; empty: the driver writes to the store itself
    std::unique_ptr<Clock> clock;
    std::unique_ptr<net::HttpTransport> http;
    std::unique_ptr<net::Dialer> dialer;
    probes::Heartbeats heartbeats;
    Inventory inventory;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<exporters::Metrics> figures;
    std::unique_ptr<Driver> driver;
    std::unique_ptr<net::TaskGroup> lever_tasks;
    std::unique_ptr<net::TaskGroup> tasks;
    probes::Context probe_context;
    std::unique_ptr<probes::Scheduler> scheduler;
    std::unique_ptr<probes::HintDesk> desk;
    std::unique_ptr<net::WebSocketClient> stream_client;
    std::unique_ptr<probes::TenantStreams> streams;
    Deliveries deliveries;
    Results last_looks;
    exporters::EventFigures event_counts;
    std::unique_ptr<Hands> hands;
    std::unique_ptr<exporters::WebServer> web;
    Muffle denials;
    boost::asio::signal_set signals{io};

    Millis lateness{0};
    std::optional<Now> reported;  // when the process last reported about itself
    bool reload_ok = true;
    WallTime reloaded{};
    bool stopping = false;
    std::list<std::function<void()>> listeners;
    std::string reload_problem;

    // Set-up, in this order.
    Result<void> read_secrets_now();
    std::optional<StartFailure> open_ledger();
    Result<void> fold_ledger(Started& started, Now& anchor, Now& last);
    void wire();
    probes::SchedulerHooks look_hooks();
    void wire_hands(const Snapshot& now);
    void open_deliveries();
    void wire_streams(const net::TransportOptions& options);
    void wake_tenant(const std::string& slug, std::string_view event);
    Result<void> bind_web();
    exporters::ApiTokens api_tokens() const;
    exporters::DoorFigures door_figures() const;
    const Snapshot& take_snapshot();

    // Tasks.
    boost::asio::awaitable<void> watch_self();
    Observation report_self();
    std::optional<Observation> overdue_report();
    boost::asio::awaitable<void> watch_signals();
    boost::asio::awaitable<void> shut_down();
    void check_stop_file();
    std::filesystem::path stop_file() const;
    Result<void> reload_now();
    void turned();

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
    boost::asio::awaitable<Result<void>> reload() override;
    boost::asio::awaitable<Result<exporters::FireAnswer>> fire(
        exporters::FireWanted wanted) override;
    boost::asio::awaitable<Result<Looked>> look(std::string kind, std::string target) override;
    bool heartbeat(const std::string& name) override;
    std::vector<config::ProbeSettings> probe_settings() const override { return config.probes; }
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
