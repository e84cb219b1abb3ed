// Why: see driver.hpp. The order commit-then-perform in turn_batch() is invariant 1.
#include "daemon/driver.hpp"

#include "core/net/http.hpp"
#include "daemon/masking.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <iterator>

namespace asio = boost::asio;

namespace leverd {

Driver::Driver(asio::any_io_executor executor, const Clock& clock, Engine& engine, Ledger& ledger,
               DriverHooks hooks)
    : executor_(std::move(executor)),
      clock_(clock),
      engine_(engine),
      ledger_(ledger),
      hooks_(std::move(hooks)),
      timer_(executor_) {}

void Driver::wake() {
    timer_.cancel();
}

void Driver::stop() {
    stopping_ = true;
    wake();
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
    queue_.push_back(Waiting{std::move(event), {}});
    wake();
}

asio::awaitable<bool> Driver::submit(Event event) {
    // The timer is only a signal here: it fires when the turn is over.
    auto over = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor,
                                                     asio::steady_timer::time_point::max());
    auto durable = std::make_shared<bool>(false);
    Waiting waiting{std::move(event), {}};
    waiting.done = [over, durable](bool ok) {
        *durable = ok;
        over->cancel();
    };
    queue_.push_back(std::move(waiting));
    wake();
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await over->async_wait(token);
    co_return *durable;
}

void Driver::adopt(Turn turn) {
    adopted_.push_back(std::move(turn));
    wake();
}

asio::awaitable<void> Driver::run() {
    while (!stopping_ || !queue_.empty()) {
        const auto wake_at = engine_.next_wake();
        const auto now = clock_.now().at;
        const bool due = wake_at && *wake_at <= now;
        if (queue_.empty() && adopted_.empty() && !due) {
            const auto left = wake_at ? *wake_at - now : Millis{1'000};
            timer_.expires_after(std::clamp<Millis>(left, Millis{1}, Millis{1'000}));
            boost::system::error_code ignored;
            auto token = asio::redirect_error(asio::use_awaitable, ignored);
            co_await timer_.async_wait(token);
            const auto again = engine_.next_wake();
            const bool idle =
                queue_.empty() && adopted_.empty() && again && *again > clock_.now().at;
            if (idle && unwritten_.empty()) {
                last_turn_ = clock_.now();
                continue;
            }
        }
        co_await turn_batch();
    }
}

asio::awaitable<void> Driver::turn_batch() {
    std::vector<Entry> entries;
    std::vector<Effect> effects;
    std::vector<std::function<void(bool)>> waiters;
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
    for (std::size_t i = 0; i < batch_limit && !queue_.empty(); ++i) {
        auto waiting = std::move(queue_.front());
        queue_.pop_front();
        mask(waiting.event);
        take(engine_.on(waiting.event, clock_.now()));
        if (waiting.done) {
            waiters.push_back(std::move(waiting.done));
        }
    }
    const bool durable = co_await commit(std::move(entries));
    perform_all(effects, durable);
    for (const auto& done : waiters) {
        done(durable);
    }
    last_turn_ = clock_.now();
    hooks_.turned();
}

asio::awaitable<bool> Driver::commit(std::vector<Entry> entries) {
    if (entries.empty() && unwritten_.empty()) {
        co_return true;
    }
    keep_unwritten(std::move(entries));
    const auto began = net::deadline_in(Millis{0});
    auto batch = unwritten_;
    auto written = co_await ledger_.append(std::move(batch));
    const auto ended = net::deadline_in(Millis{0});
    const bool was_writable = engine_.view().ledger_writable;
    if (!written) {
        if (was_writable) {
            spdlog::error("event=ledger_unwritable what=\"{}\" hint=\"{}\"", written.error().what,
                          written.error().hint);
            post(LedgerHealth{false});
        }
        co_return false;
    }
    for (const auto& entry : std::exchange(unwritten_, {})) {
        hooks_.recorded(entry);
    }
    hooks_.committed(ended - began);
    if (!was_writable) {
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
        if (fire != nullptr && !durable) {
            post(Outcome{fire->intent.id,
                         OutcomeKind::refused,
                         "the intent could not be written to the ledger, so nothing was sent",
                         {}});
            continue;
        }
        hooks_.perform(effect);
    }
}

}  // namespace leverd
