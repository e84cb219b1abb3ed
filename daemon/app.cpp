// Why: see app.hpp. make() is deliberately one straight line: the order of the steps is the order
// of dependency, and whatever can fail does so before anything acts.
#include "daemon/app.hpp"

#include "core/base/redact.hpp"
#include "core/model/codec.hpp"
#include "daemon/app_impl.hpp"
#include "daemon/preflight.hpp"
#include "daemon/rules.hpp"
#include "daemon/stop_file.hpp"
#include "policies/page/forgotten.hpp"
#include "policies/silence.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace asio = boost::asio;

namespace leverd {
std::vector<exporters::PageSink> page_sinks(const Snapshot& now) {
    std::vector<exporters::PageSink> sinks;
    for (const auto& notify : now.config.notify) {
        const auto key = now.secrets.find(notify.secret);
        sinks.push_back({notify, key == now.secrets.end() ? Secret{} : key->second});
    }
    return sinks;
}

std::optional<Error> look_before_start(const config::Config& config,
                                       std::vector<std::string>* warnings) {
    std::optional<Error> first;
    for (const auto& found : preflight(config, FileUser::current(), true)) {
        spdlog::log(found.warning ? spdlog::level::warn : spdlog::level::err,
                    "event=preflight what=\"{}\" hint=\"{}\"", found.what, found.remedy);
        if (found.warning && warnings != nullptr) {
            warnings->push_back(render(found));
        }
        if (!found.warning && !first) {
            first = Error{found.what, found.remedy};
        }
    }
    return first;
}

std::string_view version() {
    return LEVERD_VERSION;
}

App::App(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
App::~App() = default;

boost::system::result<std::unique_ptr<App>, StartFailure> App::make(
    const std::filesystem::path& config_path, config::Loaded loaded, Outside outside) {
    auto impl = std::make_unique<Impl>();
    impl->outside = std::move(outside);
    impl->config_path = config_path;
    if (auto unfit = look_before_start(loaded.config)) {
        return StartFailure{Exit::config, *unfit};
    }
    auto begun = impl->make_snapshot(std::move(loaded));
    if (!begun) {
        return StartFailure{Exit::config, begun.error()};
    }
    impl->current = *begun;
    impl->begun_with = *begun;
    if (auto failure = impl->open_ledger()) {
        return *failure;
    }
    impl->engine = std::make_unique<Engine>(make_rules(impl->config()));
    impl->figures =
        std::make_unique<exporters::Metrics>(std::string(leverd::version()), impl->engine->rules());
    const auto history = impl->fold_ledger();
    if (!history) {
        return StartFailure{Exit::failed, history.error()};
    }
    const auto boot = net::read_boot_stamp();
    const auto resumed = resume_time(*history, boot, net::wall_clock_now());
    impl->machine_clock = net::make_system_clock(resumed.at, boot.boottime_ms);
    impl->clock = impl->outside.clock ? impl->outside.clock(*impl->machine_clock) : nullptr;
    if (!impl->clock) {
        impl->clock = std::move(impl->machine_clock);
    }
    impl->wire();
    impl->wire_historian(history->fold);
    impl->open_deliveries();
    if (auto bound = impl->bind_web(); !bound) {
        return StartFailure{Exit::failed, bound.error()};
    }
    Started started;
    started.version = std::string(leverd::version());
    started.config_hash = impl->config().hash;
    started.boot_id = boot.boot_id;
    started.boottime_ms = boot.boottime_ms;
    started.first = impl->store->history().first;
    started.away = resumed.away;
    started.proven = resumed.proven;
    impl->take_up(started);
    return std::unique_ptr<App>(new App(std::move(impl)));
}

// What sinks were told counts as history, too: it may be all that is left of one.
void App::Impl::take_up(const Started& started) {
    const auto now = clock->now();
    auto doubt = store->history().doubt;
    const auto told = pager->told();
    const auto lost = history_told_by(engine->view(), told, started.first);
    if (!doubt && !lost.empty()) {
        doubt = HistoryDoubted{};
        doubt->why = lost;
        log_doubt(*doubt);
    }
    const bool doubted = doubt || engine->view().history.doubted;
    auto forgotten = forgotten_pages(engine->rules(), engine->view(), told, doubted, now);
    for (const auto& entry : forgotten) {
        engine->restore(entry);
    }
    driver->adopt(Turn{std::move(forgotten), {}});
    driver->adopt(engine->resume(started, now));
    if (doubt) {
        driver->adopt(engine->on(*doubt, clock->now()));
    }
    if (engine->view().history.doubted) {
        driver->post(history_report(engine->view()));
    }
}

std::optional<StartFailure> App::Impl::open_ledger() {
    auto opened = SqliteLedger::open(config().daemon.state_directory,
                                     ledger_options(config(), current->secrets));
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

Result<History> App::Impl::fold_ledger() {
    auto history = fold_history(*store, *engine, *figures);
    if (history) {
        spdlog::info("event=ledger_folded entries={} folded={} open_incidents={}",
                     history->fold.end.entries, history->fold.folded,
                     engine->view().incidents_open);
    }
    log_history(store->history());
    return history;
}

void App::Impl::wire_historian(const LedgerFold& begun) {
    HistorianHooks hooks;
    hooks.rules = [this] { return engine->rules(); };
    hooks.now = [this] { return clock->now(); };
    hooks.keep = [this] { return config().ledger.keep; };
    hooks.may_write = [this] { return !driver->unwritten() && !engine->view().history.doubted; };
    hooks.on_doubt = [this](HistoryDoubted doubt) { driver->post(std::move(doubt)); };
    historian = std::make_unique<Historian>(*store, config().daemon.state_directory,
                                            ledger_options(config(), current->secrets),
                                            std::move(hooks), begun);
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
    const auto on_defect = [this](const net::TaskDefect& defect) { meet_defect(defect); };
    tasks = std::make_unique<net::TaskGroup>(io.get_executor(), on_defect);
    lever_tasks = std::make_unique<net::TaskGroup>(io.get_executor(), on_defect);
    heartbeats.on_away([this](Instant from) { return away_since(engine->view(), from); });
    for (const auto& [subject, held] : engine->view().subjects) {
        heartbeats.restore({held.attributes.begin(), held.attributes.end()});
    }
    probe_context =
        probes::Context{config_of(current),  current->http.get(),   clock.get(), &inventory,
                        secrets_of(current), current->dialer.get(), &heartbeats};
    scheduler =
        std::make_unique<probes::Scheduler>(io.get_executor(), probe_context, *tasks, look_hooks());
    desk = std::make_unique<probes::HintDesk>(io.get_executor(), [this](const Hint& hint) {
        return scheduler->hint(hint.probe, hint.target);
    });
    wire_streams();
    DriverHooks turns;
    turns.perform = [this](const Effect& effect) { effects->perform(effect); };
    turns.recorded = [this](const Entry& entry) {
        figures->on_entry(entry);
        if (std::holds_alternative<HistoryDoubted>(entry.body) ||
            std::holds_alternative<HistoryAccepted>(entry.body)) {
            driver->post(history_report(engine->view()));
        }
        if (const auto* good = std::get_if<KnownGood>(&entry.body)) {
            inventory.known_good[std::string(good->subject.name())] = good->version;
        }
    };
    turns.wrote = [this](const LedgerReport& report) { historian->wrote(report); };
    turns.committed = [this](std::chrono::duration<double> took) {
        figures->on_ledger_commit(took);
    };
    turns.turned = [this] { turned(); };
    turns.overdue = [this] { return overdue_report(); };
    between = outside.ledger ? outside.ledger(*store) : nullptr;
    Ledger& journal = between ? *between : *store;
    driver =
        std::make_unique<Driver>(io.get_executor(), *clock, *engine, journal, std::move(turns));
    wire_pager();
    wire_effects();
    for (const auto& [subject, good] : engine->view().known_good) {
        inventory.known_good[std::string(subject.name())] = good.version;
    }
    // An empty or shrunken first list is compared with what was known before this process.
    for (const auto& [subject, held] : engine->view().subjects) {
        if (subject.kind() == "tenant") {
            inventory.expected.insert(std::string(subject.name()));
        }
    }
    reloading.loaded = net::wall_clock_now();
}

void log_attempt(const exporters::Outbox::Attempt& attempt, const exporters::AttemptEnd& end) {
    const auto& page = attempt.message.page;
    if (end.kind == exporters::AttemptEnd::Kind::accepted) {
        spdlog::log(attempt.renewal ? spdlog::level::debug : spdlog::level::info,
                    "event=page_delivered sink={} key={} version={} answer=\"{}\"", attempt.sink,
                    page.key, page.version, end.words);
        return;
    }
    const bool rejected = end.kind == exporters::AttemptEnd::Kind::rejected;
    spdlog::error("event=page_not_delivered sink={} key={} version={} {}=\"{}\"", attempt.sink,
                  page.key, page.version, rejected ? "rejected" : "failed", end.words);
}

void App::Impl::wire_pager() {
    outbox_store = std::make_unique<OutboxStore>(config().daemon.state_directory);
    if (const auto damaged = outbox_store->put_aside(); !damaged.empty()) {
        spdlog::error(
            "event=outbox_damaged moved_to={} hint=\"what sinks were told is not known any more, "
            "so "
            "open pages are told again\"",
            damaged);
    }
    pager =
        std::make_unique<exporters::Pager>(io.get_executor(), *clock, *tasks, outbox_store.get());
    pager->on_end(log_attempt);
    pager->use(page_sinks(*current), current->http);
}

// A sink that is new learns what is open.
void App::Impl::use_sinks() {
    pager->use(page_sinks(*current), current->http);
    for (const auto& [key, page] : engine->view().pages) {
        pager->put(page);
    }
}

void App::Impl::wire_effects() {
    levers::Context context{config_of(current), current->http.get(), clock.get(),
                            &inventory,         secrets_of(current), nullptr,
                            current->safe};
    effects = std::make_unique<EffectRunner>(std::move(context), levers, *driver, *lever_tasks,
                                             *tasks, *scheduler, *pager);
    effects->set_stop_check(
        [this] { return engine->view().stop.stopped || read_stop_file(stop_file()).stopped; });
    effects->set_intents([this](const std::string& id) {
        const auto found = engine->view().intents.find(id);
        return found == engine->view().intents.end() ? std::optional<Intent>{}
                                                     : std::optional<Intent>{found->second.intent};
    });
    effects->set_linked([this](const std::string& id) {
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

Result<void> App::Impl::bind_web() {
    exporters::WebOptions options;
    options.listen = config().daemon.listen;
    options.socket = config().daemon.socket;
    options.tokens = std::make_shared<const exporters::ApiTokens>(api_tokens());
    auto bound = exporters::WebServer::bind(io.get_executor(), *tasks, *this, std::move(options));
    if (!bound) {
        return bound.error();
    }
    web = std::move(*bound);
    return {};
}

}  // namespace leverd
