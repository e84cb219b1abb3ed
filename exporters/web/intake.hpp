// Why: one request, whole and unambiguous, or the refusal to send: deadlines, sizes and the letter
// of the protocol are held to here, so that nothing above sees half a request.
#pragma once

#include "exporters/web/connection.hpp"
#include "exporters/web/http.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <optional>

namespace leverd::exporters::web {

using Stream =
    boost::beast::basic_stream<boost::asio::generic::stream_protocol, boost::asio::any_io_executor>;

struct Incoming {
    bool ended = false;               // the peer left or was too slow: nothing more to say
    std::optional<Response> refusal;  // to be sent, and the connection to be closed
    Request request;                  // its target is set for a refusal, too, once it is known
    unsigned version = 11;
    bool keep_alive = false;
    bool head = false;  // asked with HEAD
};

// What is left in `buffer` belongs to the next request. `wait`: until the first byte.
boost::asio::awaitable<Incoming> read_request(Stream& stream, boost::beast::flat_buffer& buffer,
                                              Millis wait, const WebLimits& limits);

}  // namespace leverd::exporters::web
