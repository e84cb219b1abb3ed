// Why: what the faces may ask of the daemon. Changes go through the engine as events and answer
// once they are durable.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "daemon/app_impl.hpp"
#include "daemon/stop_file.hpp"
#include "policies/guards.hpp"
#include "policies/losses.hpp"
#include "policies/page/delivery.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace asio = boost::asio;

namespace leverd {
namespace {

constexpr Millis loop_age_max{10'000};

const Decision* newest_decision(const State& state, const std::string& id, const Incident** owner) {
    for (const auto& [key, incident] : state.incidents) {
        if (incident.decision && incident.decision->id == id) {
            *owner = &incident;
            return &*incident.decision;
        }
    }
    return nullptr;
}

}  // namespace

std::string App::Impl::version() const {
    return std::string(leverd::version());
}

std::function<std::string()> App::Impl::metrics() {
    exporters::DriverFigures now_figures;
    now_figures.loop_lateness = lateness;
    now_figures.ready = ready().ok;
    now_figures.config_reload_ok = reloading.ok;
    now_figures.config_reloaded = reloading.loaded;
    now_figures.restart_needed = reloading.restart_needed.size();
    now_figures.last_turn = driver->last_turn().wall;
    now_figures.queue_depth = driver->queue_depth();
    now_figures.queue_dropped = driver->dropped();
    now_figures.events = event_counts;
    now_figures.events.looks = scheduler->counters().hinted;
    const auto streamed = streams->counters();
    now_figures.events.streams_wanted = streamed.wanted;
    now_figures.events.streams_open = streamed.open;
    now_figures.events.stream_reconnects = streamed.reconnects;
    now_figures.events.stream_messages = streamed.messages;
    now_figures.probes_skipped =
        scheduler->counters().skipped_overlap + scheduler->counters().abandoned;
    now_figures.sinks = pager->report();
    now_figures.outbox_writable = pager->store_problem().what.empty();
    now_figures.doors = door_figures();
    for (const auto& probe : config().probes) {
        now_figures.probes.insert(probe.called());
    }
    now_figures.series_limit = static_cast<std::size_t>(config().metrics.series_limit);
    return figures->page(engine->view(), engine->rules(), now_figures, clock->now());
}

exporters::Health App::Impl::healthy() const {
    const auto age = std::chrono::duration_cast<Millis>(clock->now().at - driver->last_turn().at);
    if (age > loop_age_max) {
        return {false,
                fmt::format("the last turn was {} ago; restart leverd", format_duration(age))};
    }
    const auto stalled = scheduler->stalled_for();
    if (stalled > outside.look_age_max) {
        return {false, fmt::format("looks have been due for {} and none began or ended; restart "
                                   "leverd",
                                   shown_duration(stalled))};
    }
    return {true, "the loop turns and looks go on"};
}

exporters::Health App::Impl::ready() const {
    const auto& held = engine->view();
    if (!held.ledger_writable || driver->ledger_failing()) {
        const auto& where = config().daemon.state_directory;
        return {false,
                "the ledger cannot be written, so no lever fires; check the disk of " + where,
                "check the disk of " + where};
    }
    if (held.history.doubted) {
        return {false,
                "the history is in doubt, so no lever fires: " + held.history.why +
                    "; look into it, then leverd ledger accept --why ...",
                "look into it, then leverd ledger accept --why \"...\""};
    }
    if (auto why = not_ready(held, true); !why.empty() || !reloading.ok) {
        return {false, "the last reload was refused: " + why + "; run leverd check",
                "leverd check --config " + config_path.string() + ", mend it, then leverd reload"};
    }
    if (config().probes.empty()) {
        return {false, "nothing is looked at: the config has no [[probe]]",
                "add a [[probe]] to " + config_path.string() + ", then leverd reload"};
    }
    const bool looked = std::ranges::any_of(
        held.subjects, [](const auto& item) { return item.first.text() != "observer"; });
    if (!looked) {
        return {false, "no look has ended yet",
                "wait for the first look; if none ends, journalctl -u leverd -p warning"};
    }
    // Levers fire all the same; but whoever asks should know that nobody would be told.
    std::string words = "ready";
    for (const auto& line : delivery_lines(pager->report(), clock->now())) {
        words += "; " + line;
    }
    if (const auto problem = pager->store_problem(); !problem.what.empty()) {
        words += "; " + problem.what + ": pages may be repeated after a restart";
    }
    return {true, words};
}

asio::awaitable<Result<std::vector<StoredEntry>>> App::Impl::ledger(std::int64_t after,
                                                                    std::size_t limit) {
    return store->read(after, limit);
}

asio::awaitable<Result<void>> App::Impl::approve(std::string decision, bool approved,
                                                 std::string who, std::string why) {
    const Incident* owner = nullptr;
    const auto* held = newest_decision(engine->view(), decision, &owner);
    if (held == nullptr) {
        co_return Error{fmt::format("no open decision {}", decision),
                        "it was replaced by a newer one or its incident is over: leverd status"};
    }
    if (held->action != Action::ask || owner->phase != IncidentPhase::open) {
        co_return Error{fmt::format("decision {} does not wait for approval ({}: {})", decision,
                                    to_string(held->action), held->reason),
                        "leverd why " + held->subject.text()};
    }
    const auto subject = held->subject.text();
    ApprovalGiven given{decision, held->hash, approved, std::move(who), std::move(why)};
    const auto done = co_await driver->submit(std::move(given));
    if (!done.durable) {
        co_return Error{"the ledger could not be written, so the answer was not taken",
                        "check the disk, then say it again"};
    }
    const bool taken = std::ranges::any_of(done.entries, [&decision](const Entry& entry) {
        const auto* answer = std::get_if<Approval>(&entry.body);
        return answer != nullptr && answer->decision == decision;
    });
    if (!taken) {
        co_return Error{fmt::format("decision {} changed while you answered", decision),
                        "look again: leverd why " + subject};
    }
    co_return Result<void>{};
}

std::string App::Impl::stop_file_set() const {
    return read_stop_file(stop_file()).stopped ? stop_file() : std::string{};
}

asio::awaitable<Result<void>> App::Impl::stop(StopCommand command) {
    // Before the engine hears of it: it would decide to fire, be refused at the last moment, and
    // have used up an attempt.
    const auto file = read_stop_file(stop_file());
    if (!command.stopped && file.stopped) {
        co_return Error{"the stop file still holds every lever: " + file.why,
                        "remove " + stop_file()};
    }
    const auto done = co_await driver->submit(std::move(command));
    if (!done.durable) {
        co_return Error{
            "the ledger could not be written, so the stop switch would not survive a restart",
            fmt::format("levers are held now all the same; create {} to be sure", stop_file())};
    }
    co_return Result<void>{};
}

asio::awaitable<Result<Veto>> App::Impl::veto(VetoCommand command) {
    const auto done = co_await driver->submit(std::move(command));
    if (!done.durable) {
        co_return Error{"the ledger could not be written, so the veto would not survive a restart",
                        "check the disk, then say it again; or stop everything: leverd stop"};
    }
    for (const auto& entry : done.entries) {
        const auto* set = std::get_if<VetoSet>(&entry.body);
        const auto held =
            set == nullptr ? engine->view().vetoes.end() : engine->view().vetoes.find(set->id);
        if (held != engine->view().vetoes.end()) {
            co_return held->second;
        }
    }
    co_return Error{"the veto was not taken", "see which ones are in force: leverd vetoes"};
}

asio::awaitable<Result<void>> App::Impl::lift_veto(LiftVeto command) {
    const auto id = command.id;
    const auto done = co_await driver->submit(std::move(command));
    if (!done.durable) {
        co_return Error{"the ledger could not be written, so the veto stays in force",
                        "check the disk, then say it again"};
    }
    if (engine->view().vetoes.contains(id)) {
        co_return Error{"the veto is still in force", "see it: leverd vetoes"};
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> App::Impl::accept_history(HistoryAccepted accepted) {
    if (!engine->view().history.doubted) {
        co_return Error{"the history is not in doubt", "leverd status shows where it stands"};
    }
    const auto kept = co_await driver->submit(std::move(accepted));
    if (!kept.durable) {
        co_return Error{"the ledger could not be written, so nothing was accepted",
                        "check the disk, then say it again"};
    }
    const auto followed = co_await store->accept_history();
    if (!followed) {
        co_return followed.error();
    }
    co_return Result<void>{};
}

asio::awaitable<exporters::Reloaded> App::Impl::reload() {
    co_return reload_now();
}

asio::awaitable<Result<exporters::FireAnswer>> App::Impl::fire(exporters::FireWanted wanted) {
    FireByHand command;
    command.lever = wanted.lever;
    command.subject = wanted.subject;
    command.who = wanted.who;
    command.why = wanted.why;
    command.plan = co_await effects->plan_by_hand(wanted.lever, wanted.subject, wanted.from);
    exporters::FireAnswer answer;
    answer.plan = command.plan;
    if (wanted.dry_run) {
        answer.decision = engine->preview(command, clock->now());
        co_return answer;
    }
    command.answer = std::make_shared<FireByHand::Answer>();
    const auto told = command.answer;
    const auto done = co_await driver->submit(std::move(command));
    if (!done.durable) {
        co_return Error{"the ledger could not be written, so nothing was fired",
                        "check the disk, then say it again"};
    }
    answer.decision = told->decision;
    answer.intent = told->intent;
    co_return answer;
}

asio::awaitable<Result<void>> App::Impl::acknowledge(Acknowledge given) {
    const auto found = engine->view().incidents.find(given.incident);
    if (found == engine->view().incidents.end() || found->second.phase == IncidentPhase::closed ||
        open_loss(engine->view(), found->second).empty()) {
        co_return Error{fmt::format("nothing was lost in {} that waits to be acknowledged",
                                    sanitize(given.incident, 40)),
                        "see the open cases: leverd incidents --open"};
    }
    const auto id = given.incident;
    const auto kept = co_await driver->submit(std::move(given));
    if (!kept.durable) {
        co_return Error{"the ledger could not be written, so this would not survive a restart",
                        "check the disk, then say it again"};
    }
    co_return Result<void>{};
}

asio::awaitable<Result<std::string>> App::Impl::test_page(std::string sink, std::string who) {
    return pager->send_test(std::move(sink), std::move(who));
}

asio::awaitable<Result<Looked>> App::Impl::look(std::string kind, std::string target) {
    return scheduler->look_now(std::move(kind), std::move(target));
}

bool App::Impl::heartbeat(const std::string& name) {
    auto heard = heartbeats.heard(config(), name, clock->now());
    if (!heard) {
        return false;
    }
    figures->on_observation(*heard);
    last_looks.add(*heard);
    driver->post(std::move(*heard));
    return true;
}

std::shared_ptr<void> App::Impl::subscribe(std::function<void()> wake) {
    listeners.push_back(std::move(wake));
    const auto position = std::prev(listeners.end());
    const auto forget = [this, position](void*) { listeners.erase(position); };
    return std::shared_ptr<void>(static_cast<void*>(this), forget);
}

}  // namespace leverd
