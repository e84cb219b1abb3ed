// Why: the life of the process once it is wired: what runs as long as it does, how it ends, and
// that no part of it ends unseen. See app.hpp.
#include "core/base/redact.hpp"
#include "core/model/codec.hpp"
#include "core/net/clock.hpp"
#include "daemon/app_impl.hpp"
#include "daemon/notify.hpp"
#include "daemon/stop_file.hpp"
#include "policies/losses.hpp"
#include "policies/switches.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>

namespace asio = boost::asio;

namespace leverd {
namespace {

constexpr Millis self_pace{500};
constexpr Millis sealed_pace{5'000};
constexpr Millis lever_grace{20'000};
// How long the tasks may take to end once they are cancelled; looks and calls heed that at once.
constexpr Millis drain_grace{5'000};
// How long a person is told that an errand failed.
constexpr Millis defect_told_for{15 * 60'000};
// For what is nobody's task, like the keeper of a program that is just being killed.
constexpr Millis rest_grace{1'000};

}  // namespace

// What is to be done follows from what the task was for; see net::TaskRole.
void App::Impl::meet_defect(const net::TaskDefect& defect) {
    const bool ended = defect.role == net::TaskRole::vital && stopping;
    if (ended && defect.what == net::ended_by_itself) {
        return;
    }
    spdlog::critical("event=task_failed task=\"{}\" what=\"{}\"", defect.task, defect.what);
    if (defect.role != net::TaskRole::errand) {
        give_up("task " + defect.task + ": " + defect.what);
        return;
    }
    defects[defect.task] = clock->now().at;
    driver->post(SelfReport{"task_ended", defect.task, defect.what});
}

// Nothing that this process holds is to be trusted any more, or it would go on half blind. What was
// under way is in the ledger; the next process takes it up from there.
void App::Impl::give_up(const std::string& why) {
    if (std::exchange(failed, true)) {
        return;
    }
    try {
        spdlog::critical("event=fatal what=\"{}\" exit=1 next=\"systemd starts it again\"", why);
        notify::status("giving up: " + why);
    } catch (...) {
        // Not even memory for the words: the exit code says it.
    }
    leave();
}

// Ends the loop once all tasks are through, or when that takes too long.
void App::Impl::leave() {
    if (std::exchange(leaving, true)) {
        return;
    }
    stopping = true;
    effects->retire();
    driver->stop();
    tasks->cancel();
    lever_tasks->cancel();
    try {
        asio::co_spawn(io, drain(), [this](std::exception_ptr) { io.stop(); });
    } catch (...) {
        io.stop();  // nobody is there to wait for the tasks, so nothing does
    }
}

asio::awaitable<void> App::Impl::drain() {
    const auto until = net::deadline_in(drain_grace);
    while (tasks->size() + lever_tasks->size() > 0 && net::deadline_in(Millis{0}) < until) {
        (void)co_await net::pause(Millis{10});
    }
}

std::string App::Impl::stop_file() const {
    return config().daemon.stop_file.empty() ? config().daemon.state_directory + "/STOP"
                                             : config().daemon.stop_file;
}

void App::Impl::check_stop_file() {
    constexpr auto by_file = by_stop_file;
    const auto file = read_stop_file(stop_file());
    const auto& stop = engine->view().stop;
    const bool ours = stop.stopped && stop.who == by_file;
    if (file.stopped && (!stop.stopped || (ours && stop.why != file.why))) {
        driver->post(StopCommand{true, by_file, file.why});
    } else if (!file.stopped && ours) {
        driver->post(StopCommand{false, by_file, stop_file() + " was removed"});
    }
    if (file.unreadable != stop_unreadable) {
        stop_unreadable = file.unreadable;
        driver->post(SelfReport{"stop_unreadable", {}, file.unreadable ? file.why : ""});
    }
}

// A person hears of it; that it happened once need not be told for ever.
void App::Impl::forget_old_defects() {
    std::erase_if(defects, [this](const auto& item) {
        const bool old = clock->now().at - item.second >= defect_told_for;
        if (old) {
            driver->post(SelfReport{"task_ended", item.first, {}});
        }
        return old;
    });
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

// Pets the watchdog only while turns are completed and looks begin and end.
// Secret values are kept no longer than somebody may need them.
void App::Impl::forget_sealed() {
    const auto now = clock->now().at;
    const auto& safe = current->safe;
    if (!safe || engine->view().history.doubted || now - sealed_looked < sealed_pace) {
        return;
    }
    sealed_looked = now;
    for (const auto& intent : safe->kept()) {
        if (!needs_sealed(engine->view(), intent)) {
            safe->forget(intent);
            spdlog::info("event=sealed_values_forgotten intent={}", intent);
        }
    }
}

asio::awaitable<void> App::Impl::watch_self() {
    reported = clock->now();
    auto petted = reported->at;
    const auto pace = notify::watchdog_pace();
    for (;;) {
        const bool awake = co_await net::pause(self_pace);
        if (!awake) {
            co_return;
        }
        driver->post(report_self());
        forget_old_secrets(clock->now().at);
        check_stop_file();
        forget_old_defects();
        forget_sealed();
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
        boost::system::error_code problem;
        auto token = asio::redirect_error(asio::use_awaitable, problem);
        const int signal = co_await signals.async_wait(token);
        if (problem) {
            co_return;
        }
        if (signal == SIGHUP) {
            (void)reload_now();
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
    effects->retire();
    historian->stop();
    co_await streams->stop();
    const auto until = net::deadline_in(lever_grace);
    while (lever_tasks->size() > 0 && net::deadline_in(Millis{0}) < until) {
        (void)co_await net::pause(Millis{50});
    }
    lever_tasks->cancel();
    co_await lever_tasks->join();
    driver->adopt(engine->leave(clock->now()));
    driver->stop();  // tells the engine what was done, then ends
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
    using net::TaskRole;
    auto& app = *impl_;
    app.tasks->spawn("signals", app.watch_signals(), TaskRole::vital);
    app.tasks->spawn("self", app.watch_self(), TaskRole::vital);
    app.tasks->spawn("scheduler", app.scheduler->run(), TaskRole::vital);
    app.tasks->spawn("pager", app.pager->run(), TaskRole::vital);
    // In a simulation one thread must decide the order of everything.
    if (!app.outside.transport) {
        app.tasks->spawn("history", app.historian->run(), TaskRole::vital);
    }
    app.tasks->spawn("hints", app.desk->run(), TaskRole::vital);
    app.tasks->spawn("streams", app.streams->run(), TaskRole::vital);
    app.web->start();
    const auto turns = [&app](std::exception_ptr failed) {
        if (failed) {
            app.give_up("the driver: " + net::what_of(failed));
        } else if (!app.stopping) {
            app.give_up("the driver ended by itself");
        }
        app.leave();
    };
    asio::co_spawn(app.io, app.driver->run(), turns);
    notify::ready("watching");
    spdlog::info("event=started version={} listen={} port={} mode_ceiling={}", version(),
                 app.config().daemon.listen, app.web->port(),
                 to_string(app.config().daemon.mode_ceiling));
    app.run_loop();
    if (app.tasks->size() + app.lever_tasks->size() > 0) {
        // Something did not heed its cancellation and still points into this process's parts.
        spdlog::critical("event=tasks_left looks_and_doors={} levers={}", app.tasks->size(),
                         app.lever_tasks->size());
        (void)impl_.release();
        return Exit::failed;
    }
    return app.failed ? Exit::failed : Exit::ok;
}

// What a handler throws is nobody's result, so it is the end of the process like that of a vital
// task; the loop only goes on for what is under way.
void App::Impl::run_loop() {
    for (;;) {
        try {
            io.run();
            io.restart();
            io.run_for(rest_grace);
            return;
        } catch (...) {
            if (failed) {
                return;
            }
            give_up("the loop: " + net::what_of(std::current_exception()));
        }
    }
}

}  // namespace leverd
