// Why: see driver.hpp. The order commit-then-perform in turn_batch() is invariant 1.
#include "daemon/driver.hpp"

#include "core/net/http.hpp"
#include "daemon/masking.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <iterator>

namespace asio = boost::asio;

namespace leverd {
namespace {

// What holds levers, or says that they must be held.
bool is_urgent(const Event& event) {
    return std::holds_alternative<LedgerHealth>(event) ||
           std::holds_alternative<StopCommand>(event) ||
           std::holds_alternative<VetoCommand>(event) || std::holds_alternative<SelfReport>(event);
}

}  // namespace

Driver::Driver(asio::any_io_executor executor, const Clock& clock, Engine& engine, Ledger& ledger,
               DriverHooks hooks)
    : executor_(std::move(executor)),
      clock_(clock),
      engine_(engine),
      ledger_(ledger),
      hooks_(std::move(hooks)),
      timer_(executor_),
      last_turn_(clock.now()) {}

void Driver::wake() {
    timer_.cancel();
}

void Driver::stop() {
    stopping_ = true;
    std::erase_if(queue_, [](const Waiting& waiting) {
        return std::holds_alternative<Observation>(waiting.event);
    });
    wake();
}

void Driver::enqueue(Waiting waiting) {
    auto& lane = is_urgent(waiting.event) ? urgent_ : queue_;
    lane.push_back(std::move(waiting));
    wake();
}

Driver::Waiting Driver::next_waiting() {
    auto& lane = urgent_.empty() ? queue_ : urgent_;
    auto next = std::move(lane.front());
    lane.pop_front();
    return next;
}

void Driver::post(Event event) {
    if (const auto* look = std::get_if<Observation>(&event);
        look != nullptr && queue_.size() >= queue_limit) {
        dropped_ += 1;
        const auto older = std::ranges::find_if(queue_, [&](const Waiting& waiting) {
            const auto* other = std::get_if<Observation>(&waiting.event);
            return other != nullptr && other->subject == look->subject &&
                   other->probe == look->probe;
        });
        if (older != queue_.end()) {
            older->event = std::move(event);
        }
        return;
    }
    enqueue(Waiting{std::move(event), nullptr, {}});
}

asio::awaitable<Submitted> Driver::submit(Event event) {
    // The timer is only a signal here: it fires when the turn is over.
    auto over = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor,
                                                     asio::steady_timer::time_point::max());
    auto told = std::make_shared<Submitted>();
    Waiting waiting{std::move(event), told, {}};
    waiting.done = [over] { over->cancel(); };
    enqueue(std::move(waiting));
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await over->async_wait(token);
    co_return std::move(*told);
}

void Driver::adopt(Turn turn) {
    adopted_.push_back(std::move(turn));
    wake();
}

