// Why: the one HTTP client of the daemon. One absolute deadline covers DNS, connect, TLS, request,
// header and body; everything a remote side can send is capped; a failure says in which phase it
// happened and whose fault it is.
#pragma once

#include "core/base/secret.hpp"
#include "core/base/time.hpp"
#include "core/model/observation.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leverd::net {

// Steady machine time; deadlines are about this process only and are never stored.
using Deadline = std::chrono::steady_clock::time_point;
Deadline deadline_in(Millis d);

struct HttpRequest {
    std::string method = "GET";
    std::string url;  // absolute http:// or https://
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::optional<Secret> bearer;                         // Authorization: Bearer
    std::optional<std::pair<std::string, Secret>> basic;  // Authorization: Basic
    std::size_t body_limit = 1U << 20;                    // bytes; more is Reason::body_too_large
    bool fresh_connection = false;                        // do not reuse a kept-alive connection
};

struct HttpResponse {
    int status = 0;
    std::map<std::string, std::string>
        headers;  // names in lower case; repeated ones joined by ", "
    std::string body;
    Phases phases;
    std::optional<WallTime> certificate_expires;  // of the leaf, for https

    // The header's value, or empty.
    const std::string& header(const std::string& lower_case_name) const;
};

struct HttpFailure {
    Reason reason = Reason::connect_failed;
    Origin origin = Origin::target;
    std::string detail;  // sanitized, no secrets
    Phases phases;
    bool sent = false;  // true once any byte of the request may have reached the target: the effect
                        // is then unknown, unless the status tells
    // The answer's status and Retry-After where they came before it went wrong: whoever asks only
    // whether he was heard needs no body. 0: no final status came.
    int status = 0;
    std::string retry_after;
};

using HttpResult = boost::system::result<HttpResponse, HttpFailure>;

// Seam for tests and simulation.
class HttpTransport {
  public:
    virtual ~HttpTransport() = default;
    // Never throws. Redirects are answers, not followed. Requests other than GET and HEAD open a
    // connection of their own and are never sent twice; GET and HEAD are sent once more on a new
    // connection when a kept one turns out to be dead.
    virtual boost::asio::awaitable<HttpResult> fetch(HttpRequest request, Deadline deadline) = 0;
};

struct TransportOptions {
    std::string ca_file;                   // PEM; empty: the system's store
    std::vector<std::string> nameservers;  // "127.0.0.1:5353"; empty: as the system is set up
    std::string user_agent = "leverd";
    std::size_t header_limit = 16U << 10;
    std::size_t idle_connections_max = 256;
    Millis idle_for{30'000};  // an idle connection older than this is closed
    // However often it is used, a connection goes after this time: behind the name may be another
    // machine by then, and the target may have another certificate.
    Millis connection_age_max{60'000};
};

// Runs on the given executor only (one thread or strand). Destroy it after the executor stopped or
// all fetches ended.
std::unique_ptr<HttpTransport> make_transport(boost::asio::any_io_executor executor,
                                              TransportOptions options);

}  // namespace leverd::net
