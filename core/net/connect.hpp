// Why: a name may have several addresses, of which some do not work; the deadline is shared among
// them. Private to core/net.
#pragma once

#include "core/net/fault.hpp"
#include "core/net/http.hpp"
#include "core/net/resolver.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

namespace leverd::net {

// Tries the addresses in order. Each gets an equal share of the time that is left, so that one that
// never answers leaves time for the next.
boost::asio::awaitable<Attempt<boost::asio::ip::tcp::socket>> connect_any(
    boost::asio::any_io_executor executor, Addresses addresses, std::uint16_t port,
    Deadline deadline);

}  // namespace leverd::net
