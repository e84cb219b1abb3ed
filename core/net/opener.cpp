// Why: see opener.hpp.
#include "core/net/opener.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/connect.hpp"

namespace leverd::net {

namespace asio = boost::asio;

Opener::Opener(asio::any_io_executor executor, const TransportOptions& options)
    : executor_(std::move(executor)),
      options_(options),
      resolver_(executor_, options.nameservers) {}

asio::awaitable<Attempt<std::unique_ptr<Stream>>> Opener::open(Where where, Deadline deadline,
                                                               Phases* phases) {
    StopWatch watch;
    const auto addresses = co_await resolver_.resolve(where.host, deadline);
    watch.mark(phases->dns);
    if (!addresses) {
        co_return addresses.error();
    }
    auto connected = co_await connect_any(executor_, *addresses, where.port, deadline);
    Millis waited{0};
    watch.mark(waited);
    phases->connect += connected ? connected->took : waited;
    if (!connected) {
        co_return connected.error();
    }
    auto& socket = connected->socket;
    if (!where.tls) {
        co_return make_plain_stream(std::move(socket));
    }
    if (!tls_) {
        tls_.emplace(options_.ca_file);
    }
    // Without a key no session is offered, and without an answer none is kept.
    const std::string no_key;
    auto stream = co_await tls_->handshake(std::move(socket), where.server_name, no_key, deadline);
    watch.mark(phases->tls);
    co_return std::move(stream);
}

}  // namespace leverd::net
