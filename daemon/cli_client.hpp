// Why: the command line talks to the running daemon over its unix socket, where the kernel says who
// is calling. Blocking, one request per connection.
#pragma once

#include "core/base/result.hpp"
#include "daemon/app.hpp"

#include <string>

namespace leverd::cli {

struct Answer {
    int status = 0;
    std::string body;
};

struct Failure {
    Exit code = Exit::unreachable;
    Error error;
};

// unreachable: nothing was asked. unknown: a change was sent and its answer was lost.
boost::system::result<Answer, Failure> call_daemon(const std::string& socket_path,
                                                   const std::string& method,
                                                   const std::string& target,
                                                   const std::string& body);

}  // namespace leverd::cli
