// Why: above the sockets nobody cares whether bytes are encrypted; this is the one seam, and the
// heavy templates stay below it. Private to core/net.
#pragma once

#include "core/base/time.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <openssl/ssl.h>

#include <memory>
#include <optional>

namespace leverd::net {

struct Transferred {
    boost::system::error_code ec;
    std::size_t bytes = 0;
};

class Stream {
  public:
    virtual ~Stream() = default;

    virtual boost::asio::awaitable<Transferred> read_some(boost::asio::mutable_buffer room) = 0;
    virtual boost::asio::awaitable<Transferred> write(boost::asio::const_buffer bytes) = 0;
    virtual boost::asio::ip::tcp::socket& socket() = 0;

    // A whole answer was read over this stream.
    virtual void answered() = 0;
    // Of the target's leaf certificate; nothing without TLS.
    virtual std::optional<WallTime> certificate_expires() const = 0;
    // The TLS layer itself, for who wants to know more of it; null without TLS.
    virtual SSL* tls_layer() { return nullptr; }
};

std::unique_ptr<Stream> make_plain_stream(boost::asio::ip::tcp::socket socket);

}  // namespace leverd::net
