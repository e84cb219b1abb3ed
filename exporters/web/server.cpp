// Why: the doors of the daemon: who may come in, how many at once, and what the kernel says about
// them. What happens inside is connection.cpp's.
#include "exporters/web/server.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "exporters/web/connection.hpp"
#include "exporters/web/listen.hpp"

#include <sys/socket.h>
#include <unistd.h>

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

template <class Socket>
void welcome(const std::shared_ptr<Core>& core, Door& door, Socket socket) {
    web::Access access = door.access;
    if (access.unix_socket && !read_peer(socket.native_handle(), access.uid)) {
        return;
    }
    web::AnySocket any(std::move(socket));
    if (*door.connections >= core->options.limits.connections) {
        if (*door.refusals < web::refusals_max) {
            core->tasks.spawn("web refusal", web::refuse(std::move(any), web::Seat(door.refusals)));
        }
        return;
    }
    core->tasks.spawn("web session", web::session(core, std::move(any), std::move(access),
                                                  web::Seat(door.connections), door.streams));
}

template <class Acceptor>
asio::awaitable<void> accept_loop(std::shared_ptr<Core> core, std::shared_ptr<Acceptor> acceptor,
                                  Door* door) {
    for (;;) {
        auto [failure, socket] = co_await acceptor->async_accept(net::tuple_token);
        if (failure == asio::error::operation_aborted || !acceptor->is_open() ||
            co_await net::is_cancelled()) {
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
    impl->core = std::make_shared<Core>(tasks, backend, std::move(options));
    impl->tcp_door.access.loopback = address->endpoint.address().is_loopback();
    impl->tcp_door.access.listen_host = address->host;
    impl->tcp_door.access.token = &impl->core->token;
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

void WebServer::set_token(std::optional<Secret> token) {
    impl_->core->token = token.value_or(Secret{});
}

unsigned short WebServer::port() const {
    boost::system::error_code ignored;
    return impl_->tcp->local_endpoint(ignored).port();
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
