// Why: a person who doubts a look wants to see what it did. This stands between a look and the
// transport and notes each request, without the look knowing.
#pragma once

#include "core/base/redact.hpp"
#include "core/model/exchange.hpp"
#include "core/net/http.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace leverd::net {

class Trace final : public HttpTransport {
  public:
    static constexpr std::size_t body_shown_max = 2048;

    // Keeps the newest `kept` requests. `inner` outlives this.
    Trace(HttpTransport* inner, std::size_t kept) : inner_(inner), kept_(kept) {}

    boost::asio::awaitable<HttpResult> fetch(HttpRequest request, Deadline deadline) override;

    // Oldest first; `redactor` is told the credentials of the requests on top of what it knows. A
    // body that nobody will see need not be masked.
    std::vector<Exchange> shown(Redactor redactor, bool with_bodies = true) const;
    std::size_t left_out() const { return left_out_; }

  private:
    struct Noted {
        Exchange exchange;  // not masked yet
        std::optional<Secret> credential;
    };

    HttpTransport* inner_;
    std::size_t kept_;
    std::size_t left_out_ = 0;
    std::deque<Noted> noted_;
};

}  // namespace leverd::net
