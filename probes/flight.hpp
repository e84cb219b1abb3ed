// Why: a look promises to end by its deadline; this is what holds it to that. A look that does not
// keep the promise is reported and cancelled, and one that throws becomes an observation.
#pragma once

#include "probes/probe.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace leverd::probes {

// A look that is under way. Shared by whoever waits and by the look's own end.
struct Flight {
    explicit Flight(const boost::asio::any_io_executor& executor) : ended(executor) {}

    bool done = false;
    std::string threw;  // what the look threw, which none should
    std::vector<Observation> observations;
    boost::asio::cancellation_signal stop;
    boost::asio::steady_timer ended;
};

// How long after its deadline a look may still hand in its own observation.
constexpr Millis abandon_grace{250};

std::shared_ptr<Flight> take_off(const boost::asio::any_io_executor& executor, Context& context,
                                 const ProbeKind& kind, const Task& task, net::Deadline deadline);

enum class Landing { ended, overdue, cancelled };
// Waits for the look's end, at most until `latest`. The caller has switched throwing on
// cancellation off.
boost::asio::awaitable<Landing> wait_for(std::shared_ptr<Flight> flight, net::Deadline latest);
// Cancels the look and waits for its end, however long that takes.
boost::asio::awaitable<void> bring_down(std::shared_ptr<Flight> flight);

// What to say in place of a look that did not end in time, or that threw: unknown, and our fault.
Observation local_fault(const Context& context, const ProbeKind& kind, const Task& task,
                        std::string evidence);

}  // namespace leverd::probes
