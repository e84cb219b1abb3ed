// Why: names become addresses without a thread, within the deadline, and so that a silent DNS
// server delays neither other names nor the shutdown. Private to core/net.
#pragma once

#include "core/net/fault.hpp"
#include "core/net/http.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include <memory>
#include <string>
#include <vector>

namespace leverd::net {

using Addresses = std::vector<boost::asio::ip::address>;

// Runs on one executor only.
class Resolver {
  public:
    // `nameservers`: "127.0.0.1:5353"; empty: as the system is set up.
    Resolver(boost::asio::any_io_executor executor, std::vector<std::string> nameservers);
    ~Resolver();

    // At least one address, in the order in which to try them. Literal addresses and localhost ask
    // nobody. Answers are remembered for their TTL, at most 30 s; failures are not remembered.
    boost::asio::awaitable<Attempt<Addresses>> resolve(std::string host, Deadline deadline);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace leverd::net
