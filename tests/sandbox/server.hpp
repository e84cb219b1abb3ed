// Why: the sockets of the sandbox. Requests come out as plain structs, replies go in the same way,
// and every misbehaviour of a reply on the wire happens here.
#pragma once

#include "http.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <functional>
#include <string>

namespace sandbox {

// What the server asks of the world. Everything runs on one thread.
struct Front {
    std::function<Reply(Request&)> handle;
    std::function<bool()> reachable;  // false: connections are cut
    // A name that must not get as far as a handshake.
    std::function<bool(const std::string& host)> refuse;
};

// A context with this certificate that cuts the handshake for refused names.
// Throws boost::system::system_error.
void prepare_tls(boost::asio::ssl::context& context, const std::string& certificate_pem,
                 const std::string& key_pem, Front* front);

boost::asio::awaitable<void> listen_tls(boost::asio::ip::tcp::acceptor acceptor,
                                        boost::asio::ssl::context* context, Front* front);
boost::asio::awaitable<void> listen_plain(boost::asio::ip::tcp::acceptor acceptor, Front* front);

// A coroutine's end is of no interest; an exception out of one is a defect and ends the process.
struct Ended {
    void operator()(std::exception_ptr failure) const;
};

}  // namespace sandbox
