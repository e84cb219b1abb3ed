// Why: see scheduler.hpp. Time here is this process's steady time; it is never stored, and a
// suspend or a clock step moves no look.
#include "probes/scheduler.hpp"

#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"
#include "probes/common.hpp"

#include <algorithm>
#include <limits>

namespace leverd::probes {
namespace asio = boost::asio;

namespace {

// First looks of one kind are spread over at most this long, so that a long interval does not mean
// a long silence after a start.
constexpr Millis first_spread_max{15'000};

net::Deadline steady_now() {
    return net::deadline_in(Millis{0});
}

// FNV-1a: the same target gets the same place in the interval on every start and on every box.
std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    return hash;
}

Millis first_delay(const Task& task) {
    // A kind with a single target has no herd to spread, and discovery must not wait.
    const Millis spread = std::min(task.settings.interval, first_spread_max);
    if ((task.target.empty() && !task.settings.check) || spread <= Millis{0}) {
        return Millis{0};
    }
    const auto hash = stable_hash(task.kind + "/" + task.target);
    return Millis{static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(spread.count()))};
}

// The request with which a look ended, for people. A body is shown only where something is wrong,
// and not when it answered a login well: such bodies hold what people wrote, and tokens.
std::shared_ptr<const Exchange> last_answer(const net::Trace& trace,
                                            const std::vector<Observation>& observations) {
    const bool well = std::all_of(observations.begin(), observations.end(),
                                  [](const auto& one) { return one.health == Health::healthy; });
    std::vector<Exchange> shown = trace.shown(!well);
    if (shown.empty()) {
        return nullptr;
    }
    Exchange& last = shown.back();
    if (last.login && last.status >= 200 && last.status < 300) {
        last.body.clear();
    }
    last.sent.clear();
    last.headers.clear();
    return std::make_shared<const Exchange>(std::move(last));
}

// What is called so: a kind, or a general probe by its name.
const config::ProbeSettings* settings_of(const config::Config& config, std::string_view called) {
    const auto it = std::find_if(
        config.probes.begin(), config.probes.end(),
        [called](const config::ProbeSettings& probe) { return probe.called() == called; });
    return it == config.probes.end() ? nullptr : &*it;
}

}  // namespace

Scheduler::Scheduler(asio::any_io_executor executor, Context& context, net::TaskGroup& group,
                     SchedulerHooks hooks, const std::vector<ProbeKind>& kinds)
    : executor_(std::move(executor)),
      context_(context),
      group_(group),
      hooks_(std::move(hooks)),
      kinds_(kinds),
      timer_(executor_) {}

Scheduler::~Scheduler() = default;

asio::awaitable<void> Scheduler::run() {
    co_await asio::this_coro::throw_if_cancelled(false);
    refresh();
    bool cancelled = false;
    while (!cancelled) {
        woken_ = false;
        start_due();
        if (!woken_) {
            const auto cap = static_cast<std::size_t>(context_.config->daemon.probes_in_flight);
            const bool waiting = queue_.empty() || counters_.in_flight >= cap;
            const net::Deadline next = waiting ? net::Deadline::max() : queue_.begin()->first;
            timer_.expires_at(next);
            co_await timer_.async_wait(net::tuple_token);
        }
        cancelled = co_await net::is_cancelled();
    }
}

void Scheduler::wake() {
    woken_ = true;
    timer_.cancel();
}

void Scheduler::refresh() {
    rebuild_budget();
    std::set<Key> wanted;
    for (const config::ProbeSettings& settings : context_.config->probes) {
        const ProbeKind* kind = kind_of(settings);
        if (kind == nullptr) {
            continue;
        }
        for (const std::string& target : kind->targets(context_)) {
            Key key{settings.called(), target};
            const auto it = entries_.find(key);
            if (it == entries_.end()) {
                add(*kind, Task{key.first, target, settings});
            } else {
                it->second.kind = kind;  // a reload may give a name to another kind
                update(it->second, settings);
            }
            wanted.insert(std::move(key));
        }
    }
    drop_all_but(wanted);
    counters_.tasks = wanted.size();
    wake();
}

