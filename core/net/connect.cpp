// Why: see connect.hpp.
#include "core/net/connect.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/descriptors.hpp"
#include "core/net/guard.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr Millis apart{250};  // RFC 8305, section 5

asio::awaitable<Attempt<Connected>> connect_one(asio::any_io_executor executor,
                                                tcp::endpoint endpoint, Deadline deadline) {
    const auto owner = co_await asio::this_coro::cancellation_state;
    const auto began = std::chrono::steady_clock::now();
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
    const auto took = std::chrono::steady_clock::now() - began;
    Connected connected{std::move(socket), std::chrono::duration_cast<Millis>(took)};
    co_return std::move(connected);
}

// All attempts of one connect, and whoever waits for them; each of them holds it.
struct Race {
    explicit Race(const asio::any_io_executor& executor) : news(executor) {}

    asio::steady_timer news;  // cancelled when an attempt ended
    std::vector<std::unique_ptr<asio::cancellation_signal>> stops;
    std::vector<std::optional<Fault>> faults;  // by address
    std::optional<Connected> winner;
    std::size_t ended = 0;

    void stop_all() {
        for (const auto& stop : stops) {
            stop->emit(asio::cancellation_type::all);
        }
    }
};

asio::awaitable<void> run_one(std::shared_ptr<Race> race, std::size_t index, tcp::endpoint endpoint,
                              Deadline deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto executor = co_await asio::this_coro::executor;
    auto attempt = co_await connect_one(executor, endpoint, deadline);
    if (attempt.has_error()) {
        race->faults[index] = attempt.error();
    } else if (!race->winner) {
        race->winner.emplace(std::move(*attempt));
    }
}

void begin(const std::shared_ptr<Race>& race, const asio::any_io_executor& executor,
           const tcp::endpoint& endpoint, Deadline deadline) {
    const auto index = race->stops.size();
    race->faults.emplace_back();
    race->stops.push_back(std::make_unique<asio::cancellation_signal>());
    asio::co_spawn(executor, run_one(race, index, endpoint, deadline),
                   asio::bind_cancellation_slot(
                       race->stops.back()->slot(), [race, index](const std::exception_ptr& thrown) {
                           if (thrown) {
                               race->faults[index] = Fault{Reason::no_descriptors, Origin::local,
                                                           "a connection could not be begun"};
                           }
                           race->ended += 1;
                           race->news.cancel();
                       }));
}

// The first address that was reachable at all is the one worth telling about; a way that this box
// does not have comes last.
Fault told_of(const Race& race) {
    const Fault* best = nullptr;
    const auto rank = [](const Fault& fault) {
        if (fault.reason == Reason::no_route) {
            return 0;
        }
        return fault.reason == Reason::connect_failed ? 1 : 2;
    };
    for (const auto& fault : race.faults) {
        if (fault && (best == nullptr || rank(*fault) > rank(*best))) {
            best = &*fault;
        }
    }
    return best == nullptr
               ? Fault{Reason::connect_failed, Origin::local, "no address to connect to"}
               : *best;
}

// Ours, and the same for every other address.
bool is_hopeless(const Race& race) {
    for (const auto& fault : race.faults) {
        if (fault && fault->origin == Origin::local && fault->reason != Reason::no_route) {
            return true;
        }
    }
    return false;
}

}  // namespace

asio::awaitable<Attempt<Connected>> connect_any(asio::any_io_executor executor, Addresses addresses,
                                                std::uint16_t port, Deadline deadline) {
    if (addresses.size() == 1) {
        const tcp::endpoint only(addresses.front(), port);
        auto attempt = co_await connect_one(executor, only, deadline);
        co_return std::move(attempt);
    }
    const auto owner = co_await asio::this_coro::cancellation_state;
    auto race = std::make_shared<Race>(executor);
    std::size_t begun = 0;
    while (!race->winner && !is_cancelled(owner)) {
        const bool more = begun < addresses.size() && !is_hopeless(*race);
        if (race->ended == begun && !more) {
            break;
        }
        // One more when all that began have failed, or when they let the others wait.
        if (more) {
            begin(race, executor, tcp::endpoint(addresses[begun], port), deadline);
            begun += 1;
        }
        const auto seen = race->ended;
        const auto wait =
            begun < addresses.size() ? std::chrono::steady_clock::now() + apart : Deadline::max();
        race->news.expires_at(wait);
        while (race->ended == seen && std::chrono::steady_clock::now() < wait &&
               !is_cancelled(owner)) {
            const auto [over] = co_await race->news.async_wait(tuple_token);
            (void)over;  // the loop asks what happened
        }
    }
    race->stop_all();
    if (is_cancelled(owner)) {
        co_return cancelled_fault();
    }
    if (race->winner) {
        co_return std::move(*race->winner);
    }
    co_return told_of(*race);
}

}  // namespace leverd::net
