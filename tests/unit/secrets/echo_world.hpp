// Why: the worst upstream: it gives everything back that it was sent, in status, headers, body or
// the words of a failure, in whatever coat. Whoever looks at it or acts on it must not pass it on.
#pragma once

#include "config/checks.hpp"
#include "core/model/inventory.hpp"
#include "core/net/dialer.hpp"
#include "core/net/http.hpp"
#include "tests/unit/base/echo_forms.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leverd::test {

enum class Echo { body_of_200, body_of_500, body_of_401, body_of_404, header, failure };
inline constexpr Echo all_echoes[] = {Echo::body_of_200, Echo::body_of_500, Echo::body_of_401,
                                      Echo::body_of_404, Echo::header,      Echo::failure};

class EchoHttp final : public net::HttpTransport {
  public:
    boost::asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                                  net::Deadline deadline) override;
    Echo how = Echo::body_of_500;
    const EchoForm* form = nullptr;
    int asked = 0;
};

class EchoDialer final : public net::Dialer {
  public:
    boost::asio::awaitable<net::DialResult> dial(net::DialRequest request,
                                                 net::Deadline deadline) override;
    boost::asio::awaitable<net::RecordsResult> records(std::string host, net::RecordType type,
                                                       std::string nameserver,
                                                       net::Deadline deadline) override;
    Echo how = Echo::body_of_500;
    std::string said;
};

class StillClock final : public Clock {
  public:
    Now now() const override {
        return {Instant{Millis{5'000'000}}, WallTime{Millis{1'778'090'400'000}}};
    }
};

// A configuration in which everything has a credential of its own, and an inventory.
class EchoWorld {
  public:
    EchoWorld();

    void echo(Echo how, const EchoForm& form);
    // The names of the secrets of which any form stands in the text.
    std::string leaked(const std::string& text) const;
    // One secret in the present coat.
    std::string worn(const std::string& name) const;

    std::map<std::string, Secret> secrets;
    std::string admin_token;  // of the tenant
    config::Config config;
    Inventory inventory;
    StillClock clock;
    EchoHttp http;
    EchoDialer dialer;
    const EchoForm* form = nullptr;

  private:
    std::map<std::string, std::vector<std::string>> needles_;  // by the secret's name
};

inline const std::string slug = "acme";
inline const std::string organisation = "11111111-2222-4333-8444-555555555555";
inline const std::string workspace = "99999999-2222-4333-8444-555555555555";

template <class T>
T run_one(boost::asio::awaitable<T> task) {
    boost::asio::io_context io;
    std::optional<T> out;
    std::exception_ptr thrown;
    boost::asio::co_spawn(io, std::move(task), [&out, &thrown](std::exception_ptr e, T value) {
        thrown = e;
        out.emplace(std::move(value));
    });
    io.run();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    return std::move(*out);
}

}  // namespace leverd::test
