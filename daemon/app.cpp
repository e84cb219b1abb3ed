// Why: see app.hpp. make() is deliberately one straight line: the order of the steps is the order
// of dependency, and whatever can fail does so before anything acts.
#include "daemon/app.hpp"

#include "core/model/codec.hpp"
#include "daemon/app_impl.hpp"
#include "daemon/notify.hpp"
#include "daemon/rules.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include <csignal>

namespace asio = boost::asio;

namespace leverd {
namespace {

constexpr Millis self_pace{500};
constexpr Millis lever_grace{20'000};

std::function<void(const std::string&, const std::string&)> log_defect() {
    return [](const std::string& task, const std::string& what) {
        spdlog::critical("event=task_failed task=\"{}\" what=\"{}\"", task, what);
    };
}

std::vector<exporters::PageSink> page_sinks(const config::Config& config,
                                            const std::map<std::string, Secret>& secrets) {
    std::vector<exporters::PageSink> sinks;
    for (const auto& notify : config.notify) {
        const auto key = secrets.find(notify.secret);
        sinks.push_back({notify, key == secrets.end() ? Secret{} : key->second});
    }
    return sinks;
}

}  // namespace

std::string_view version() {
    return LEVERD_VERSION;
}

App::App(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
App::~App() = default;

boost::system::result<std::unique_ptr<App>, StartFailure> App::make(
    const std::filesystem::path& config_path, config::Config config, Outside outside) {
    auto impl = std::make_unique<Impl>();
    impl->outside = std::move(outside);
    impl->config_path = config_path;
    impl->config = std::move(config);
    if (auto read = impl->read_secrets_now(); !read) {
        return StartFailure{Exit::config, read.error()};
    }
    if (auto failure = impl->open_ledger()) {
        return *failure;
    }
    impl->engine = std::make_unique<Engine>(make_rules(impl->config));
    impl->figures =
        std::make_unique<exporters::Metrics>(std::string(leverd::version()), impl->engine->rules());
    Started before;
    Now last;
    Now anchor;
    if (auto folded = impl->fold_ledger(before, anchor, last); !folded) {
        return StartFailure{Exit::failed, folded.error()};
    }
    const auto boot = net::read_boot_stamp();
    const auto begin = net::resume_timeline({before.boot_id, before.boottime_ms, anchor.at}, last,
                                            boot, net::wall_clock_now());
    impl->clock = net::make_system_clock(begin, boot.boottime_ms);
    impl->wire();
    impl->open_deliveries();
    if (auto bound = impl->bind_web(); !bound) {
        return StartFailure{Exit::failed, bound.error()};
    }
    Started started;
    started.version = std::string(leverd::version());
    started.config_hash = impl->config.hash;
    started.boot_id = boot.boot_id;
    started.boottime_ms = boot.boottime_ms;
    impl->driver->adopt(impl->engine->resume(started, impl->clock->now()));
    return std::unique_ptr<App>(new App(std::move(impl)));
}

Result<void> App::Impl::read_secrets_now() {
    auto read = config::read_secrets(config);
    if (!read) {
        return read.error();
    }
    secrets = std::move(*read);
    return {};
}

std::optional<StartFailure> App::Impl::open_ledger() {
    auto opened = SqliteLedger::open(config.daemon.state_directory);
    if (opened) {
        store = std::move(*opened);
        return std::nullopt;
    }
    const auto& failure = opened.error();
    switch (failure.kind) {
        case LedgerOpenFailure::locked:
            return StartFailure{Exit::locked, failure.error};
        case LedgerOpenFailure::newer_schema:
            return StartFailure{Exit::config, failure.error};
        case LedgerOpenFailure::corrupt:
        case LedgerOpenFailure::unwritable:
            break;
    }
    return StartFailure{Exit::failed, failure.error};
}

// Folds every entry back; `anchor` is the time of the newest start, `last` that of the newest
// entry.
Result<void> App::Impl::fold_ledger(Started& started, Now& anchor, Now& last) {
    const auto visit = [&](const StoredEntry& stored) -> Result<void> {
        auto body = entry_from_json(stored.kind, stored.json);
        if (!body) {
            return wrap(fmt::format("ledger entry {}", stored.sequence), body.error());
        }
        const Entry entry{stored.now, std::move(*body)};
        if (const auto* begun = std::get_if<Started>(&entry.body)) {
            started = *begun;
            anchor = entry.now;
        }
        last = entry.now;
        engine->restore(entry);
        figures->on_entry(entry);
        return {};
    };
    auto report = store->for_each(visit);
    if (!report) {
        return report.error();
    }
    spdlog::info("event=ledger_folded entries={} open_incidents={}", report->entries,
                 std::ranges::count_if(engine->view().incidents, [](const auto& item) {
                     return item.second.phase != IncidentPhase::closed;
                 }));
    return {};
}

probes::SchedulerHooks App::Impl::look_hooks() {
    probes::SchedulerHooks looks;
    looks.on_observation = [this](Observation seen) {
        figures->on_observation(seen);
        if (seen.reason == Reason::removed) {
            figures->forget(seen.subject);
            last_looks.forget(seen.subject);
        }
        driver->post(std::move(seen));
    };
    looks.on_result = [this](const Observation& seen, std::shared_ptr<const Exchange> answer) {
        last_looks.add(seen, std::move(answer));
    };
    looks.on_lateness = [this](Millis late) { figures->on_probe_lateness(late); };
    return looks;
}

void App::Impl::wire() {
    net::TransportOptions options;
    options.ca_file = config.net.ca_file;
    options.nameservers = config.net.nameservers;
    options.user_agent = config.net.user_agent;
    http = outside.transport ? outside.transport(io.get_executor())
                             : net::make_transport(io.get_executor(), options);
    tasks = std::make_unique<net::TaskGroup>(io.get_executor(), log_defect());
    lever_tasks = std::make_unique<net::TaskGroup>(io.get_executor(), log_defect());
    const auto& now = take_snapshot();
    dialer = net::make_dialer(io.get_executor(), options);
    for (const auto& [subject, held] : engine->view().subjects) {
        heartbeats.restore({held.attributes.begin(), held.attributes.end()});
    }
    probe_context = probes::Context{&now.config,  http.get(),   clock.get(), &inventory,
                                    &now.secrets, dialer.get(), &heartbeats};
    scheduler =
        std::make_unique<probes::Scheduler>(io.get_executor(), probe_context, *tasks, look_hooks());
    desk = std::make_unique<probes::HintDesk>(io.get_executor(), [this](const Hint& hint) {
        return scheduler->hint(hint.probe, hint.target);
    });
    wire_streams(options);
    DriverHooks turns;
    turns.perform = [this](const Effect& effect) { hands->perform(effect); };
    turns.recorded = [this](const Entry& entry) {
        figures->on_entry(entry);
        if (const auto* good = std::get_if<KnownGood>(&entry.body)) {
            inventory.known_good[std::string(good->subject.name())] = good->version;
        }
    };
    turns.committed = [this](std::chrono::duration<double> took) {
        figures->on_ledger_commit(took);
    };
    turns.turned = [this] { turned(); };
    turns.overdue = [this] { return overdue_report(); };
    between = outside.ledger ? outside.ledger(*store) : nullptr;
    Ledger& journal = between ? *between : *store;
    driver =
        std::make_unique<Driver>(io.get_executor(), *clock, *engine, journal, std::move(turns));
    wire_hands(now);
    for (const auto& [subject, good] : engine->view().known_good) {
        inventory.known_good[std::string(subject.name())] = good.version;
    }
    // An empty or shrunken first list is compared with what was known before this process.
    for (const auto& [subject, held] : engine->view().subjects) {
        if (subject.kind() == "tenant") {
            inventory.expected.insert(std::string(subject.name()));
        }
    }
    reloaded = net::wall_clock_now();
}

void App::Impl::wire_hands(const Snapshot& now) {
    const levers::Context lever_context{&now.config, http.get(), clock.get(), &inventory,
                                        &now.secrets};
    hands = std::make_unique<Hands>(lever_context, *driver, *lever_tasks, *tasks, *scheduler,
                                    page_sinks(config, secrets));
    hands->set_stop_check(
        [this] { return engine->view().stop.stopped || std::filesystem::exists(stop_file()); });
    hands->set_intents([this](const std::string& id) {
        const auto found = engine->view().intents.find(id);
        return found == engine->view().intents.end() ? std::optional<Intent>{}
                                                     : std::optional<Intent>{found->second.intent};
    });
    hands->set_linked([this](const std::string& id) {
        std::vector<Subject> linked;
        const auto found = engine->view().incidents.find(id);
        if (found != engine->view().incidents.end()) {
            for (const auto& [symptom, subject] : found->second.linked) {
                linked.push_back(subject);
            }
        }
        return linked;
    });
}

// Looks and lever calls end by their deadlines, so the newest few are all that anybody can still
// hold.
const Snapshot& App::Impl::take_snapshot() {
    constexpr std::size_t kept = 32;
    snapshots.push_back(std::make_unique<Snapshot>(Snapshot{config, secrets}));
    if (snapshots.size() > kept) {
        snapshots.pop_front();
    }
    return *snapshots.back();
}

Result<void> App::Impl::bind_web() {
    exporters::WebOptions options;
    options.listen = config.daemon.listen;
    options.socket = config.daemon.socket;
    if (const auto token = secrets.find(config.daemon.api_token); token != secrets.end()) {
        options.token = token->second;
    }
    auto bound = exporters::WebServer::bind(io.get_executor(), *tasks, *this, std::move(options));
    if (!bound) {
        return bound.error();
    }
    web = std::move(*bound);
    return {};
}

std::filesystem::path App::Impl::stop_file() const {
    return config.daemon.stop_file.empty()
               ? std::filesystem::path(config.daemon.state_directory) / "STOP"
               : std::filesystem::path(config.daemon.stop_file);
}

void App::Impl::check_stop_file() {
    constexpr auto by_file = "stop file";
    std::error_code ignored;
    const bool exists = std::filesystem::exists(stop_file(), ignored);
    const auto& stop = engine->view().stop;
    if (exists && !stop.stopped) {
        driver->post(StopCommand{true, by_file, stop_file().string() + " exists"});
    } else if (!exists && stop.stopped && stop.who == by_file) {
        driver->post(StopCommand{false, by_file, stop_file().string() + " was removed"});
    }
}

// How late it is and whether the clock stepped, as a look at ourselves. Lateness counts on the
// clock that goes on while the machine sleeps.
Observation App::Impl::report_self() {
    const auto now = clock->now();
    const auto before = reported.value_or(now);
    reported = now;
    lateness = std::max(Millis{0}, now.at - before.at - self_pace);
    const auto step = (now.wall - before.wall) - (now.at - before.at);
    Observation self;
    self.subject = Subject{"observer"};
    self.probe = "self";
    self.facts["lateness_ms"] = static_cast<double>(lateness.count());
    self.facts["clock_step_ms"] = static_cast<double>(step.count());
    self.seen = now;
    return self;
}

// After a stop or a suspend it is chance who runs first; deadlines that passed meanwhile must not
// be judged before it is known that nobody was looking.
std::optional<Observation> App::Impl::overdue_report() {
    if (!reported || clock->now().at - reported->at < 2 * self_pace) {
        return std::nullopt;
    }
    return report_self();
}

// Pets the watchdog only if turns were completed since.
asio::awaitable<void> App::Impl::watch_self() {
    reported = clock->now();
    auto petted = reported->at;
    const auto pace = notify::watchdog_pace();
    while (!stopping) {
        const bool awake = co_await net::pause(self_pace);
        if (!awake) {
            co_return;
        }
        driver->post(report_self());
        check_stop_file();
        const auto now = clock->now();
        if (pace > Millis{0} && now.at - petted >= pace / 2 && healthy().ok) {
            notify::alive();
            petted = now.at;
        }
    }
}

asio::awaitable<void> App::Impl::watch_signals() {
    signals.add(SIGTERM);
    signals.add(SIGINT);
    signals.add(SIGHUP);
    while (!stopping) {
        boost::system::error_code failed;
        auto token = asio::redirect_error(asio::use_awaitable, failed);
        const int signal = co_await signals.async_wait(token);
        if (failed) {
            co_return;
        }
        if (signal == SIGHUP) {
            notify::reloading();
            (void)reload_now();
            notify::ready("watching");
            continue;
        }
        co_await shut_down();
    }
}

// No new lever calls, a grace for those on their way, then everything else.
asio::awaitable<void> App::Impl::shut_down() {
    spdlog::info("event=stopping levers_at_work={}", lever_tasks->size());
    notify::stopping();
    stopping = true;
    hands->retire();
    co_await streams->stop();
    const auto until = net::deadline_in(lever_grace);
    while (lever_tasks->size() > 0 && net::deadline_in(Millis{0}) < until) {
        (void)co_await net::pause(Millis{50});
    }
    lever_tasks->cancel();
    co_await lever_tasks->join();
    driver->stop();
}

Result<void> App::Impl::reload_now() {
    auto loaded = config::load(config_path, vocabulary());
    std::string problem;
    if (!loaded.ok()) {
        for (const auto& found : loaded.problems) {
            if (!found.warning) {
                problem = config::render(found);
                break;
            }
        }
    } else if (auto read = config::read_secrets(loaded.config); !read) {
        problem = read.error().what;
    } else {
        secrets = std::move(*read);
        config = std::move(loaded.config);
        driver->adopt(engine->reload(make_rules(config), clock->now()));
        const auto& now = take_snapshot();
        probe_context.config = &now.config;
        probe_context.secrets = &now.secrets;
        scheduler->refresh();
        hands->use(now.config, now.secrets, page_sinks(config, secrets));
        reloaded = net::wall_clock_now();
    }
    reload_ok = problem.empty();
    reload_problem = problem;
    if (!reload_ok) {
        spdlog::error("event=reload_refused what=\"{}\" kept=\"the config that is running\"",
                      problem);
        return Error{"the config is bad and the running one was kept: " + problem,
                     "leverd check --config " + config_path.string()};
    }
    spdlog::info("event=reloaded config_hash={}", config.hash.substr(0, 12));
    return {};
}

void App::Impl::turned() {
    for (const auto& listener : listeners) {
        listener();
    }
}

exporters::Backend& App::backend() {
    return *impl_;
}

asio::any_io_executor App::executor() {
    return impl_->io.get_executor();
}

Exit App::run() {
    auto& app = *impl_;
    app.tasks->spawn("signals", app.watch_signals());
    app.tasks->spawn("self", app.watch_self());
    app.tasks->spawn("scheduler", app.scheduler->run());
    app.tasks->spawn("hints", app.desk->run());
    app.tasks->spawn("streams", app.streams->run());
    app.web->start();
    bool over = false;
    const auto turns = [&app, &over](std::exception_ptr failed) {
        over = true;
        if (failed) {
            spdlog::critical("event=driver_failed");
        }
        app.tasks->cancel();
    };
    asio::co_spawn(app.io, app.driver->run(), turns);
    notify::ready("watching");
    spdlog::info("event=started version={} listen=127.0.0.1:{} mode_ceiling={}", version(),
                 app.web->port(), to_string(app.config.daemon.mode_ceiling));
    app.io.run();
    return over ? Exit::ok : Exit::failed;
}

}  // namespace leverd