asio::awaitable<void> Driver::run() {
    while (!stopping_ || !adopted_.empty() || !urgent_.empty() || !queue_.empty()) {
        const auto wake_at = engine_.next_wake();
        const auto now = clock_.now().at;
        const bool due = wake_at && *wake_at <= now;
        if (idle() && !due) {
            const auto left = wake_at ? *wake_at - now : Millis{1'000};
            timer_.expires_after(std::clamp<Millis>(left, Millis{1}, Millis{1'000}));
            boost::system::error_code ignored;
            auto token = asio::redirect_error(asio::use_awaitable, ignored);
            co_await timer_.async_wait(token);
            const auto again = engine_.next_wake();
            if (idle() && again && *again > clock_.now().at && unwritten_.empty() && witnessed_) {
                last_turn_ = clock_.now();
                continue;
            }
        }
        co_await turn_batch();
        // Everybody else on this loop gets their turn between two batches, whatever waits here.
        co_await asio::post(executor_, asio::use_awaitable);
    }
}

asio::awaitable<void> Driver::turn_batch() {
    std::vector<Entry> entries;
    std::vector<Effect> effects;
    std::vector<Waiting> waiters;
    const auto take = [&](Turn turn) {
        std::ranges::move(turn.entries, std::back_inserter(entries));
        std::ranges::move(turn.effects, std::back_inserter(effects));
    };
    for (auto& turn : std::exchange(adopted_, {})) {
        take(std::move(turn));
    }
    if (hooks_.overdue) {
        if (auto report = hooks_.overdue()) {
            take(engine_.on(std::move(*report), clock_.now()));
        }
    }
    take(engine_.on(Tick{}, clock_.now()));
    const auto latest = net::deadline_in(batch_time);
    for (std::size_t i = 0; i < batch_limit && !(urgent_.empty() && queue_.empty()); ++i) {
        auto waiting = next_waiting();
        mask(waiting.event);
        auto turn = engine_.on(waiting.event, clock_.now());
        if (waiting.told) {
            waiting.told->entries = turn.entries;
            waiters.push_back(std::move(waiting));
        }
        take(std::move(turn));
        if (net::deadline_in(Millis{0}) >= latest) {
            break;
        }
    }
    const bool durable = co_await commit(std::move(entries));
    perform_all(effects, durable);
    for (const auto& waiter : waiters) {
        waiter.told->durable = durable;
        waiter.done();
    }
    last_turn_ = clock_.now();
    hooks_.turned();
}

asio::awaitable<bool> Driver::commit(std::vector<Entry> entries) {
    // Nothing to write is still asked for while the witness is in the way: it may be mended.
    if (entries.empty() && unwritten_.empty() && witnessed_) {
        co_return true;
    }
    keep_unwritten(std::move(entries));
    const auto began = net::deadline_in(Millis{0});
    auto batch = unwritten_;
    auto written = co_await ledger_.append(std::move(batch));
    const auto ended = net::deadline_in(Millis{0});
    const bool was_writable = engine_.view().ledger_writable;
    ledger_failing_ = !written;
    if (!written) {
        if (was_writable) {
            spdlog::error("event=ledger_unwritable what=\"{}\" hint=\"{}\"", written.error().what,
                          written.error().hint);
            post(LedgerHealth{false});
        }
        co_return false;
    }
    witnessed_ = written->witnessed;
    if (hooks_.wrote) {
        hooks_.wrote(*written);
    }
    for (const auto& entry : std::exchange(unwritten_, {})) {
        hooks_.recorded(entry);
    }
    hooks_.committed(ended - began);
    if (was_writable && !witnessed_) {
        spdlog::error(
            "event=witness_unwritable what=\"the ledger's witness cannot be written, so "
            "no lever fires\" hint=\"make its directory writable for leverd\"");
        post(LedgerHealth{false});
    }
    if (!was_writable && witnessed_) {
        spdlog::info("event=ledger_writable_again");
        post(LedgerHealth{true});
    }
    co_return true;
}

void Driver::keep_unwritten(std::vector<Entry> entries) {
    std::ranges::move(entries, std::back_inserter(unwritten_));
    if (unwritten_.size() <= unwritten_limit) {
        return;
    }
    // Looks can be made again; what was decided cannot.
    std::erase_if(unwritten_,
                  [](const Entry& entry) { return std::holds_alternative<Observed>(entry.body); });
}

void Driver::perform_all(const std::vector<Effect>& effects, bool durable) {
    for (const auto& effect : effects) {
        const auto* fire = std::get_if<FireLever>(&effect);
        if (fire != nullptr && !(durable && witnessed_)) {
            post(Outcome{fire->intent.id,
                         OutcomeKind::refused,
                         durable ? "the ledger's witness could not be written, so nothing was sent"
                                 : "the intent could not be written to the ledger, so nothing was "
                                   "sent",
                         {}});
            continue;
        }
        if (const auto* page = std::get_if<SendPage>(&effect); page != nullptr && !durable) {
            auto told = *page;
            told.page.unwritten = true;
            hooks_.perform(told);
            continue;
        }
        hooks_.perform(effect);
    }
}

}  // namespace leverd
