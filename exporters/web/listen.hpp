// Why: binding fails in ways that a person has to sort out, so each failure says which address and
// what to do. Private to the server.
#pragma once

#include "core/base/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <string>

namespace leverd::exporters::web {

using TcpAcceptor =
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::any_io_executor>;
using UnixAcceptor = boost::asio::basic_socket_acceptor<boost::asio::local::stream_protocol,
                                                        boost::asio::any_io_executor>;

struct ListenAddress {
    std::string host;  // without brackets
    boost::asio::ip::tcp::endpoint endpoint;
};

// "127.0.0.1:9847", "[::1]:9847", "localhost:9847"; names other than localhost are refused, because
// what they mean may change.
Result<ListenAddress> parse_listen(const std::string& text);

Result<TcpAcceptor> bind_tcp(const boost::asio::any_io_executor& executor,
                             const ListenAddress& address);
// Takes over a socket file that nobody listens on any more; never removes anything else.
Result<UnixAcceptor> bind_unix(const boost::asio::any_io_executor& executor,
                               const std::string& path);

}  // namespace leverd::exporters::web
