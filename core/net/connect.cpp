// Why: see connect.hpp.
#include "core/net/connect.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/descriptors.hpp"
#include "core/net/guard.hpp"

#include <chrono>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

asio::awaitable<Attempt<tcp::socket>> connect_one(asio::any_io_executor executor,
                                                  tcp::endpoint endpoint, Deadline deadline) {
    const auto owner = co_await asio::this_coro::cancellation_state;
    tcp::socket socket(executor);
    boost::system::error_code ec;
    socket.open(endpoint.protocol(), ec);
    if (!ec && !leaves_reserve(socket.native_handle())) {
        ec = asio::error::no_descriptors;
    }
    if (ec) {
        co_return io_fault(ec, Phase::connect);
    }
    {
        const Guard guard(executor, deadline, socket, owner);
        if (auto stop = guard.stopped(Phase::connect)) {
            co_return std::move(*stop);
        }
        const auto [failed] = co_await socket.async_connect(endpoint, tuple_token);
        if (failed) {
            co_return guard.explain(failed, Phase::connect);
        }
    }
    // Requests are small and written whole, so waiting to fill a packet only adds delay.
    socket.set_option(tcp::no_delay(true), ec);
    co_return std::move(socket);
}

}  // namespace

asio::awaitable<Attempt<tcp::socket>> connect_any(asio::any_io_executor executor,
                                                  Addresses addresses, std::uint16_t port,
                                                  Deadline deadline) {
    Fault first{Reason::connect_failed, Origin::local, "no address to connect to"};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto now = std::chrono::steady_clock::now();
        const auto left = static_cast<long>(addresses.size() - i);
        const Deadline share = deadline <= now ? deadline : now + (deadline - now) / left;
        const tcp::endpoint endpoint(addresses[i], port);
        auto socket = co_await connect_one(executor, endpoint, share);
        if (socket) {
            co_return std::move(*socket);
        }
        Fault fault = socket.error();
        // Ours, and the same for every other address.
        if (fault.origin == Origin::local) {
            co_return fault;
        }
        // The first address that was reachable at all is the one worth telling about.
        if (i == 0 || first.reason == Reason::connect_failed) {
            first = std::move(fault);
        }
    }
    co_return first;
}

}  // namespace leverd::net
