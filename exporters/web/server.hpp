// Why: one Beast server for page, metrics and API, on a TCP address and on the command line's unix
// socket.
#pragma once

#include "core/base/secret.hpp"
#include "core/base/time.hpp"
#include "core/net/task_group.hpp"
#include "exporters/web/access.hpp"
#include "exporters/web/backend.hpp"
#include "exporters/web/figures.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>

namespace leverd::exporters {

// What one remote side may take from us.
struct WebLimits {
    std::size_t header_bytes = 8U << 10;
    std::size_t body_bytes = 64U << 10;
    std::size_t event_bytes = 256U << 10;  // body of a webhook: forges send a lot
    std::size_t connections = 64;          // per listener; then the one that asks nothing leaves
    std::size_t per_peer = 48;             // of these, for one address or one user of the box
    std::size_t reserved = 8;              // beside these, for /metrics, health and the stop switch
    std::size_t streams = 32;              // of these, so that open pages cannot shut a person out
    Millis header{5'000};       // from connecting, or the first byte, to the end of the head
    Millis request{10'000};     // for the body; the same for the answer
    Millis stalled{2'000};      // reading an answer for longer may cost the seat when none is free
    Millis idle{30'000};        // between two requests
    Millis keep_alive{15'000};  // a comment on a silent stream
    Millis coalesce{250};       // between two events of a stream
};

struct WebOptions {
    std::string listen;                       // "127.0.0.1:9847"; port 0 picks a free one
    std::string socket;                       // path of the unix socket; empty: none
    std::shared_ptr<const ApiTokens> tokens;  // for changes over TCP; none: they are refused
    WebLimits limits{};
};

class WebServer {
  public:
    // Binds both; an Error names the address and what holds it.
    static Result<std::unique_ptr<WebServer>> bind(boost::asio::any_io_executor executor,
                                                   net::TaskGroup& tasks, Backend& backend,
                                                   WebOptions options);
    ~WebServer();
    unsigned short port() const;
    // From now on; for requests that were read before it, too.
    void set_tokens(ApiTokens tokens);
    WebFigures figures() const;
    void start();  // accepts from now on, as tasks of the group

  private:
    struct Impl;
    explicit WebServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace leverd::exporters
