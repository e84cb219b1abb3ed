// Why: every step of a fetch ends in the same vocabulary: which phase it was, what went wrong, and
// whose fault that is. Private to core/net.
#pragma once

#include "core/base/time.hpp"
#include "core/model/observation.hpp"

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <string>

namespace leverd::net {

struct Fault {
    Reason reason = Reason::connect_failed;
    Origin origin = Origin::target;
    std::string detail;
};

template <class T>
using Attempt = boost::system::result<T, Fault>;

// The request is written in the phase `header`: from then on we wait for the answer's header.
enum class Phase { dns, connect, tls, header, body };

// The deadline passed in this phase. A timer that came much too late means that our own loop was
// stuck, which says nothing about the target.
Fault timed_out(Phase phase, Millis late);

// The owner cancelled the fetch (shutdown).
Fault cancelled_fault();

// The operating system or the TLS layer ended an operation of this phase.
Fault io_fault(const boost::system::error_code& ec, Phase phase);

}  // namespace leverd::net
