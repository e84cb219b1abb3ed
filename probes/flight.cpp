// Why: see flight.hpp. Asio's `operation || timer` throws away which side ended and lets exceptions
// through, so the two are joined here by hand: the look's end cancels the timer.
#include "probes/flight.hpp"

#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <exception>

namespace leverd::probes {
namespace asio = boost::asio;

namespace {

// A cancelled look runs to its own end instead of being thrown out of a co_await.
asio::awaitable<std::vector<Observation>> run_look(std::shared_ptr<Flight> flight,
                                                   LookFunction look, Task task,
                                                   net::Deadline deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::vector<Observation> observations =
        co_await look(flight->context, std::move(task), deadline);
    co_return observations;
}

std::string words_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

}  // namespace

std::shared_ptr<Flight> take_off(const asio::any_io_executor& executor, const Context& context,
                                 const ProbeKind& kind, const Task& task, net::Deadline deadline,
                                 std::size_t requests_kept) {
    auto flight = std::make_shared<Flight>(executor, context, requests_kept);
    auto on_end = [flight](std::exception_ptr thrown, std::vector<Observation> observations) {
        if (thrown) {
            flight->threw = words_of(thrown);
        }
        flight->observations = std::move(observations);
        flight->done = true;
        flight->ended.cancel();
    };
    asio::co_spawn(executor, run_look(flight, kind.look, task, deadline),
                   asio::bind_cancellation_slot(flight->stop.slot(), std::move(on_end)));
    return flight;
}

asio::awaitable<Landing> wait_for(std::shared_ptr<Flight> flight, net::Deadline latest) {
    flight->ended.expires_at(latest);
    while (!flight->done) {
        const bool cancelled = co_await net::is_cancelled();
        if (cancelled) {
            co_return Landing::cancelled;
        }
        const auto [error] = co_await flight->ended.async_wait(net::tuple_token);
        if (!error && !flight->done) {
            co_return Landing::overdue;
        }
    }
    co_return Landing::ended;
}

asio::awaitable<void> bring_down(std::shared_ptr<Flight> flight) {
    flight->stop.emit(asio::cancellation_type::terminal);
    flight->ended.expires_at(net::Deadline::max());
    while (!flight->done) {
        co_await flight->ended.async_wait(net::tuple_token);
    }
}

Observation local_fault(const Context& context, const ProbeKind& kind, const Task& task,
                        std::string evidence) {
    Observation seen;
    seen.subject = task.settings.subject.empty() ? subject_of(kind, task.target)
                                                 : Subject(task.settings.subject);
    seen.attributes = task.settings.attributes;
    seen.probe = task.kind;
    seen.health = Health::unknown;
    seen.reason = Reason::deadline_local;
    seen.origin = Origin::local;
    seen.evidence = sanitize(evidence, evidence_bytes_max);
    seen.seen = context.clock->now();
    seen.took = task.settings.timeout;
    return seen;
}

}  // namespace leverd::probes
