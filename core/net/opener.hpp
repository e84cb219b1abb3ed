// Why: a dialed look and a standing stream begin alike: a name, an address that answers, and TLS
// over it, all by one deadline. Private to core/net.
#pragma once

#include "core/net/fault.hpp"
#include "core/net/http.hpp"
#include "core/net/resolver.hpp"
#include "core/net/stream.hpp"
#include "core/net/tls.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace leverd::net {

// Adds the time since the last mark to a phase.
class StopWatch {
  public:
    void mark(Millis& phase) {
        const auto now = std::chrono::steady_clock::now();
        phase += std::chrono::duration_cast<Millis>(now - since_);
        since_ = now;
    }

  private:
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// Must outlive what it opens for: keep it in a shared_ptr that the coroutines hold.
class Opener {
  public:
    Opener(boost::asio::any_io_executor executor, const TransportOptions& options);

    struct Where {
        std::string host;
        std::uint16_t port = 0;
        bool tls = false;
        std::string server_name;  // in the handshake and in the certificate
    };
    // With tls always a full handshake.
    boost::asio::awaitable<Attempt<std::unique_ptr<Stream>>> open(Where where, Deadline deadline,
                                                                  Phases* phases);

    const boost::asio::any_io_executor& executor() const { return executor_; }
    const TransportOptions& options() const { return options_; }

  private:
    boost::asio::any_io_executor executor_;
    TransportOptions options_;
    Resolver resolver_;
    std::optional<TlsClient> tls_;  // reading the trusted certificates costs: at the first use
};

}  // namespace leverd::net