const ProbeKind* Scheduler::kind_of(const config::ProbeSettings& settings) const {
    const auto row = std::find_if(kinds_.begin(), kinds_.end(), [&settings](const ProbeKind& kind) {
        return kind.name == settings.kind;
    });
    return row == kinds_.end() ? nullptr : &*row;
}

void Scheduler::add(const ProbeKind& kind, const Task& task) {
    Entry& entry = entries_[Key{task.kind, task.target}];
    entry.task = task;
    entry.kind = &kind;
    queue(entry, steady_now() + first_delay(task));
}

void Scheduler::update(Entry& entry, const config::ProbeSettings& settings) {
    entry.gone = false;
    entry.task.settings = settings;
    const net::Deadline latest = steady_now() + settings.interval;
    if (!entry.running && entry.due > latest) {
        queue(entry, latest);
    }
}

void Scheduler::drop_all_but(const std::set<Key>& wanted) {
    for (auto it = entries_.begin(); it != entries_.end();) {
        if (wanted.contains(it->first)) {
            ++it;
        } else if (it->second.running) {
            it->second.gone = true;
            ++it;
        } else {
            queue_.erase({it->second.due, it->first});
            waiting_slow_.erase({it->second.due, it->first});
            it = entries_.erase(it);
        }
    }
}

void Scheduler::queue(Entry& entry, net::Deadline due) {
    const Key key{entry.task.kind, entry.task.target};
    queue_.erase({entry.due, key});
    waiting_slow_.erase({entry.due, key});
    entry.due = due;
    queue_.insert({due, key});
}

// Each kind that asks tenants has its own equal part of the share, so that reading history cannot
// starve the look at health.
void Scheduler::rebuild_budget() {
    int spenders = 0;
    for (const ProbeKind& kind : kinds_) {
        const bool runs = settings_of(*context_.config, kind.name) != nullptr;
        spenders += kind.cost != nullptr && runs ? 1 : 0;
    }
    spenders_ = std::max(spenders, 1);
    const int share = context_.config->tenants.requests_per_minute / spenders_;
    if (!budget_ || share != budget_share_) {
        budget_share_ = share;
        budget_ = std::make_unique<stack::RequestBudget>(share);
    }
}

bool Scheduler::within_budget(const Entry& entry) {
    if (entry.kind->cost == nullptr) {
        return true;
    }
    const int cost = entry.kind->cost(context_, entry.task.target);
    double most = std::numeric_limits<double>::infinity();
    const auto& paces = context_.inventory->paces;
    if (const auto pace = paces.find(entry.task.target);
        pace != paces.end() && pace->second.limit > 0) {
        most = pace->second.limit * context_.config->tenants.share_percent / 100 / spenders_;
    }
    return budget_->take(entry.task.target + "/" + entry.task.kind, cost, context_.clock->now().at,
                         most);
}

Millis Scheduler::pause(Entry& entry) {
    if (entry.kind->cost == nullptr) {
        return Millis{0};
    }
    const Now now = context_.clock->now();
    const auto& paces = context_.inventory->paces;
    const auto pace = paces.find(entry.task.target);
    if (pace == paces.end() || pace->second.not_before <= now.at) {
        return Millis{0};
    }
    const Millis wait = pace->second.not_before - now.at;
    if (std::exchange(entry.paced, pace->second.not_before) != pace->second.not_before) {
        Observation seen = observation(
            subject_of(*entry.kind, entry.task.target), entry.task, Health::unknown,
            Reason::rate_limited, "no look for " + format_duration(wait) + ": " + pace->second.why);
        seen.attributes["tenant"] = entry.task.target;
        entry.owes = true;
        std::vector<Observation> said = probes::finish(context_, now, {std::move(seen)});
        if (hooks_.on_result) {
            hooks_.on_result(said.front(), nullptr);
        }
        if (hooks_.on_observation) {
            hooks_.on_observation(std::move(said.front()));
        }
    }
    return wait;
}

bool Scheduler::lane_is_full() const {
    const auto cap = static_cast<std::size_t>(context_.config->daemon.probes_in_flight);
    return slow_in_flight_ >= std::max<std::size_t>(cap / 2, 1);
}

