// Why: the doors of the daemon: who may come in, how many at once, and what the kernel says about
// them. What happens inside is connection.cpp's.
#include "exporters/web/server.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "exporters/web/connection.hpp"
#include "exporters/web/listen.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <type_traits>

namespace leverd::exporters {
namespace {

namespace asio = boost::asio;
using web::Core;
using web::Door;

constexpr Millis after_failed_accept{100};

// SO_PEERCRED is what the kernel knew when the peer connected; it cannot be forged.
bool read_peer(int descriptor, unsigned& uid) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }
    uid = peer.uid;
    return true;
}

// One peer is one address, or the network that IPv6 gives to one household.
std::string peer_of(const asio::ip::tcp::socket::endpoint_type& endpoint) {
    constexpr std::size_t network_bytes = 8;
    const auto address = endpoint.address();
    if (address.is_v4()) {
        return address.to_string();
    }
    auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
    }
    if (v6.is_loopback()) {
        return v6.to_string();
    }
    auto bytes = v6.to_bytes();
    std::fill(bytes.begin() + network_bytes, bytes.end(), static_cast<unsigned char>(0));
    return asio::ip::make_address_v6(bytes).to_string() + "/64";
}

template <class Socket>
bool identify(const Socket& socket, web::Access& access) {
    if constexpr (std::is_same_v<typename Socket::protocol_type, asio::ip::tcp>) {
        boost::system::error_code failure;
        const auto endpoint = socket.remote_endpoint(failure);
        access.peer = failure ? std::string{} : peer_of(endpoint);
        return !failure;
    } else {
        Socket& same = const_cast<Socket&>(socket);
        const bool known = read_peer(same.native_handle(), access.uid);
        access.peer = "uid " + std::to_string(access.uid);
        return known;
    }
}

template <class Socket>
void welcome(const std::shared_ptr<Core>& core, Door& door, Socket socket) {
    web::Access access = door.access;
    if (!identify(socket, access)) {
        return;
    }
    web::AnySocket any(std::move(socket));
    auto seat = door.seats->admit(access.peer, core->backend.now().at);
    if (seat == nullptr) {
        if (*door.refusals < web::refusals_max) {
            core->tasks.spawn("web refusal",
                              web::refuse(std::move(any), web::Counted(door.refusals)));
        }
        return;
    }
    core->tasks.spawn("web session", web::session(core, std::move(any), std::move(access),
                                                  std::move(seat), door.streams));
}

template <class Acceptor>
asio::awaitable<void> accept_loop(std::shared_ptr<Core> core, std::shared_ptr<Acceptor> acceptor,
                                  Door* door) {
    for (;;) {
        auto [failure, socket] = co_await acceptor->async_accept(net::tuple_token);
        const bool cancelled = co_await net::is_cancelled();
        if (failure == asio::error::operation_aborted || !acceptor->is_open() || cancelled) {
            co_return;
        }
        if (failure) {
            // No descriptors, most likely. Trying again at once would only burn the processor.
            const bool awake = co_await net::pause(after_failed_accept);
            if (!awake) {
                co_return;
            }
            continue;
        }
        welcome(core, *door, std::move(socket));
    }
}

web::SeatLimits seat_limits(const WebLimits& limits) {
    web::SeatLimits out;
    out.all = limits.connections;
    out.per_peer = limits.per_peer;
    out.reserved = limits.reserved;
    out.stalled = limits.stalled;
    return out;
}

bool is_same(const ApiToken& a, const ApiToken& b) {
    return a.name == b.name && a.role == b.role &&
           (equal_constant_time(a.secret, b.secret.reveal()) ||
            (a.secret.empty() && b.secret.empty()));
}

WebFigures::DoorCounts counts_of(const Door& door) {
    const web::SeatCounts& seats = door.seats->counts();
    WebFigures::DoorCounts out;
    out.open = door.seats->taken();
    out.refused = seats.refused_full;
    out.evicted_full = seats.evicted_full;
    out.evicted_peer = seats.evicted_peer;
    out.reserved = seats.kept_for_urgent;
    return out;
}

}  // namespace

struct WebServer::Impl {
    std::shared_ptr<Core> core;
    std::shared_ptr<web::TcpAcceptor> tcp;
    std::shared_ptr<web::UnixAcceptor> unix_socket;
    Door tcp_door;
    Door unix_door;
};

Result<std::unique_ptr<WebServer>> WebServer::bind(asio::any_io_executor executor,
                                                   net::TaskGroup& tasks, Backend& backend,
                                                   WebOptions options) {
    const auto address = web::parse_listen(options.listen);
    if (address.has_error()) {
        return address.error();
    }
    auto tcp = web::bind_tcp(executor, *address);
    if (tcp.has_error()) {
        return tcp.error();
    }
    auto impl = std::make_unique<Impl>();
    impl->tcp = std::make_shared<web::TcpAcceptor>(std::move(*tcp));
    if (!options.socket.empty()) {
        auto bound = web::bind_unix(executor, options.socket);
        if (bound.has_error()) {
            return bound.error();
        }
        impl->unix_socket = std::make_shared<web::UnixAcceptor>(std::move(*bound));
    }
    impl->core = std::make_shared<Core>(executor, tasks, backend, std::move(options));
    const web::SeatLimits seats = seat_limits(impl->core->options.limits);
    impl->tcp_door.seats = web::Seats::make(seats);
    impl->unix_door.seats = web::Seats::make(seats);
    impl->tcp_door.access.loopback = address->endpoint.address().is_loopback();
    impl->tcp_door.access.listen_host = address->host;
    impl->unix_door.access.unix_socket = true;
    impl->unix_door.access.own_uid = ::geteuid();
    return std::unique_ptr<WebServer>(new WebServer(std::move(impl)));
}

WebServer::WebServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WebServer::~WebServer() {
    boost::system::error_code ignored;
    impl_->tcp->close(ignored);
    if (impl_->unix_socket) {
        impl_->unix_socket->close(ignored);
        ::unlink(impl_->core->options.socket.c_str());
    }
}

unsigned short WebServer::port() const {
    boost::system::error_code ignored;
    return impl_->tcp->local_endpoint(ignored).port();
}

// The same tokens stay the same object, so that a stream can tell that it need not ask again.
void WebServer::set_tokens(ApiTokens tokens) {
    const auto& before = impl_->core->options.tokens;
    if (before && std::ranges::equal(*before, tokens, is_same)) {
        return;
    }
    impl_->core->options.tokens = std::make_shared<const ApiTokens>(std::move(tokens));
}

WebFigures WebServer::figures() const {
    const Core& core = *impl_->core;
    WebFigures out = core.figures;
    out.doors["tcp"] = counts_of(impl_->tcp_door);
    if (impl_->unix_socket) {
        out.doors["unix"] = counts_of(impl_->unix_door);
    }
    out.reads_waiting = core.views.waiting() + core.history.waiting();
    out.reads_refused = core.views.refused() + core.history.refused();
    return out;
}

void WebServer::start() {
    Impl& impl = *impl_;
    impl.core->tasks.spawn("web accept", accept_loop(impl.core, impl.tcp, &impl.tcp_door),
                           net::TaskRole::vital);
    if (impl.unix_socket) {
        impl.core->tasks.spawn("command line accept",
                               accept_loop(impl.core, impl.unix_socket, &impl.unix_door),
                               net::TaskRole::vital);
    }
}

}  // namespace leverd::exporters
