// Why: what the faces may ask of the daemon. Changes go through the engine as events and answer
// once they are durable.
#include "core/model/codec.hpp"
#include "daemon/app_impl.hpp"

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
    now_figures.config_reload_ok = reload_ok;
    now_figures.config_reloaded = reloaded;
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
    now_figures.doors = door_figures();
    for (const auto& probe : config.probes) {
        now_figures.probes.insert(probe.called());
    }
    now_figures.series_limit = static_cast<std::size_t>(config.metrics.series_limit);
    return figures->page(engine->view(), engine->rules(), now_figures, clock->now());
}

exporters::Health App::Impl::healthy() const {
    const auto age = std::chrono::duration_cast<Millis>(clock->now().at - driver->last_turn().at);
    if (driver->last_turn().at != Instant{} && age > loop_age_max) {
        return {false,
                fmt::format("the last turn was {} ago; restart leverd", format_duration(age))};
    }
    return {true, "the loop turns"};
}

exporters::Health App::Impl::ready() const {
    const auto& held = engine->view();
    if (!held.ledger_writable) {
        return {false, "the ledger cannot be written, so no lever fires; check the disk of " +
                           config.daemon.state_directory};
    }
    if (!reload_ok) {
        return {false, "the last reload was refused; run leverd check"};
    }
    const bool looked = std::ranges::any_of(
        held.subjects, [](const auto& item) { return item.first.text() != "observer"; });
    if (!looked) {
        return {false, "no look has ended yet"};
    }
    return {true, "ready"};
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
    const auto owner_id = owner->id;
    ApprovalGiven given{decision, held->hash, approved, std::move(who), std::move(why)};
    const bool durable = co_await driver->submit(std::move(given));
    if (!durable) {
        co_return Error{"the ledger could not be written, so the answer was not taken",
                        "check the disk, then say it again"};
    }
    const auto found = engine->view().incidents.find(owner_id);
    const bool taken = found != engine->view().incidents.end() &&
                       (!found->second.intents.empty() ||
                        (found->second.approval && found->second.approval->decision == decision));
    if (!taken) {
        co_return Error{fmt::format("decision {} changed while you answered", decision),
                        "look again: leverd why " + found->second.subject.text()};
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> App::Impl::stop(StopCommand command) {
    // Before the engine hears of it: it would decide to fire, be refused at the last moment, and
    // have used up an attempt.
    std::error_code ignored;
    const bool stopped = command.stopped;
    if (!stopped && std::filesystem::exists(stop_file(), ignored)) {
        co_return Error{"the stop file still exists", "remove " + stop_file().string()};
    }
    const bool durable = co_await driver->submit(std::move(command));
    if (!durable) {
        co_return Error{
            "the ledger could not be written, so the stop switch would not survive a restart",
            fmt::format("levers are held now all the same; create {} to be sure",
                        stop_file().string())};
    }
    co_return Result<void>{};
}

asio::awaitable<Result<Veto>> App::Impl::veto(VetoCommand command) {
    const auto before = engine->view().vetoes;
    const bool durable = co_await driver->submit(command);
    if (!durable) {
        co_return Error{"the ledger could not be written, so the veto would not survive a restart",
                        "check the disk, then say it again; or stop everything: leverd stop"};
    }
    for (const auto& [id, held] : engine->view().vetoes) {
        const auto& set = held.set;
        if (!before.contains(id) && set.subjects == command.subjects &&
            set.lever == command.lever && set.who == command.who && set.why == command.why) {
            co_return held;
        }
    }
    co_return Error{"the veto was not taken", "see which ones are in force: leverd vetoes"};
}

asio::awaitable<Result<void>> App::Impl::lift_veto(LiftVeto command) {
    const auto id = command.id;
    const bool durable = co_await driver->submit(std::move(command));
    if (!durable) {
        co_return Error{"the ledger could not be written, so the veto stays in force",
                        "check the disk, then say it again"};
    }
    if (engine->view().vetoes.contains(id)) {
        co_return Error{"the veto is still in force", "see it: leverd vetoes"};
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> App::Impl::reload() {
    co_return reload_now();
}

asio::awaitable<Result<exporters::FireAnswer>> App::Impl::fire(exporters::FireWanted wanted) {
    FireByHand command;
    command.lever = wanted.lever;
    command.subject = wanted.subject;
    command.who = wanted.who;
    command.why = wanted.why;
    command.plan = co_await hands->plan_by_hand(wanted.lever, wanted.subject);
    exporters::FireAnswer answer;
    answer.plan = command.plan;
    if (wanted.dry_run) {
        answer.decision = engine->preview(command, clock->now());
        co_return answer;
    }
    command.answer = std::make_shared<FireByHand::Answer>();
    const auto told = command.answer;
    const bool durable = co_await driver->submit(std::move(command));
    if (!durable) {
        co_return Error{"the ledger could not be written, so nothing was fired",
                        "check the disk, then say it again"};
    }
    answer.decision = told->decision;
    answer.intent = told->intent;
    co_return answer;
}

asio::awaitable<Result<Looked>> App::Impl::look(std::string kind, std::string target) {
    return scheduler->look_now(std::move(kind), std::move(target));
}

bool App::Impl::heartbeat(const std::string& name) {
    auto heard = heartbeats.heard(config, name, clock->now());
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
