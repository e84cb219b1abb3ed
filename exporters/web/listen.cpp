// Why: see listen.hpp.
#include "exporters/web/listen.hpp"

#include <boost/asio/ip/address.hpp>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace leverd::exporters::web {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;

enum class SocketFile { absent, stale, alive, not_a_socket };

SocketFile examine(const asio::any_io_executor& executor, const std::string& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) {
        return SocketFile::absent;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return SocketFile::not_a_socket;
    }
    asio::basic_stream_socket<asio::local::stream_protocol, asio::any_io_executor> probe(executor);
    error_code failure;
    const asio::local::stream_protocol::endpoint there(path);
    // Without waiting: whoever listens and takes nobody on is alive all the same.
    probe.open(there.protocol(), failure);
    if (!failure) {
        probe.native_non_blocking(true, failure);
    }
    if (!failure &&
        ::connect(probe.native_handle(), there.data(), static_cast<socklen_t>(there.size())) != 0) {
        failure = error_code(errno, boost::system::system_category());
    }
    return failure == asio::error::connection_refused ? SocketFile::stale : SocketFile::alive;
}

Error cannot_listen(const std::string& where, const error_code& failure, std::string hint) {
    return Error{fmt::format("cannot listen on {}: {}", where, failure.message()), std::move(hint)};
}

std::string tcp_hint(const error_code& failure, unsigned short port) {
    if (failure == asio::error::address_in_use) {
        return fmt::format("see who holds it with: ss -ltnp 'sport = :{}', or set daemon.listen",
                           port);
    }
    return "set daemon.listen to an address of this box, e.g. \"127.0.0.1:9847\"";
}

}  // namespace

Result<ListenAddress> parse_listen(const std::string& text) {
    const Error bad{fmt::format("daemon.listen = \"{}\" is not an address and a port", text),
                    "write it like \"127.0.0.1:9847\" or \"[::1]:9847\""};
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) {
        return bad;
    }
    unsigned short port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data() + colon + 1, end, port);
    if (problem != std::errc{} || stop != end) {
        return bad;
    }
    ListenAddress out;
    out.host = text.substr(0, colon);
    const bool bracketed = out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']';
    if (bracketed) {
        out.host = out.host.substr(1, out.host.size() - 2);
    }
    error_code failure;
    const auto address =
        asio::ip::make_address(out.host == "localhost" ? "127.0.0.1" : out.host, failure);
    if (failure || address.is_v6() != bracketed) {
        return bad;
    }
    out.endpoint = asio::ip::tcp::endpoint(address, port);
    return out;
}

Result<TcpAcceptor> bind_tcp(const asio::any_io_executor& executor, const ListenAddress& address) {
    TcpAcceptor acceptor(executor);
    error_code failure;
    acceptor.open(address.endpoint.protocol(), failure);
    if (!failure) {
        acceptor.set_option(asio::socket_base::reuse_address(true), failure);
    }
    if (!failure) {
        acceptor.bind(address.endpoint, failure);
    }
    if (!failure) {
        acceptor.listen(asio::socket_base::max_listen_connections, failure);
    }
    if (failure) {
        const auto port = address.endpoint.port();
        return cannot_listen(fmt::format("{}:{}", address.host, port), failure,
                             tcp_hint(failure, port));
    }
    return acceptor;
}

Result<UnixAcceptor> bind_unix(const asio::any_io_executor& executor, const std::string& path) {
    if (path.size() > socket_path_max) {
        return Error{fmt::format("daemon.socket is longer than {} bytes", socket_path_max),
                     "choose a shorter path, e.g. /run/leverd/leverd.sock"};
    }
    switch (examine(executor, path)) {
        case SocketFile::alive:
            return Error{fmt::format("another process already listens on {}", path),
                         "stop it first, or set daemon.socket to another path"};
        case SocketFile::not_a_socket:
            return Error{fmt::format("{} exists and is not a socket", path),
                         "move it away, or set daemon.socket to another path"};
        case SocketFile::stale:
            ::unlink(path.c_str());
            break;
        case SocketFile::absent:
            break;
    }
    UnixAcceptor acceptor(executor);
    error_code failure;
    acceptor.open(asio::local::stream_protocol(), failure);
    if (!failure) {
        acceptor.bind(asio::local::stream_protocol::endpoint(path), failure);
    }
    // Everyone on the box may read; who may change things is decided by the peer's identity.
    if (!failure && ::chmod(path.c_str(), 0666) != 0) {
        failure = error_code(errno, boost::system::system_category());
    }
    if (!failure) {
        acceptor.listen(asio::socket_base::max_listen_connections, failure);
    }
    if (failure) {
        return cannot_listen(path, failure,
                             "the folder of daemon.socket must exist and be writable by leverd");
    }
    return acceptor;
}

}  // namespace leverd::exporters::web
