// Why: a person who doubts a look wants to see what it did. This stands between a look and the
// transport and notes each request, without the look knowing.
#pragma once

#include "core/model/exchange.hpp"
#include "core/net/http.hpp"

#include <deque>
#include <vector>

namespace leverd::net {

class Trace final : public HttpTransport {
  public:
    static constexpr std::size_t body_shown_max = 2048;

    // Keeps the newest `kept` requests. `inner` outlives this.
    Trace(HttpTransport* inner, std::size_t kept) : inner_(inner), kept_(kept) {}

    boost::asio::awaitable<HttpResult> fetch(HttpRequest request, Deadline deadline) override;

    // Oldest first and redacted. A body that nobody will see need not be.
    std::vector<Exchange> shown(bool with_bodies = true) const;
    std::size_t left_out() const { return left_out_; }

  private:
    HttpTransport* inner_;
    std::size_t kept_;
    std::size_t left_out_ = 0;
    std::deque<Exchange> noted_;  // not masked yet
};

}  // namespace leverd::net
