// Why: a look promises to end by its deadline; this is what holds it to that. A look that does not
// keep the promise is reported and cancelled, and one that throws becomes an observation.
#pragma once

#include "core/net/trace.hpp"
#include "probes/probe.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace leverd::probes {

// A look that is under way. Shared by whoever waits and by the look's own end, so that all that the
// look reads lives as long as it runs, whatever becomes of those who wait.
struct Flight {
    Flight(const boost::asio::any_io_executor& executor, Context shared, std::size_t requests_kept)
        : context(std::move(shared)), trace(context.http, requests_kept), ended(executor) {
        context.http = &trace;
    }

    Context context;  // requests go through `trace`
    net::Trace trace;
    bool done = false;
    std::string threw;  // what the look threw, which none should
    std::vector<Observation> observations;
    boost::asio::cancellation_signal stop;
    boost::asio::steady_timer ended;
};

// How long after its deadline a look may still hand in its own observation.
constexpr Millis abandon_grace{250};

// `requests_kept`: how many of the look's newest requests can be shown.
std::shared_ptr<Flight> take_off(const boost::asio::any_io_executor& executor,
                                 const Context& context, const ProbeKind& kind, const Task& task,
                                 net::Deadline deadline, std::size_t requests_kept);

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
