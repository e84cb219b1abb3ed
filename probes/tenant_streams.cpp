// Why: see tenant_streams.hpp.
#include "probes/tenant_streams.hpp"

#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "core/stack/tenant_event.hpp"
#include "probes/backoff.hpp"
#include "probes/common.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace leverd::probes {
namespace asio = boost::asio;
namespace {

using Why = net::WebSocketEnd::Why;
using Steady = std::chrono::steady_clock;

// A sender that does not stop may have this much of the loop; the rest stays in its socket.
constexpr int burst_max = 64;
constexpr Millis burst_time{100};

Millis since(Steady::time_point begin) {
    return std::chrono::duration_cast<Millis>(Steady::now() - begin);
}

}  // namespace

struct TenantStreams::Line {
    Line(std::string of, const asio::any_io_executor& executor)
        : slug(std::move(of)), wait(executor) {}

    std::string slug;
    asio::steady_timer wait;                 // between two tries
    std::shared_ptr<net::WebSocket> socket;  // while the stream is open
    Steady::time_point opened{};
    Backoff backoff;
    bool gone = false;       // nobody wants it any more
    bool was_open = false;   // ever
    bool told_down = false;  // that it is down; said once until it is up again
};

TenantStreams::TenantStreams(asio::any_io_executor executor, Context& context,
                             std::shared_ptr<net::WebSocketClient> client, net::TaskGroup& group,
                             StreamHooks hooks)
    : executor_(std::move(executor)),
      context_(context),
      client_(std::move(client)),
      group_(group),
      hooks_(std::move(hooks)) {}

TenantStreams::~TenantStreams() = default;

StreamCounters TenantStreams::counters() const {
    StreamCounters now = counters_;
    now.wanted = lines_.size();
    return now;
}

asio::awaitable<void> TenantStreams::run() {
    bool awake = true;
    while (awake && !stopping_) {
        compare();
        awake = co_await net::pause(pace);
    }
}

void TenantStreams::compare() {
    const auto& events = context_.config->events;
    std::set<std::string> wanted;
    if (events.tenant_stream) {
        for (auto& slug : watched_tenants(context_)) {
            wanted.insert(std::move(slug));
        }
    }
    const auto& url = context_.config->tenants.url;
    const bool moved = url != url_ || events.tenant_stream_origin != origin_;
    url_ = url;
    origin_ = events.tenant_stream_origin;
    for (auto line = lines_.begin(); line != lines_.end();) {
        const auto next = std::next(line);
        if (moved || !wanted.contains(line->first)) {
            drop(line);
        }
        line = next;
    }
    int started = 0;
    for (const auto& slug : wanted) {
        if (started == started_max || lines_.size() >= streams_max) {
            return;
        }
        if (!lines_.contains(slug)) {
            auto line = std::make_shared<Line>(slug, executor_);
            lines_[slug] = line;
            group_.spawn("stream " + slug, keep(std::move(line)));
            ++started;
        }
    }
}

void TenantStreams::drop(Lines::iterator line) {
    const std::shared_ptr<Line> old = line->second;
    lines_.erase(line);
    old->gone = true;
    old->wait.cancel();
    if (old->socket) {
        group_.spawn("goodbye " + old->slug, leave(old->socket));
    }
}

asio::awaitable<void> TenantStreams::leave(std::shared_ptr<net::WebSocket> socket) {
    co_await socket->close(net::deadline_in(goodbye));
}

asio::awaitable<void> TenantStreams::stop() {
    stopping_ = true;
    while (!lines_.empty()) {
        drop(lines_.begin());
    }
    const auto until = net::deadline_in(goodbye);
    while (counters_.open > 0 && net::deadline_in(Millis{0}) < until) {
        const bool awake = co_await net::pause(Millis{10});
        if (!awake) {
            co_return;
        }
    }
}

net::WebSocketRequest TenantStreams::request_for(const std::string& slug) const {
    auto http = stack::tenant_stream_request(tenant_access(context_, slug),
                                             context_.config->events.tenant_stream_origin);
    net::WebSocketRequest request;
    request.url = std::move(http.url);
    request.headers = std::move(http.headers);
    return request;
}

Millis TenantStreams::patience(const std::string& slug) const {
    const auto found = context_.inventory->workspaces.find(slug);
    const bool talks = found != context_.inventory->workspaces.end() &&
                       std::any_of(found->second.begin(), found->second.end(),
                                   [](const auto& row) { return row.status == "online"; });
    return talks ? silence : silence_when_empty;
}

// Until nobody wants it: open it, use it, wait.
asio::awaitable<void> TenantStreams::keep(std::shared_ptr<Line> line) {
    const auto state = co_await asio::this_coro::cancellation_state;
    while (!line->gone && !net::is_cancelled(state)) {
        line->opened = Steady::time_point{};
        co_await use(line);
        if (line->gone || net::is_cancelled(state)) {
            co_return;
        }
        const bool opened = line->opened != Steady::time_point{};
        const Millis up = opened ? since(line->opened) : Millis{0};
        line->wait.expires_after(line->backoff.next(up, hooks_.chance()));
        co_await line->wait.async_wait(net::tuple_token);
    }
}

// One stream from its opening to its end.
asio::awaitable<void> TenantStreams::use(std::shared_ptr<Line> line) {
    const auto client = client_;  // kept for as long as its stream is open
    auto made = co_await client->connect(request_for(line->slug), net::deadline_in(connect_within));
    if (!made) {
        tell_end(*line, made.error());
        co_return;
    }
    if (line->gone) {
        co_await leave(std::move(*made));
        co_return;
    }
    line->socket = std::move(*made);
    line->opened = Steady::now();
    counters_.reconnects += line->was_open ? 1 : 0;
    counters_.open += 1;
    if (!line->was_open || line->told_down) {
        spdlog::info("event=tenant_stream_open tenant={}", line->slug);
    }
    line->was_open = true;
    line->told_down = false;
    hooks_.on_open(line->slug);
    const net::WebSocketEnd end = co_await listen(line);
    const auto socket = std::exchange(line->socket, nullptr);
    counters_.open -= 1;
    if (end.why == Why::bad) {
        hooks_.on_bad();
        co_await leave(socket);
    }
    tell_end(*line, end);
}

asio::awaitable<net::WebSocketEnd> TenantStreams::listen(std::shared_ptr<Line> line) {
    const std::shared_ptr<net::WebSocket> socket = line->socket;
    auto began = Steady::now();
    int burst = 0;
    while (true) {
        auto frame = co_await socket->read(net::deadline_in(patience(line->slug)));
        if (!frame) {
            co_return frame.error();
        }
        const auto event = stack::read_tenant_event(*frame);
        if (!event) {
            co_return net::WebSocketEnd{Why::bad, event.error().what};
        }
        counters_.messages += 1;
        if (!line->gone) {
            hooks_.on_event(line->slug, *event);
        }
        if (++burst == burst_max) {
            const bool awake = co_await net::pause(std::max(Millis{0}, burst_time - since(began)));
            if (!awake) {
                co_return net::WebSocketEnd{Why::stopped, "stopped"};
            }
            burst = 0;
            began = Steady::now();
        }
    }
}

void TenantStreams::tell_end(Line& line, const net::WebSocketEnd& end) {
    if (line.gone || line.told_down || stopping_ || end.why == Why::stopped) {
        return;
    }
    line.told_down = true;
    spdlog::warn("event=tenant_stream_down tenant={} what=\"{}\"", line.slug, end.detail);
}

}  // namespace leverd::probes
