// Why: see resolver.hpp.
#include "core/net/resolver.hpp"

#include "core/base/text.hpp"
#include "core/net/ares_channel.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/dns_status.hpp"

#include <boost/asio/steady_timer.hpp>

#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <optional>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds ttl_max{30};
constexpr std::size_t cache_max = 1024;
constexpr std::size_t addresses_max = 8;

// One question in flight; everybody who asks for the same name waits for the same answer.
struct Query {
    std::optional<Attempt<Addresses>> answer;
    std::chrono::seconds ttl{0};
    std::uint64_t asked_at = 0;              // a mark of AresSockets
    std::list<asio::steady_timer*> waiters;  // cancelled when the answer is there
};

// Keeps its place in the query exactly as long as its coroutine is there, however that ends.
class Waiter {
  public:
    Waiter(const asio::any_io_executor& executor, Deadline deadline, std::shared_ptr<Query> query)
        : timer(executor, deadline), query_(std::move(query)) {
        place_ = query_->waiters.insert(query_->waiters.end(), &timer);
    }
    ~Waiter() { query_->waiters.erase(place_); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    asio::steady_timer timer;

  private:
    std::shared_ptr<Query> query_;
    std::list<asio::steady_timer*>::iterator place_;
};

struct Remembered {
    Addresses addresses;
    Steady::time_point until;
};

Attempt<Addresses> failed(Reason reason, Origin origin, const std::string& why) {
    return Fault{reason, origin, "name lookup: " + why};
}

void take_answer(Query& query, int status, const ares_addrinfo* list) {
    if (status != ARES_SUCCESS) {
        query.answer = dns_fault(status);
        return;
    }
    Addresses addresses;
    int ttl = static_cast<int>(ttl_max.count());
    for (auto* node = list == nullptr ? nullptr : list->nodes; node != nullptr;
         node = node->ai_next) {
        if (addresses.size() == addresses_max) {
            break;
        }
        if (node->ai_family == AF_INET) {
            const auto* in = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
            addresses.emplace_back(asio::ip::address_v4(ntohl(in->sin_addr.s_addr)));
        } else if (node->ai_family == AF_INET6) {
            const auto* in = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
            asio::ip::address_v6::bytes_type bytes{};
            std::copy_n(in->sin6_addr.s6_addr, bytes.size(), bytes.begin());
            addresses.emplace_back(asio::ip::address_v6(bytes, in->sin6_scope_id));
        }
        ttl = std::min(ttl, std::max(0, node->ai_ttl));
    }
    if (addresses.empty()) {
        query.answer = failed(Reason::dns_not_found, Origin::target, "no address");
        return;
    }
    query.ttl = std::chrono::seconds(ttl);
    query.answer = std::move(addresses);
}

// What needs no question: literals, and localhost, which RFC 6761 keeps away from DNS.
std::optional<Addresses> known_without_asking(const std::string& host) {
    boost::system::error_code ec;
    const auto literal = asio::ip::make_address(host, ec);
    if (!ec) {
        return Addresses{literal};
    }
    if (host == "localhost" || host.ends_with(".localhost")) {
        return Addresses{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
    }
    return std::nullopt;
}

}  // namespace

struct Resolver::State {
    asio::any_io_executor executor;
    std::vector<std::string> nameservers;
    std::shared_ptr<AresChannel> channel;
    std::map<std::string, std::shared_ptr<Query>> pending;
    std::map<std::string, Remembered> cache;
    bool reopen = false;  // read the system's settings again before the next question

    Attempt<std::shared_ptr<Query>> ask(const std::string& host,
                                        const std::shared_ptr<State>& self);
    void answered(const std::string& host, const std::shared_ptr<Query>& query);
    void remember(const std::string& host, const Query& query);
    void drop_if_unwanted();
};

Attempt<std::shared_ptr<Query>> Resolver::State::ask(const std::string& host,
                                                     const std::shared_ptr<State>& self) {
    const auto same = pending.find(host);
    if (same != pending.end()) {
        return same->second;
    }
    if (reopen && pending.empty()) {
        channel.reset();
        reopen = false;
    }
    if (!channel) {
        auto opened = AresChannel::open(executor, nameservers);
        if (!opened) {
            return opened.error();
        }
        channel = *opened;
    }
    auto query = std::make_shared<Query>();
    pending[host] = query;
    query->asked_at = channel->servers().mark();
    const std::weak_ptr<State> weak = self;
    channel->query(host, [weak, query, host](int status, const ares_addrinfo* list) {
        const auto state = weak.lock();
        if (state) {
            status = clarify_dns(status, state->channel->servers(), query->asked_at);
        }
        take_answer(*query, status, list);
        if (state) {
            state->answered(host, query);
        }
    });
    return query;
}

void Resolver::State::answered(const std::string& host, const std::shared_ptr<Query>& query) {
    pending.erase(host);
    if (query->answer->has_value()) {
        remember(host, *query);
    } else {
        const Reason reason = query->answer->error().reason;
        reopen = reopen || reason == Reason::resolver_down || reason == Reason::dns_timeout;
    }
    for (auto* waiter : query->waiters) {
        waiter->cancel();
    }
}

void Resolver::State::remember(const std::string& host, const Query& query) {
    if (query.ttl.count() == 0) {
        return;
    }
    const auto now = Steady::now();
    if (cache.size() >= cache_max) {
        std::erase_if(cache, [now](const auto& row) { return row.second.until <= now; });
    }
    if (cache.size() < cache_max) {
        cache[host] = Remembered{**query.answer, now + query.ttl};
    }
}

// Once nobody waits for anything, what is still in flight would only keep the loop busy.
void Resolver::State::drop_if_unwanted() {
    for (const auto& [host, query] : pending) {
        if (!query->waiters.empty()) {
            return;
        }
    }
    if (channel && !pending.empty()) {
        reopen = true;
        channel->cancel_all();
    }
}

Resolver::Resolver(asio::any_io_executor executor, std::vector<std::string> nameservers)
    : state_(std::make_shared<State>()) {
    state_->executor = std::move(executor);
    state_->nameservers = std::move(nameservers);
}

Resolver::~Resolver() = default;

asio::awaitable<Attempt<Addresses>> Resolver::resolve(std::string host, Deadline deadline) {
    if (auto known = known_without_asking(host)) {
        co_return std::move(*known);
    }
    const auto state = state_;
    const auto cached = state->cache.find(host);
    if (cached != state->cache.end()) {
        if (cached->second.until > Steady::now()) {
            co_return cached->second.addresses;
        }
        state->cache.erase(cached);
    }
    const auto owner = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(owner)) {
        co_return cancelled_fault();
    }
    const auto asked = state->ask(host, state);
    if (!asked) {
        co_return asked.error();
    }
    const std::shared_ptr<Query> query = *asked;
    if (!query->answer) {
        {
            Waiter waiter(state->executor, deadline, query);
            co_await waiter.timer.async_wait(tuple_token);
        }
        const bool stopped = is_cancelled(owner);
        if (!query->answer) {
            const bool refused = state->channel->servers().all_refused_since(query->asked_at);
            state->drop_if_unwanted();
            if (stopped) {
                co_return cancelled_fault();
            }
            if (refused) {
                co_return dns_fault(ARES_ECONNREFUSED);
            }
            const auto late = std::chrono::duration_cast<Millis>(Steady::now() - deadline);
            co_return timed_out(Phase::dns, late);
        }
    }
    co_return *query->answer;
}

}  // namespace leverd::net