void Scheduler::start_due() {
    const auto cap = static_cast<std::size_t>(context_.config->daemon.probes_in_flight);
    const net::Deadline now = steady_now();
    while (!waiting_slow_.empty() && !lane_is_full() && counters_.in_flight < cap) {
        start(entries_.at(waiting_slow_.begin()->second), now);
    }
    while (!queue_.empty() && queue_.begin()->first <= now && counters_.in_flight < cap) {
        const auto first = *queue_.begin();
        Entry& entry = entries_.at(first.second);
        if (entry.slow && lane_is_full()) {
            queue_.erase(queue_.begin());
            waiting_slow_.insert(first);
            continue;
        }
        start(entry, now);
    }
}

void Scheduler::start(Entry& entry, net::Deadline now) {
    newest_sign_ = now;
    if (const Millis wait = pause(entry); wait > Millis{0}) {
        ++counters_.skipped_budget;
        queue(entry, now + wait);
        return;
    }
    if (!within_budget(entry)) {
        ++counters_.skipped_budget;
        const config::ProbeSettings& settings = entry.task.settings;
        queue(entry, now + std::max({settings.retry, settings.interval / 4, Millis{1}}));
        return;
    }
    const Key key{entry.task.kind, entry.task.target};
    queue_.erase({entry.due, key});
    waiting_slow_.erase({entry.due, key});
    if (hooks_.on_lateness) {
        hooks_.on_lateness(
            std::max(std::chrono::duration_cast<Millis>(now - entry.due), Millis{0}));
    }
    entry.running = true;
    entry.soon = false;
    entry.began = now;
    slow_in_flight_ += entry.slow ? 1U : 0U;
    ++counters_.looks;
    ++counters_.in_flight;
    group_.spawn("look " + key.first + " " + key.second, look(key, entry.task, entry.kind),
                 net::TaskRole::answerable);
}

// Whatever happens on the way, the target is taken up again and the engine hears of the look.
asio::awaitable<void> Scheduler::look(Key key, Task task, const ProbeKind* kind) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const net::Deadline deadline = net::deadline_in(task.settings.timeout);
    std::shared_ptr<Flight> flight;
    std::string threw;
    try {
        flight = take_off(executor_, context_, *kind, task, deadline, 1);
        co_await follow(key, task, kind, flight, deadline + abandon_grace);
    } catch (...) {
        threw = net::what_of(std::current_exception());
    }
    if (!threw.empty()) {
        if (flight) {
            co_await bring_down(flight);
        }
        std::vector<Observation> fault{
            local_fault(context_, *kind, task, "looking failed inside leverd: " + threw)};
        publish(key, std::move(fault), net::Trace(context_.http, 0));
    }
    finish(key);
}

asio::awaitable<void> Scheduler::follow(Key key, Task task, const ProbeKind* kind,
                                        std::shared_ptr<Flight> flight, net::Deadline latest) {
    const Landing landing = co_await wait_for(flight, latest);
    if (landing == Landing::cancelled) {
        co_await bring_down(flight);
        co_return;
    }
    std::vector<Observation> observations;
    if (landing == Landing::overdue) {
        // Said at once; the task itself stays taken until the look has really ended.
        ++counters_.abandoned;
        observations.push_back(
            local_fault(context_, *kind, task, "the look did not end by its own deadline"));
        publish(key, std::move(observations), flight->trace);
        co_await bring_down(flight);
    } else if (!flight->threw.empty()) {
        observations.push_back(
            local_fault(context_, *kind, task, "the look threw: " + flight->threw));
        publish(key, std::move(observations), flight->trace);
    } else {
        publish(key, std::move(flight->observations), flight->trace);
    }
}

// A look that did not end, or was put off, is said of its target: a tenant. Looks at what the
// tenant holds do not speak of it again, so it would be unknown for ever.
void Scheduler::take_back(Entry& entry, std::vector<Observation>& observations) {
    // A look that had nothing to look at proves nothing.
    if (entry.kind->subject_kind != "tenant" || observations.empty()) {
        return;
    }
    const Subject own = subject_of(*entry.kind, entry.task.target);
    bool said = false;
    bool unknown = false;
    for (const Observation& one : observations) {
        said = said || one.subject == own;
        unknown = unknown || one.health == Health::unknown;
    }
    if (!said && entry.owes && !unknown) {
        auto again = observation(own, entry.task, Health::healthy, Reason::ok,
                                 "it is looked at; its looks speak of what it holds");
        again.attributes["tenant"] = entry.task.target;
        for (auto& one : probes::finish(context_, context_.clock->now(), {std::move(again)})) {
            observations.push_back(std::move(one));
        }
    }
    entry.owes = unknown;
}

