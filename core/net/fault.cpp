// Why: the one table from system errors to reasons.
#include "core/net/fault.hpp"

#include "core/base/text.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace leverd::net {
namespace {

namespace errc = boost::system::errc;
namespace asio = boost::asio;

// A quiet loop serves its timers within a few milliseconds.
constexpr Millis loop_late_from{1'000};

bool is_shortage(const boost::system::error_code& ec) {
    return ec == errc::too_many_files_open || ec == errc::too_many_files_open_in_system ||
           ec == errc::no_buffer_space || ec == errc::not_enough_memory;
}

// The kernel refused before anything left this box: the family is off, no route leads there, or all
// local ports are taken.
bool is_without_route(const boost::system::error_code& ec) {
    return ec == errc::address_not_available || ec == errc::address_family_not_supported ||
           ec == errc::network_unreachable || ec == errc::network_down;
}

bool is_cut(const boost::system::error_code& ec) {
    return ec == asio::error::eof || ec == asio::error::connection_reset ||
           ec == asio::error::broken_pipe || ec == asio::error::connection_aborted ||
           ec == asio::ssl::error::stream_truncated;
}

Reason reason_of(const boost::system::error_code& ec, Phase phase) {
    switch (phase) {
        case Phase::dns:
            return Reason::dns_failure;
        case Phase::connect:
            if (ec == asio::error::connection_refused) {
                return Reason::connect_refused;
            }
            return ec == errc::timed_out ? Reason::connect_timeout : Reason::connect_failed;
        case Phase::tls:
            return Reason::tls_handshake;
        case Phase::header:
            // TLS 1.3 tells a client of its rejected handshake only when the client reads.
            return ec.category() == asio::error::get_ssl_category() ? Reason::tls_handshake
                                                                    : Reason::connection_cut;
        case Phase::body:
            return Reason::body_cut;
    }
    return Reason::connect_failed;
}

std::string_view verb(Phase phase) {
    switch (phase) {
        case Phase::dns:
            return "name lookup";
        case Phase::connect:
            return "connect";
        case Phase::tls:
            return "TLS handshake";
        case Phase::header:
            return "waiting for the answer's header";
        case Phase::body:
            return "reading the answer's body";
    }
    return "request";
}

}  // namespace

Fault timed_out(Phase phase, Millis late) {
    Fault fault;
    if (late >= loop_late_from) {
        fault.reason = Reason::loop_late;
        fault.origin = Origin::local;
        fault.detail = std::string(verb(phase)) + ": our event loop was " + format_duration(late) +
                       " late, so the deadline says nothing about the target";
        return fault;
    }
    switch (phase) {
        case Phase::dns:
            fault.reason = Reason::dns_timeout;
            break;
        case Phase::connect:
            fault.reason = Reason::connect_timeout;
            break;
        case Phase::tls:
            fault.reason = Reason::tls_timeout;
            break;
        case Phase::header:
            fault.reason = Reason::header_timeout;
            break;
        case Phase::body:
            fault.reason = Reason::body_timeout;
            break;
    }
    fault.detail = std::string(verb(phase)) + ": no end before the deadline";
    return fault;
}

Fault cancelled_fault() {
    return Fault{Reason::deadline_local, Origin::local, "cancelled"};
}

Fault io_fault(const boost::system::error_code& ec, Phase phase) {
    Fault fault;
    if (is_shortage(ec)) {
        fault.reason = Reason::no_descriptors;
        fault.origin = Origin::local;
    } else if (phase == Phase::connect && is_without_route(ec)) {
        fault.reason = Reason::no_route;
        fault.origin = Origin::local;
    } else {
        fault.reason = reason_of(ec, phase);
    }
    const std::string cause = is_cut(ec) ? "the other side cut the connection" : ec.message();
    fault.detail = std::string(verb(phase)) + ": " + sanitize(cause, 160);
    return fault;
}

}  // namespace leverd::net
