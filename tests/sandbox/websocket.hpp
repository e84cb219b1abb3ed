// Why: the far side of a tenant's event stream, apart from server.cpp because Beast's WebSocket is
// long to compile.
#pragma once

#include "hub.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <memory>

namespace sandbox {

// Accepts the upgrade and sends the listener's frames until either side is gone. Reads and forgets
// whatever comes, answers pings, never pings.
boost::asio::awaitable<void> serve_frames(
    boost::asio::ssl::stream<boost::beast::tcp_stream>* stream,
    boost::beast::http::request<boost::beast::http::string_body> upgrade,
    std::shared_ptr<Audience> audience);

}  // namespace sandbox