void Scheduler::publish(const Key& key, std::vector<Observation> observations,
                        const net::Trace& trace) {
    const auto it = entries_.find(key);
    if (it == entries_.end() || it->second.gone || !hooks_.on_observation) {
        return;
    }
    take_back(it->second, observations);
    const auto answer = hooks_.on_result ? last_answer(trace, observations) : nullptr;
    for (Observation& observation : observations) {
        if (hooks_.on_result) {
            hooks_.on_result(observation, answer);
        }
        hooks_.on_observation(std::move(observation));
    }
}

void Scheduler::finish(const Key& key) {
    newest_sign_ = steady_now();
    --counters_.in_flight;
    Entry& entry = entries_.at(key);
    entry.running = false;
    slow_in_flight_ -= entry.slow ? 1U : 0U;
    entry.slow = steady_now() - entry.began > entry.task.settings.timeout / 2;
    const bool discovers = entry.kind->discovers;
    if (entry.gone) {
        entries_.erase(key);
    } else {
        const net::Deadline now = steady_now();
        const Millis interval = std::max(entry.task.settings.interval, Millis{1});
        // The rhythm is kept: intervals that passed meanwhile are skipped, not made up for.
        net::Deadline next = entry.due + interval;
        if (next <= now) {
            const auto missed = (now - next) / interval + 1;
            counters_.skipped_overlap += static_cast<std::uint64_t>(missed);
            next += missed * interval;
        }
        if (entry.soon) {
            next = std::min(next, now + entry.task.settings.retry);
        }
        queue(entry, next);
        if (std::exchange(entry.hinted, false)) {
            take_hint(entry);
        }
    }
    if (discovers) {
        refresh();
    }
    wake();
}

asio::awaitable<Result<Looked>> Scheduler::look_now(std::string kind, std::string target) {
    constexpr std::size_t requests_kept = 50;
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    Task task{kind, target, {}};
    task.settings.kind = kind;  // also a kind that does not run may be asked once
    if (const auto* settings = settings_of(*context_.config, kind)) {
        task.settings = *settings;
    }
    const ProbeKind* row = kind_of(task.settings);
    std::vector<std::string> targets;
    if (row != nullptr) {
        targets = row->targets(context_);
    }
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) {
        co_await asio::this_coro::throw_if_cancelled(threw);
        co_return Error{"nothing to look at: " + sanitize(kind + " " + target, 200),
                        row == nullptr ? "no such probe kind" : "no such target"};
    }
    const net::Deadline deadline = net::deadline_in(task.settings.timeout);
    std::shared_ptr<Flight> flight =
        take_off(executor_, context_, *row, task, deadline, requests_kept);
    const Landing landing = co_await wait_for(flight, deadline + abandon_grace);
    Looked looked;
    if (landing == Landing::ended && flight->threw.empty()) {
        looked.observations = std::move(flight->observations);
    } else {
        const std::string why = flight->threw.empty() ? "the look did not end in time"
                                                      : "the look threw: " + flight->threw;
        looked.observations.push_back(local_fault(context_, *row, task, why));
    }
    co_await bring_down(flight);
    looked.requests = flight->trace.shown();
    looked.left_out = flight->trace.left_out();
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return looked;
}

Millis Scheduler::stalled_for() const {
    const net::Deadline now = steady_now();
    net::Deadline expected = now;
    for (const auto& [key, entry] : entries_) {
        const auto& timeout = entry.task.settings.timeout;
        expected =
            std::min(expected, entry.running ? entry.began + timeout + abandon_grace : entry.due);
    }
    return std::chrono::duration_cast<Millis>(now - std::max(expected, newest_sign_));
}

SchedulerCounters Scheduler::counters() const {
    return counters_;
}

}  // namespace leverd::probes
