// Why: a name may have several addresses, of which some do not work. They are tried side by side, a
// little apart (RFC 8305), so that a dead one costs a moment and not the look. Private to core/net.
#pragma once

#include "core/net/fault.hpp"
#include "core/net/http.hpp"
#include "core/net/resolver.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

namespace leverd::net {

struct Connected {
    boost::asio::ip::tcp::socket socket;
    Millis took{0};  // of the address that answered, without the time that was given to others
};

// Tries the addresses in order; the next one begins when one failed, or after 250 ms. The first to
// connect wins. An address that this box has no way to (its family is off, no route leads there)
// says nothing about the target while another one is left.
boost::asio::awaitable<Attempt<Connected>> connect_any(boost::asio::any_io_executor executor,
                                                       Addresses addresses, std::uint16_t port,
                                                       Deadline deadline);

}  // namespace leverd::net
